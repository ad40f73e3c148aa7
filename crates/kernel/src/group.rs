//! Doing many small things in one go: whatever arrives while a group is at work forms the next.
//!
//! There is no timer: a lone request forms a group of one at once and pays nothing for the others,
//! and under load the groups grow by themselves. The price of a durable commit is then paid once
//! per group.

use std::future::Future;

use tokio::sync::{mpsc, oneshot};

/// How many requests may wait before a caller waits for room.
const ROOM: usize = 4096;

/// Hands requests to a [`GroupWorker`]. Cheap to clone.
pub struct Groups<T, R> {
    inbox: mpsc::Sender<Waiting<T, R>>,
}

impl<T, R> Clone for Groups<T, R> {
    fn clone(&self) -> Self {
        Self {
            inbox: self.inbox.clone(),
        }
    }
}

/// Does the work of one [`Groups`]; somebody must run it.
pub struct GroupWorker<T, R> {
    inbox: mpsc::Receiver<Waiting<T, R>>,
    most: usize,
}

struct Waiting<T, R> {
    request: T,
    answer: oneshot::Sender<R>,
}

/// The worker is gone: the process is shutting down, or it panicked over this very group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the group's worker is gone")]
pub struct GroupGone;

/// A front for requests and the worker behind it, which takes at most `most` at a time.
pub fn groups<T, R>(most: usize) -> (Groups<T, R>, GroupWorker<T, R>) {
    let (sender, inbox) = mpsc::channel(ROOM);
    (Groups { inbox: sender }, GroupWorker { inbox, most })
}

impl<T, R> Groups<T, R> {
    /// Joins the next group and waits for the answer. Whoever stops waiting does not stop the
    /// work.
    pub async fn join(&self, request: T) -> Result<R, GroupGone> {
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting { request, answer };
        self.inbox.send(waiting).await.map_err(|_| GroupGone)?;
        answered.await.map_err(|_| GroupGone)
    }
}

impl<T, R> GroupWorker<T, R> {
    /// Works until every [`Groups`] is dropped. `work` answers each request of a group, in order;
    /// a request it leaves without answer is told [`GroupGone`].
    pub async fn run<F, W>(mut self, mut work: F)
    where
        F: FnMut(Vec<T>) -> W,
        W: Future<Output = Vec<R>>,
    {
        let mut group = Vec::with_capacity(self.most);
        while self.inbox.recv_many(&mut group, self.most).await > 0 {
            let (requests, answers): (Vec<T>, Vec<_>) = group
                .drain(..)
                .map(|waiting| (waiting.request, waiting.answer))
                .unzip();
            for (answer, result) in answers.into_iter().zip(work(requests).await) {
                // Whoever asked may have gone away; the work is done all the same.
                drop(answer.send(result));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn what_arrives_during_a_group_forms_the_next() {
        let (front, worker) = groups::<u32, (u32, usize)>(3);
        let gate = Arc::new(Semaphore::new(0));
        let held = Arc::clone(&gate);
        tokio::spawn(worker.run(move |group: Vec<u32>| {
            let gate = Arc::clone(&held);
            async move {
                gate.acquire().await.expect("open").forget();
                let size = group.len();
                group.into_iter().map(|number| (number, size)).collect()
            }
        }));
        let ask = |number| {
            let front = front.clone();
            tokio::spawn(async move { front.join(number).await })
        };
        let first = ask(0);
        tokio::task::yield_now().await;
        let rest: Vec<_> = (1..=4).map(ask).collect();
        tokio::task::yield_now().await;
        gate.add_permits(3);
        assert_eq!(first.await.expect("no panic"), Ok((0, 1)));
        let mut sizes = vec![];
        for (number, answer) in (1..).zip(rest) {
            let (own, size) = answer.await.expect("no panic").expect("an answer");
            assert_eq!(own, number);
            sizes.push(size);
        }
        assert_eq!(sizes, [3, 3, 3, 1]);
    }

    #[tokio::test]
    async fn a_request_without_a_worker_is_told_so() {
        let (front, worker) = groups::<(), ()>(1);
        drop(worker);
        assert_eq!(front.join(()).await, Err(GroupGone));
    }
}
