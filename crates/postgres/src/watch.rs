//! Keeping a connection's messages moving, and giving up one that fell silent.
//!
//! The server ends a statement that takes too long, and TCP notices a line that is cut. Neither
//! helps against a server that is paused: its machine still acknowledges everything. So each
//! connection is watched from this side too. Whoever waits for an answer on a connection that is
//! given up is told that the database is away.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::InstrumentationEvent;
use diesel::result::ConnectionResult;
use diesel_async::{AsyncConnection as _, AsyncPgConnection};
use futures_util::StreamExt as _;
use tokio::sync::oneshot;
use tokio_postgres::Client;
use tracing::{debug, warn};

use crate::connect::Messages;

/// A connection whose messages are read by a task of its own, until it is dropped or has waited
/// longer than `answer` for one answer.
pub(crate) async fn drive(
    client: Client,
    messages: Messages,
    answer: Option<Duration>,
) -> ConnectionResult<AsyncPgConnection> {
    let watch = Arc::new(Watch::new());
    let (held, dropped) = oneshot::channel::<()>();
    tokio::spawn(keep(messages, dropped, Arc::clone(&watch), answer));
    let mut conn = AsyncPgConnection::try_from(client).await?;
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        // Lives as long as the connection; its end is how the reader learns of the connection's.
        let _held = &held;
        match event {
            InstrumentationEvent::StartQuery { .. } => watch.asked(),
            InstrumentationEvent::FinishQuery { .. } => watch.answered(),
            _ => {}
        }
    });
    Ok(conn)
}

async fn keep(
    mut messages: Messages,
    mut dropped: oneshot::Receiver<()>,
    watch: Arc<Watch>,
    answer: Option<Duration>,
) {
    let mut look = tokio::time::interval(answer.map_or(Duration::from_mins(1), |it| it / 8));
    loop {
        tokio::select! {
            _ = &mut dropped => return,
            message = messages.next() => match message {
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    debug!(%error, "a database connection ended");
                    return;
                }
                None => return,
            },
            _ = look.tick() => {
                if answer.is_some_and(|most| watch.has_waited(most)) {
                    warn!("the database does not answer; its connection is given up");
                    return;
                }
            }
        }
    }
}

/// Since when an answer is missing.
struct Watch {
    begun: Instant,
    /// Milliseconds since `begun`, and one more; 0 when nothing was asked.
    asked: AtomicU64,
}

impl Watch {
    fn new() -> Self {
        Self {
            begun: Instant::now(),
            asked: AtomicU64::new(0),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
    }

    fn asked(&self) {
        self.asked.store(self.now(), Ordering::Relaxed);
    }

    fn answered(&self) {
        self.asked.store(0, Ordering::Relaxed);
    }

    fn has_waited(&self, most: Duration) -> bool {
        let asked = self.asked.load(Ordering::Relaxed);
        let waited = Duration::from_millis(self.now().saturating_sub(asked));
        asked != 0 && waited > most
    }
}
