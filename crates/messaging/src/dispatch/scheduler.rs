//! Making scheduled messages ready when their time has come.

use std::collections::BTreeMap;
use std::sync::Arc;

use msgflash_kernel::{AccountId, Clock, StoreError, Tick};
use msgflash_quotas::{Allowance, AllowanceReader, Period, Want};

use super::entry::QueueEntry;
use super::ports::{EntryKey, QueueReader};
use super::settle::{Failure, Settle};
use crate::message::ports::SettleUnits;

const BATCH: u32 = 500;

/// Reserves for scheduled messages that are due and puts them into their lanes.
pub struct Scheduler {
    queue: Arc<dyn QueueReader>,
    units: Arc<dyn SettleUnits>,
    allowances: Arc<dyn AllowanceReader>,
    settle: Arc<Settle>,
    clock: Arc<dyn Clock>,
}

impl Scheduler {
    /// Wires it.
    pub fn new(
        queue: Arc<dyn QueueReader>,
        units: Arc<dyn SettleUnits>,
        allowances: Arc<dyn AllowanceReader>,
        settle: Arc<Settle>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            queue,
            units,
            allowances,
            settle,
            clock,
        }
    }

    /// Handles one batch of due messages.
    pub async fn tick(&self) -> Result<Tick, StoreError> {
        let now = self.clock.now();
        // Allowances are read before the transaction: it holds locks and one connection.
        let accounts = self.queue.due_accounts(now, BATCH).await?;
        if accounts.is_empty() {
            return Ok(Tick::Idle);
        }
        let allowances = self.allowances.allowances(&accounts, now).await?;
        let allowances: BTreeMap<AccountId, Allowance> =
            accounts.iter().copied().zip(allowances).collect();

        let period = Period::of(now);
        let mut unit = self.units.begin().await?;
        let due = unit.queue().claim_due(&accounts, now, BATCH).await?;
        if due.is_empty() {
            return Ok(Tick::Idle);
        }
        // For those who do not want it nothing is reserved. Whoever starts the call looks once more.
        let keys: Vec<EntryKey> = due.iter().map(QueueEntry::key).collect();
        let unwanted = unit.queue().opted_out(&keys).await?;
        let (unwanted, due): (Vec<QueueEntry>, Vec<QueueEntry>) =
            due.into_iter().partition(|it| unwanted.contains(&it.key()));
        let mut groups: BTreeMap<AccountId, Vec<QueueEntry>> = BTreeMap::new();
        for entry in due {
            groups.entry(entry.account).or_default().push(entry);
        }
        let wants: Vec<Want> = groups
            .iter()
            .map(|(account, entries)| {
                let allowance = allowances[account];
                let count = if allowance.usable { entries.len() } else { 0 };
                Want {
                    account: *account,
                    period,
                    limit: allowance.outbound,
                    count: u32::try_from(count).unwrap_or(u32::MAX),
                }
            })
            .collect();
        let granted = unit.ledger().reserve(&wants).await?;
        let mut handled = unwanted.len();
        let mut failed: Vec<(&QueueEntry, Failure)> =
            unwanted.iter().map(|it| (it, Failure::OPTED_OUT)).collect();
        let mut keys = Vec::new();
        for ((account, entries), granted) in groups.iter().zip(granted) {
            handled += entries.len();
            let (admitted, refused) = entries.split_at(granted as usize);
            keys.extend(admitted.iter().map(QueueEntry::key));
            let failure = if allowances[account].usable {
                Failure::OUT_OF_QUOTA
            } else {
                Failure::NO_SUBSCRIPTION
            };
            failed.extend(refused.iter().map(|it| (it, failure)));
        }
        if !keys.is_empty() {
            unit.queue().admit(&keys, period, now).await?;
        }
        self.settle.fail_all(&mut *unit, &failed, now).await?;
        unit.commit().await?;
        Ok(Tick::of(handled))
    }
}
