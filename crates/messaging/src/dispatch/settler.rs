//! Recording outcomes in groups: one transaction for whatever came in while the last one committed.

use std::sync::Arc;

use metrics::histogram;
use msgflash_kernel::{AccountId, GroupWorker, Groups, StoreError, groups};
use tracing::{Instrument as _, info_span, warn};

use super::ports::EntryKey;
use super::settle::{Settle, Verdict};
use crate::message::Message;
use crate::safety::Safety;

/// The most outcomes of one transaction.
pub const MOST: usize = 512;

/// What an attempt came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The entry.
    pub key: EntryKey,
    /// Who pays.
    pub account: AccountId,
    /// Which attempt: whoever comes second for one changes nothing.
    pub attempt: u32,
    /// What it came to.
    pub verdict: Verdict,
    /// The guidance at the time of the call.
    pub safety: Option<Safety>,
    /// The message as it was called with, if it was; spares a look-up.
    pub message: Option<Box<Message>>,
}

type Recorded = Result<bool, StoreError>;

/// Hands outcomes to the workers. Cheap to clone.
#[derive(Clone)]
pub struct Settler {
    shards: Vec<Groups<Outcome, Recorded>>,
}

/// One worker of a [`Settler`]; somebody must run it.
pub struct SettleWorker {
    groups: GroupWorker<Outcome, Recorded>,
}

/// A settler with `shards` workers. Each holds one connection while it works.
pub fn settler(shards: usize) -> (Settler, Vec<SettleWorker>) {
    let (shards, workers) = (0..shards.max(1))
        .map(|_| {
            let (front, groups) = groups(MOST);
            (front, SettleWorker { groups })
        })
        .unzip();
    (Settler { shards }, workers)
}

impl Settler {
    /// Records one outcome with the next group; answers whether it was the first for its attempt.
    pub async fn record(&self, outcome: Outcome) -> Recorded {
        // By account, so that two workers do not meet at one ledger row.
        let shard = outcome.account.uuid().as_u128() % self.shards.len() as u128;
        let shard = usize::try_from(shard).unwrap_or(0);
        self.shards[shard]
            .join(outcome)
            .await
            .unwrap_or_else(|gone| Err(StoreError::Unavailable(gone.into())))
    }
}

impl SettleWorker {
    /// Works until every [`Settler`] is dropped.
    pub async fn run(self, settle: Arc<Settle>) {
        self.groups
            .run(async |group| record(&settle, group).await)
            .instrument(info_span!("settler"))
            .await;
    }
}

/// Records a group; one that fails is halved until whatever is bad stands alone.
#[expect(clippy::cast_precision_loss, reason = "at most 512")]
async fn record(settle: &Settle, group: Vec<Outcome>) -> Vec<Recorded> {
    histogram!("msgflash_settle_group_size").record(group.len() as f64);
    let mut recorded: Vec<Option<Recorded>> = group.iter().map(|_| None).collect();
    let whole = 0..group.len();
    let mut open: Vec<_> = std::iter::once(whole).collect();
    while let Some(some) = open.pop() {
        match settle.record_all(&group[some.clone()]).await {
            Ok(first) => {
                for (index, was_first) in some.zip(first) {
                    recorded[index] = Some(Ok(was_first));
                }
            }
            Err(cause) if some.len() > 1 && !matches!(cause, StoreError::Unavailable(_)) => {
                warn!(%cause, members = some.len(), "a group of outcomes failed and is halved");
                let middle = some.start + some.len() / 2;
                open.push(middle..some.end);
                open.push(some.start..middle);
            }
            Err(cause) => {
                let text = cause.to_string();
                let mut cause = Some(cause);
                for index in some {
                    let again = || StoreError::Unavailable(text.clone().into());
                    recorded[index] = Some(Err(cause.take().unwrap_or_else(again)));
                }
            }
        }
    }
    recorded
        .into_iter()
        .map(|it| it.expect("every outcome was tried"))
        .collect()
}
