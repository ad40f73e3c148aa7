//! What was accepted, what it used of the month, and what was answered: in memory.
//!
//! The ports ask for transactions, and so this is one, however small: a copy that takes the place of
//! the original when it is committed, while nobody else changes anything.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use msgflash_kernel::{
    AccountId, ReplayKey, StoreError, StoredAnswer, TeamId, Unit, UserId, WorkspaceId,
};
use msgflash_messaging::dispatch::{QueueEntry, QueueState};
use msgflash_messaging::message::ports::{
    AcceptStore, AcceptUnit, AcceptUnits, Admission, Facts, Held, Question, Standing, Wait, name,
};
use msgflash_messaging::{Message, MessageId};
use msgflash_quotas::{
    AllowanceReader, Capacity, LedgerStore, Period, Settlement, Usage, UsageReader, Want,
};
use time::OffsetDateTime;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::directory::Directory;

/// Keeps everything. All clones share it.
#[derive(Clone)]
pub(crate) struct Store {
    directory: Arc<Directory>,
    state: Arc<Mutex<State>>,
}

/// Where an answer is kept: the tenant, the route and the hash of the client's key.
type Place = (WorkspaceId, &'static str, [u8; 32]);

#[derive(Clone, Default)]
struct State {
    ledger: HashMap<(AccountId, Period), Row>,
    messages: BTreeMap<MessageId, Message>,
    /// In the order of acceptance.
    queue: Vec<QueueEntry>,
    /// The answers, with the hash of the request they answered.
    answers: HashMap<Place, ([u8; 32], StoredAnswer)>,
}

/// A month of an account. Its numbers only grow.
#[derive(Clone, Copy, Default)]
struct Row {
    reserved: u64,
    messages: u64,
    statuses: u64,
    released: u64,
}

impl Store {
    /// An empty one.
    pub(crate) fn new(directory: Arc<Directory>) -> Self {
        Self {
            directory,
            state: Arc::default(),
        }
    }

    async fn transaction(&self) -> Transaction {
        let kept = Arc::clone(&self.state).lock_owned().await;
        let draft = State::clone(&kept);
        Transaction {
            directory: Arc::clone(&self.directory),
            kept,
            draft,
        }
    }

    /// A message.
    pub(crate) async fn message(&self, id: MessageId) -> Option<Message> {
        self.state.lock().await.messages.get(&id).cloned()
    }

    /// Notes that the call for the next message begins, and answers which it is.
    pub(crate) async fn start_next(
        &self,
        now: OffsetDateTime,
    ) -> Result<Option<(QueueEntry, Message)>, StoreError> {
        let mut unit = self.transaction().await;
        let mut waiting = unit.draft.queue.iter_mut();
        let Some(entry) = waiting.find(|it| it.state == QueueState::Ready) else {
            return Ok(None);
        };
        entry.state = QueueState::Started;
        entry.started_at = Some(now);
        entry.attempt += 1;
        let entry = entry.clone();
        let message = unit.draft.messages.get(&entry.message).cloned();
        let message = message.ok_or(StoreError::Stale("messages"))?;
        Box::new(unit).commit().await?;
        Ok(Some((entry, message)))
    }

    /// Notes how a message ended: its row, its reservation and its place in the queue, together.
    pub(crate) async fn end(
        &self,
        message: Message,
        settlement: Settlement,
    ) -> Result<(), StoreError> {
        let mut unit = self.transaction().await;
        unit.draft.queue.retain(|it| it.message != message.id);
        unit.draft.messages.insert(message.id, message);
        unit.settle(&[settlement]).await?;
        Box::new(unit).commit().await
    }

    /// Notes that a message did not end.
    pub(crate) async fn keep_waiting(
        &self,
        message: MessageId,
        state: QueueState,
    ) -> Result<(), StoreError> {
        let mut unit = self.transaction().await;
        let mut all = unit.draft.queue.iter_mut();
        if let Some(entry) = all.find(|it| it.message == message) {
            entry.state = state;
        }
        Box::new(unit).commit().await
    }
}

#[async_trait]
impl UsageReader for Store {
    async fn usage(&self, account: AccountId, period: Period) -> Result<Usage, StoreError> {
        let state = self.state.lock().await;
        let row = state.row(account, period);
        Ok(Usage {
            messages: row.messages,
            statuses: row.statuses,
            reserved: row.reserved - row.messages - row.statuses - row.released,
        })
    }

    async fn capacity(&self, _: AccountId) -> Result<Capacity, StoreError> {
        Ok(Capacity {
            instances: 1,
            api_keys: 0,
        })
    }
}

impl State {
    fn row(&self, account: AccountId, period: Period) -> Row {
        let found = self.ledger.get(&(account, period));
        found.copied().unwrap_or_default()
    }
}

/// Changes that become true together, or leave no trace when it is dropped.
struct Transaction {
    directory: Arc<Directory>,
    kept: OwnedMutexGuard<State>,
    draft: State,
}

#[async_trait]
impl Unit for Transaction {
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        let done = *self;
        let mut kept = done.kept;
        *kept = done.draft;
        Ok(())
    }
}

