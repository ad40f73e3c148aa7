//! Making, linking and removing sessions, with the gateway's delays between.

use std::time::Duration;

use msgflash_kernel::Phone;
use msgflash_messaging::provider::{LinkState, NewSession, Pairing, ProviderError, SessionInfo};
use reqwest::Method;
use serde_json::Value;

use crate::client::{Answer, EvolutionClient};
use crate::turns::Turn;
use crate::verdict::{is_about_the_database, of_call};
use crate::wire::refusal::Refusal;
use crate::wire::session as wire;

/// How often the gateway is given time; with a first pause of 250 ms this is eight seconds.
const PATIENCE: u32 = 5;

impl EvolutionClient {
    /// Makes a session. A name that was just deleted stays taken for a moment: a refusal is
    /// believed once the gateway goes on listing the session. Two creates of one name at once end
    /// with neither: the loser of the race takes the winner's session down, and makes it again.
    pub(crate) async fn create_session(&self, session: &NewSession) -> Result<(), ProviderError> {
        let (_alone, waited) = self.turn(&session.session).await?;
        // Whoever was first has made it just now.
        if waited && matches!(self.stored(&session.session).await, Ok(Some(_))) {
            return Err(ProviderError::NameTaken);
        }

        let body = wire::create(session);
        let mut pauses = self.pauses();
        loop {
            let answer = self
                .change(Method::POST, &["instance", "create"], Some(&body))
                .await?;
            let lost_a_race = is_about_the_database(&refusal(&answer).text().to_lowercase());
            match done(answer) {
                Err(ProviderError::NameTaken) => {}
                Err(_) if lost_a_race => {}
                outcome => return outcome.map(drop),
            }
            loop {
                let pause = pauses.next().ok_or(ProviderError::NameTaken)?;
                tokio::time::sleep(pause).await;
                if self.stored(&session.session).await?.is_none() {
                    break;
                }
            }
        }
    }

    /// A turn at a session, and whether somebody had it before.
    pub(crate) async fn turn(&self, session: &str) -> Result<(Turn, bool), ProviderError> {
        let turn = self.turns.take(session, self.config.call_timeout).await;
        turn.ok_or(ProviderError::Timeout)
    }

    /// Starts linking, or asks for the code of a linking under way. A code that is not there yet is
    /// waited for. One at a time: each call on a closed session would start a socket of its own, and
    /// they would fight each other.
    pub(crate) async fn link(
        &self,
        session: &str,
        phone: Option<Phone>,
    ) -> Result<Pairing, ProviderError> {
        let (_alone, _) = self.turn(session).await?;
        let number = wire::number(phone);
        let query: Vec<_> = number
            .iter()
            .map(|number| ("number", number.as_str()))
            .collect();
        let mut pauses = self.pauses();
        loop {
            let body = done(self.get(&["instance", "connect", session], &query).await?)?;
            let pairing = wire::pairing(&body).ok_or_else(|| odd(&body))?;
            let Some(pause) = pauses.next().filter(|_| pairing == Pairing::NotYet) else {
                return Ok(pairing);
            };
            tokio::time::sleep(pause).await;
            // A closed one would start another socket, and one that is open needs no code.
            match self.live_state(session).await {
                Ok(LinkState::Connecting) => {}
                Ok(LinkState::Open) => return Ok(Pairing::AlreadyOpen),
                Ok(LinkState::Close) | Err(_) => return Ok(Pairing::NotYet),
            }
        }
    }

    pub(crate) async fn live_state(&self, session: &str) -> Result<LinkState, ProviderError> {
        let body = done(
            self.get(&["instance", "connectionState", session], &[])
                .await?,
        )?;
        wire::live_state(&body).ok_or_else(|| odd(&body))
    }

