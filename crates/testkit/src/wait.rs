//! Waiting for what somebody else will do: by asking, never for a while.

use std::fmt::Debug;
use std::future::Future;
use std::time::{Duration, Instant};

/// How long something may take before its test fails.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// Between two questions: others need the processor too.
const BREATH: Duration = Duration::from_millis(20);

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
    until(patience, what, || {
        let asked = ask();
        async move { asked.await.ok_or("nothing") }
    })
    .await
}

/// The same for questions with an answer that is not the right one yet: a failure shows the last.
pub async fn until<T, L, W>(patience: Duration, what: &str, mut ask: impl FnMut() -> W) -> T
where
    L: Debug,
    W: Future<Output = Result<T, L>>,
{
    let deadline = Instant::now() + patience;
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(last) => assert!(
                Instant::now() < deadline,
                "did not happen in time: {what}; last seen: {last:?}"
            ),
        }
        tokio::time::sleep(BREATH).await;
    }
}