#[async_trait]
impl AcceptUnits for Store {
    async fn ensure(&self, _: &[(AccountId, Period)]) -> Result<(), StoreError> {
        // A month that nobody used reads as zeros.
        Ok(())
    }

    async fn begin(&self) -> Result<Box<dyn AcceptUnit>, StoreError> {
        Ok(Box::new(self.transaction().await))
    }
}

impl AcceptUnit for Transaction {
    fn acceptance(&mut self) -> &mut dyn AcceptStore {
        self
    }
}

#[async_trait]
impl AcceptStore for Transaction {
    async fn hold(
        &mut self,
        rows: &[(AccountId, Period)],
        _: Wait,
    ) -> Result<Vec<Held>, StoreError> {
        // A transaction holds everything there is.
        let held = rows.iter().map(|(account, period)| {
            let row = self.draft.row(*account, *period);
            Held {
                account: *account,
                period: *period,
                reserved_total: row.reserved,
                released: row.released,
            }
        });
        Ok(held.collect())
    }

    async fn hold_members(
        &mut self,
        _: &[(TeamId, UserId)],
        _: Wait,
    ) -> Result<HashSet<(TeamId, UserId)>, StoreError> {
        // There are no teams.
        Ok(HashSet::new())
    }

    async fn look<'a>(
        &mut self,
        question: &Question<'a>,
        now: OffsetDateTime,
    ) -> Result<Facts<'a>, StoreError> {
        let known = &self.directory.instance;
        let mut facts = Facts::default();
        facts.instances.insert(known.id, (known.account, false));
        let accounts: Vec<AccountId> = question
            .applications
            .iter()
            .map(|it| it.message.workspace.account)
            .collect();
        let allowances = self.directory.allowances(&accounts, now).await?;
        for (it, allowance) in question.applications.iter().zip(allowances) {
            let workspace = it.message.workspace;
            let standing = Standing {
                usable: allowance.usable,
                outbound_limit: allowance.outbound,
            };
            facts.accounts.insert(workspace.account, standing);
            if self.directory.is_suppressed(workspace.id, it.entry.phone) {
                facts.suppressed.insert((workspace.id, it.entry.phone));
            }
            if let Some((key, _)) = &it.once
                && let Some(answer) = self.draft.answers.get(&place_of(key))
            {
                facts.answers.insert(name(key), answer.clone());
            }
            if self.draft.messages.contains_key(&it.message.id) {
                facts.recorded.insert(it.message.id);
            }
        }
        Ok(facts)
    }

    async fn record(
        &mut self,
        admission: &Admission<'_>,
        _: OffsetDateTime,
    ) -> Result<(), StoreError> {
        for it in &admission.admitted {
            if let Some(period) = it.entry.period {
                let want = Want {
                    account: it.entry.account,
                    period,
                    // It was looked at while the month was held.
                    limit: None,
                    count: 1,
                };
                self.reserve(&[want]).await?;
            }
            if let Some((key, answer)) = &it.once {
                let kept = (key.request, answer.clone());
                self.draft.answers.insert(place_of(key), kept);
            }
            self.draft
                .messages
                .insert(it.message.id, it.message.clone());
            self.draft.queue.push(it.entry.clone());
        }
        Ok(())
    }
}

fn place_of(key: &ReplayKey) -> Place {
    (key.workspace, key.route, key.key)
}

#[async_trait]
impl LedgerStore for Transaction {
    async fn reserve(&mut self, wants: &[Want]) -> Result<Vec<u32>, StoreError> {
        let mut granted = Vec::with_capacity(wants.len());
        for want in wants {
            let month = (want.account, want.period);
            let row = self.draft.ledger.entry(month).or_default();
            let taken = row.reserved - row.released;
            let room = want.limit.map_or(u64::from(want.count), |limit| {
                u64::from(limit).saturating_sub(taken)
            });
            let count = u32::try_from(room).map_or(want.count, |room| room.min(want.count));
            row.reserved += u64::from(count);
            granted.push(count);
        }
        Ok(granted)
    }

    async fn settle(&mut self, settlements: &[Settlement]) -> Result<(), StoreError> {
        for it in settlements {
            let month = (it.account, it.period);
            let row = self.draft.ledger.entry(month).or_default();
            row.messages += u64::from(it.messages);
            row.statuses += u64::from(it.statuses);
            row.released += u64::from(it.released);
        }
        Ok(())
    }
}