    pub(crate) async fn stored(&self, session: &str) -> Result<Option<SessionInfo>, ProviderError> {
        let path = ["instance", "fetchInstances"];
        let answer = self.get(&path, &[("instanceName", session)]).await?;
        match rows(answer) {
            Ok(rows) => Ok(rows.into_iter().find(|row| row.session == session)),
            Err(ProviderError::UnknownSession) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn all_stored(&self) -> Result<Vec<SessionInfo>, ProviderError> {
        rows(self.get(&["instance", "fetchInstances"], &[]).await?)
    }

    pub(crate) async fn reopen(&self, session: &str) -> Result<(), ProviderError> {
        done(
            self.change(Method::POST, &["instance", "restart", session], None)
                .await?,
        )
        .map(drop)
    }

    /// Unlinks the phone. A socket that died under an open session cannot say goodbye: it is
    /// reopened first. What the gateway says is not enough: of a session it has not loaded, or whose
    /// socket is just being opened again, it says that nobody is logged in.
    pub(crate) async fn unlink(&self, session: &str) -> Result<(), ProviderError> {
        let (_alone, _) = self.turn(session).await?;
        let is_dead = |answer: &Answer| refusal(answer).is_dead_socket();
        let answer = self
            .remove(&["instance", "logout", session], session, is_dead)
            .await?;
        let is_out = answer.status == 400 && refusal(&answer).text().ends_with("is not connected");
        if !is_out {
            done(answer)?;
        }
        for pause in self.pauses() {
            match self.stored(session).await {
                Ok(Some(stored)) if stored.state == LinkState::Open => {}
                _ => return Ok(()),
            }
            tokio::time::sleep(pause).await;
        }
        Err(ProviderError::Unavailable)
    }

    /// Removes the session. On a dead socket the gateway fails to log out, loses the cause on the
    /// way and keeps the session: it is reopened first.
    pub(crate) async fn drop_session(&self, session: &str) -> Result<(), ProviderError> {
        let is_dead = |answer: &Answer| {
            let refusal = refusal(answer);
            answer.status >= 400 && (refusal.is_opaque() || refusal.is_dead_socket())
        };
        let answer = self
            .remove(&["instance", "delete", session], session, is_dead)
            .await?;
        match done(answer) {
            Err(ProviderError::UnknownSession) => Ok(()),
            outcome => outcome.map(drop),
        }
    }

    /// One DELETE, and again with pauses after a restart while the socket is dead.
    async fn remove(
        &self,
        path: &[&str],
        session: &str,
        is_dead: impl Fn(&Answer) -> bool,
    ) -> Result<Answer, ProviderError> {
        let mut answer = self.change(Method::DELETE, path, None).await?;
        if !is_dead(&answer) {
            return Ok(answer);
        }
        self.reopen(session).await?;
        for pause in self.pauses() {
            answer = self.change(Method::DELETE, path, None).await?;
            if !is_dead(&answer) {
                break;
            }
            tokio::time::sleep(pause).await;
        }
        Ok(answer)
    }

    pub(crate) async fn read_version(&self) -> Result<String, ProviderError> {
        let body = done(self.get(&[], &[]).await?)?;
        let version = body.get("version").and_then(Value::as_str);
        version.map(str::to_owned).ok_or_else(|| odd(&body))
    }

    fn pauses(&self) -> impl Iterator<Item = Duration> + use<> {
        let first = self.config.retry_pause;
        (0..PATIENCE).map(move |turn| first * 2_u32.pow(turn))
    }
}

/// The body of a success; what else the answer means.
pub(crate) fn done(answer: Answer) -> Result<Value, ProviderError> {
    if !(200..300).contains(&answer.status) {
        return Err(of_call(&answer));
    }
    match answer.body {
        Some(body) if wire::is_failure(&body) => Err(odd(&body)),
        Some(body) => Ok(body),
        None => Err(ProviderError::Failed(format!(
            "{} without JSON",
            answer.status
        ))),
    }
}

fn refusal(answer: &Answer) -> Refusal {
    Refusal::of(answer.body.as_ref())
}

/// A success that says nothing we can use, or that it is none.
pub(crate) fn odd(body: &Value) -> ProviderError {
    ProviderError::Failed(Refusal::of(Some(body)).for_log(200))
}

fn rows(answer: Answer) -> Result<Vec<SessionInfo>, ProviderError> {
    let body = done(answer)?;
    let rows = body.as_array().ok_or_else(|| odd(&body))?;
    Ok(rows.iter().filter_map(wire::row).collect())
}
