//! What processes tell each other through the database. It shortens waits; nothing depends on it.
//!
//! A note is a statement of its own. Inside a transaction that writes it would take a lock of the
//! whole server from there to the end of the commit, so all commits would queue up behind each other.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use diesel::sql_types::Text;
use futures_util::StreamExt as _;
use msgflash_kernel::{AccountId, Announce, StoreError};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};
use tokio_postgres::{AsyncMessage, Client};
use tracing::{debug, info, warn};

use crate::connect::{Messages, connect_listener};
use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;

/// The topic under which [`Announce`] speaks. The payload is the account, or nothing for all.
pub const CHANGED: &str = "msgflash_changed";

/// How long the server may take to answer a listener.
const ANSWER: Duration = Duration::from_secs(5);
/// How often a listener asks whether it is still connected.
const BEAT: Duration = Duration::from_secs(10);
/// The waits before the server is tried again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// What a listener hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard<'a> {
    /// Somebody said this.
    Note {
        /// What it is about.
        topic: &'a str,
        /// What was said.
        payload: &'a str,
    },
    /// Listening begins, or begins again: anything may have been missed until now.
    Gap,
}

/// A running listener; it ends when this is dropped.
#[derive(Debug)]
#[must_use = "dropping it ends the listening"]
pub struct Listening(AbortHandle);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Postgres {
    /// Tells every listener of a topic, in every process.
    pub async fn notify(&self, topic: &str, payload: &str) -> Result<(), StoreError> {
        use diesel_async::RunQueryDsl as _;
        let mut conn = self.conn().await?;
        sql("SELECT pg_notify($1, $2)")
            .bind::<Text, _>(topic)
            .bind::<Text, _>(payload)
            .execute(&mut conn)
            .await
            .map(drop)
            .map_err(failed)
    }

    /// Listens to topics on a connection of its own, and connects again whenever that is lost.
    /// `hear` must not block: nothing else is heard meanwhile.
    pub fn listen(
        &self,
        topics: &[&str],
        hear: impl Fn(Heard<'_>) + Send + Sync + 'static,
    ) -> Listening {
        let mut wish = String::new();
        for topic in topics {
            let topic = topic.replace('"', "\"\"");
            write!(wish, "LISTEN \"{topic}\";").expect("text takes everything");
        }
        let url = Arc::clone(self.url());
        Listening(tokio::spawn(async move { listen(&url, &wish, &hear).await }).abort_handle())
    }
}

#[async_trait]
impl Announce for Postgres {
    async fn changed(&self, account: AccountId) {
        if let Err(cause) = self.notify(CHANGED, &account.to_string()).await {
            // The change is made. Whoever remembers the old state forgets it by itself soon.
            warn!(%cause, "other processes were not told of a change");
        }
    }
}

async fn listen(url: &str, wish: &str, hear: &(impl Fn(Heard<'_>) + Sync)) {
    let mut pause = PAUSES.0;
    let mut was_lost = false;
    loop {
        let listened = AtomicBool::new(false);
        let why = session(url, wish, |heard| {
            if heard == Heard::Gap {
                listened.store(true, Ordering::Relaxed);
                if was_lost {
                    info!("other processes are heard again");
                }
            }
            hear(heard);
        })
        .await;
        if listened.load(Ordering::Relaxed) || !was_lost {
            warn!(
                why,
                "other processes are not heard; work is found by looking"
            );
            pause = PAUSES.0;
        } else {
            debug!(why, "other processes are still not heard");
        }
        was_lost = true;
        sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// Listens until that ends, and answers why it did.
async fn session(url: &str, wish: &str, hear: impl Fn(Heard<'_>) + Sync) -> String {
    match timeout(ANSWER, connect_listener(url)).await {
        Err(_) => "the server does not answer".to_owned(),
        Ok(Err(error)) => error.to_string(),
        Ok(Ok((client, messages))) => {
            // Side by side: an answer arrives only while somebody reads.
            tokio::select! {
                why = ask(&client, wish, &hear) => why,
                why = read(messages, &hear) => why,
            }
        }
    }
}

/// A session can die without a word. Asking now and then finds out.
async fn ask(client: &Client, wish: &str, hear: &(impl Fn(Heard<'_>) + Sync)) -> String {
    let mut statement = wish;
    loop {
        match timeout(ANSWER, client.batch_execute(statement)).await {
            Err(_) => return "the server does not answer".to_owned(),
            Ok(Err(error)) => return error.to_string(),
            Ok(Ok(())) => {}
        }
        // Not before: what is said between connecting and listening is heard by nobody.
        if statement == wish {
            hear(Heard::Gap);
        }
        statement = "";
        sleep(BEAT).await;
    }
}

async fn read(mut messages: Messages, hear: &(impl Fn(Heard<'_>) + Sync)) -> String {
    while let Some(message) = messages.next().await {
        match message {
            Ok(AsyncMessage::Notification(note)) => hear(Heard::Note {
                topic: note.channel(),
                payload: note.payload(),
            }),
            Ok(_) => {}
            Err(error) => return error.to_string(),
        }
    }
    "the connection ended".to_owned()
}
