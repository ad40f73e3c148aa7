//! A store that accepts everything, for tests here and of neighbours.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use msgflash_kernel::{AccountId, ReplayKey, StoreError, StoredAnswer, TeamId, Unit, UserId};
use msgflash_quotas::Period;
use time::OffsetDateTime;

use super::{
    AcceptStore, AcceptUnit, AcceptUnits, Admission, Facts, Held, Question, Standing, Wait, name,
};
use crate::message::accept::Application;

/// Knows every key and instance, refuses nothing, and remembers what was accepted and answered. All
/// clones share one memory.
#[derive(Clone, Default)]
pub struct FakeAcceptance(Arc<Mutex<Memory>>);

#[derive(Default)]
struct Memory {
    accepted: Vec<Application>,
    /// By the hash of the client's key.
    answers: HashMap<[u8; 32], (ReplayKey, StoredAnswer)>,
}

impl FakeAcceptance {
    /// What was accepted, in order.
    pub fn accepted(&self) -> Vec<Application> {
        self.memory().accepted.clone()
    }

    /// The answer that was given under a client's key, and to which request.
    pub fn answer(&self, key: &ReplayKey) -> Option<(ReplayKey, StoredAnswer)> {
        self.memory().answers.get(&key.key).cloned()
    }

    /// Remembers an answer.
    pub fn keep(&self, key: &ReplayKey, answer: &StoredAnswer) {
        let kept = (key.clone(), answer.clone());
        self.memory().answers.insert(key.key, kept);
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0
            .lock()
            .expect("the lock is never held across a panic")
    }
}

#[async_trait]
impl AcceptUnits for FakeAcceptance {
    async fn ensure(&self, _: &[(AccountId, Period)]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn begin(&self) -> Result<Box<dyn AcceptUnit>, StoreError> {
        Ok(Box::new(self.clone()))
    }
}

#[async_trait]
impl Unit for FakeAcceptance {
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        Ok(())
    }
}

impl AcceptUnit for FakeAcceptance {
    fn acceptance(&mut self) -> &mut dyn AcceptStore {
        self
    }
}

#[async_trait]
impl AcceptStore for FakeAcceptance {
    async fn hold(
        &mut self,
        rows: &[(AccountId, Period)],
        _: Wait,
    ) -> Result<Vec<Held>, StoreError> {
        let held = rows.iter().map(|(account, period)| Held {
            account: *account,
            period: *period,
            released: 0,
            reserved_total: 0,
        });
        Ok(held.collect())
    }

    async fn hold_members(
        &mut self,
        people: &[(TeamId, UserId)],
        _: Wait,
    ) -> Result<HashSet<(TeamId, UserId)>, StoreError> {
        Ok(people.iter().copied().collect())
    }

    async fn look<'a>(
        &mut self,
        question: &Question<'a>,
        _: OffsetDateTime,
    ) -> Result<Facts<'a>, StoreError> {
        let mut facts = Facts::default();
        let standing = Standing {
            usable: true,
            outbound_limit: None,
        };
        for it in question.applications {
            facts.keys.extend(it.key.map(|key| (key, standing)));
            let place = (it.message.workspace.account, false);
            facts.instances.insert(it.message.instance, place);
            if let Some((key, _)) = &it.once
                && let Some((kept, answer)) = self.answer(key)
            {
                facts.answers.insert(name(key), (kept.request, answer));
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
            if let Some((key, answer)) = &it.once {
                self.keep(key, answer);
            }
            self.memory().accepted.push((*it).clone());
        }
        Ok(())
    }
}
