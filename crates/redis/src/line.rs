//! The connection: one for all requests, given up at the first failure, opened again beside them.

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError, Script};
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

/// The longest a request waits for Redis before its own process decides.
const ANSWER: Duration = Duration::from_millis(250);
/// How long connecting may take.
const REACH: Duration = Duration::from_secs(2);
/// How often Redis is looked for while it is away.
const AGAIN: Duration = Duration::from_millis(500);
/// A key whose window nobody uses: to see whether the script runs.
const TRIAL: &str = "msgflash:rate:trial";

/// The address cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the address of Redis cannot be used: {0}")]
pub struct BadAddress(String);

/// What the script answers: whether the request was noted, how many were before it, and the
/// microseconds until the first of them leaves the window.
pub(crate) type Answer = (u8, u32, i64);

/// A connection to Redis that is there or is not, and comes back by itself.
pub(crate) struct Line(Arc<Inner>);

struct Inner {
    client: Client,
    script: Script,
    /// `None` while Redis is away; a task then looks for it.
    open: Mutex<Option<Open>>,
}

#[derive(Clone)]
struct Open {
    connection: MultiplexedConnection,
    /// Which of all connections this is.
    number: u64,
}

impl Line {
    /// Connects; when that fails, looks for Redis from then on.
    pub(crate) async fn start(address: &str) -> Result<Self, BadAddress> {
        let client = Client::open(address).map_err(|error| BadAddress(error.to_string()))?;
        let inner = Arc::new(Inner {
            client,
            script: Script::new(include_str!("window.lua")),
            open: Mutex::new(None),
        });
        match inner.connect().await {
            Ok(connection) => inner.set(Some(Open {
                connection,
                number: 0,
            })),
            Err(cause) => inner.lost(0, &cause),
        }
        Ok(Self(inner))
    }

    /// Asks the script, unless Redis is away or does not answer in time.
    pub(crate) async fn ask(&self, key: &str, limit: u32) -> Option<Answer> {
        let Open { connection, number } = self.0.get()?;
        match self.0.run(connection, key, limit).await {
            Ok(answer) => Some(answer),
            Err(cause) => {
                // Of many requests that fail together, one changes anything.
                if self.0.close(number) {
                    self.0.lost(number, &cause);
                }
                None
            }
        }
    }
}

impl Inner {
    fn get(&self) -> Option<Open> {
        self.open().clone()
    }

    fn set(&self, open: Option<Open>) {
        *self.open() = open;
    }

    /// Gives a connection up; `false` when somebody did already.
    fn close(&self, number: u64) -> bool {
        let mut open = self.open();
        let is_open = open.as_ref().is_some_and(|it| it.number == number);
        if is_open {
            *open = None;
        }
        is_open
    }

    fn open(&self) -> std::sync::MutexGuard<'_, Option<Open>> {
        self.open
            .lock()
            .expect("the lock is never held across a panic")
    }

    async fn run(
        &self,
        mut connection: MultiplexedConnection,
        key: &str,
        limit: u32,
    ) -> Result<Answer, String> {
        let mut call = self.script.prepare_invoke();
        call.key(key).arg(limit);
        match timeout(ANSWER, call.invoke_async(&mut connection)).await {
            Ok(answer) => answer.map_err(|error: RedisError| error.to_string()),
            Err(_) => Err("it does not answer".to_owned()),
        }
    }

    /// A connection on which the script was seen to run: a replica answers too, and cannot.
    async fn connect(&self) -> Result<MultiplexedConnection, String> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(REACH))
            .set_response_timeout(Some(REACH));
        let opened = self
            .client
            .get_multiplexed_async_connection_with_config(&config);
        let connection = match timeout(REACH, opened).await {
            Ok(opened) => opened.map_err(|error| error.to_string())?,
            Err(_) => return Err("it cannot be reached".to_owned()),
        };
        self.run(connection.clone(), TRIAL, u32::MAX).await?;
        Ok(connection)
    }

    /// Says so, once, and looks for Redis until it is back or nobody needs it any more.
    fn lost(self: &Arc<Self>, number: u64, cause: &str) {
        warn!(
            cause,
            "Redis is away; each process keeps its own rate windows"
        );
        drop(tokio::spawn(look_for(Arc::downgrade(self), number + 1)));
    }
}

async fn look_for(inner: Weak<Inner>, number: u64) {
    loop {
        sleep(AGAIN).await;
        let Some(inner) = inner.upgrade() else { return };
        match inner.connect().await {
            Ok(connection) => {
                inner.set(Some(Open { connection, number }));
                info!("Redis is back; rate windows are shared again");
                return;
            }
            Err(cause) => debug!(cause, "Redis is still away"),
        }
    }
}
