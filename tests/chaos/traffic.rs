//! Careful clients: each repeats what got no definite answer, with the same key, at any process, until it
//! knows; and writes down what it was told.

mod campaigns;
mod quota;
mod singles;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use blackbox::{Client, Dice, Reply};
use reqwest::Method;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::stage::World;

/// For how long a client repeats itself before it calls the service broken.
const PATIENCE: Duration = Duration::from_mins(4);
const BREATH: Duration = Duration::from_millis(100);
/// So many messages are enough: the gateway remembers the last ten thousand requests.
const ENOUGH: usize = 3000;
/// How often somebody tries, when the world has ended, what they never had an answer to: a promise that was
/// never made could not be broken.
const TRIES: usize = 20;

/// Starts all clients. They end when the world does.
pub(crate) fn begin(world: &Arc<World>, seed: u64) -> JoinSet<()> {
    let mut clients = JoinSet::new();
    let dice = |n: u64| Dice::new(seed.wrapping_mul(1000).wrapping_add(n));
    for n in 0..5 {
        clients.spawn(singles::send(Arc::clone(world), dice(n), n));
    }
    for n in 5..7 {
        clients.spawn(singles::withdraw(Arc::clone(world), dice(n), n));
    }
    clients.spawn(singles::opt_out(Arc::clone(world), dice(7)));
    clients.spawn(singles::revoke(Arc::clone(world), dice(8)));
    clients.spawn(campaigns::run(Arc::clone(world), dice(9)));
    for n in 10..12 {
        clients.spawn(quota::spend(Arc::clone(world), dice(n), n));
    }
    clients
}

/// A breath between two requests, and whether there is to be another. It is long enough for two cores and a debug
/// build to send what is accepted: a longer run shall not be one with more waiting at its end.
async fn goes_on(world: &World, dice: &mut Dice) -> bool {
    tokio::time::sleep(Duration::from_millis(100 + dice.roll(400))).await;
    let enough = world.note(|history| history.accepted.len() >= ENOUGH);
    !world.is_over() && !enough
}

impl World {
    /// Whether nobody was promised anything for this reason yet.
    fn is_untold(&self, why: &str) -> bool {
        self.note(|history| !history.has_told(why))
    }

    /// Asks until there is a definite answer.
    pub(crate) async fn insist(
        &self,
        client: &Client,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Reply {
        self.repeat(None, client, method, path, body).await
    }

    /// The same of one process, for as long as it is in rotation.
    async fn insist_at(
        &self,
        process: usize,
        client: &Client,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Reply {
        self.repeat(Some(process), client, method, path, body).await
    }

    async fn repeat(
        &self,
        process: Option<usize>,
        client: &Client,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Reply {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let bytes = body.map(|body| body.to_string().into_bytes());
            let kind = if body.is_some() {
                "application/json"
            } else {
                ""
            };
            let base = match process {
                Some(n) if self.rotation[n].load(Ordering::Relaxed) => self.bases[n].as_str(),
                _ => self.base(),
            };
            let client = client.at(base);
            match client.try_call(method.clone(), path, bytes, kind).await {
                Ok(reply) if is_definite(&reply) => return reply,
                Ok(reply) => self.note(|history| {
                    if reply.status != 503 && reply.status >= 500 {
                        history.wrong(format!("{method} {path} answered {reply:?}"));
                    }
                    let code = format!("{} {}", reply.status, reply.code());
                    *history.put_off.entry(code).or_default() += 1;
                }),
                Err(_) => self.note(|history| history.lost += 1),
            }
            assert!(
                Instant::now() < deadline,
                "no definite answer in four minutes: {method} {path}"
            );
            tokio::time::sleep(BREATH).await;
        }
    }
}

/// Whether asking again would be a mistake, or of no use.
fn is_definite(reply: &Reply) -> bool {
    match reply.status {
        500.. => false,
        429 => !reply.code().ends_with("RATE_LIMIT_EXCEEDED"),
        // An equal request is at work elsewhere.
        409 => reply.header("retry-after").is_empty(),
        _ => true,
    }
}
