//! A whole MsgFlash per test: its own database, its own simulator, its own server on port 0.
//!
//! Tests speak HTTP with JSON of their own, never with the server's types, so an accidental rename
//! fails. Rows that have no route yet are written with SQL. Start at [`Stack`].

pub mod account;
pub mod book;
pub mod burst;
pub mod client;
pub mod fleet;
pub mod process;
pub mod promise;
pub mod receiver;
pub mod stack;
pub mod tap;
pub mod work;

pub use account::Account;
pub use burst::Burst;
pub use client::{Client, Reply};
pub use fleet::Fleet;
pub use process::Program;
pub use receiver::{Delivery, Receiver};
pub use stack::Stack;
pub use tap::Tap;
pub use work::{EVENTS, id_of, moment_in, text};

use std::future::Future;
use std::time::{Duration, Instant};

/// How long something may take before its test fails.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Asks again until the answer is there; fails with `what` when it does not come.
pub async fn eventually<T, W>(what: &str, ask: impl FnMut() -> W) -> T
where
    W: Future<Output = Option<T>>,
{
    within(PATIENCE, what, ask).await
}

/// The same with a time of its own.
pub async fn within<T, W>(patience: Duration, what: &str, mut ask: impl FnMut() -> W) -> T
where
    W: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + patience;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "did not happen in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
