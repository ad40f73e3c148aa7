//! Instances and what they did lately, remembered for seconds: sending asks for them each time.
//!
//! What must be exact is looked at again when the message is recorded: whether the instance still
//! exists and whether it is suspended. The rest shapes guidance, which a few seconds do not change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use msgflash_kernel::{AccountId, Actor, Clock, StoreError};
use time::{Duration, OffsetDateTime};

use super::ports::InstanceReader;
use super::reach::is_in_reach;
use super::{Instance, InstanceId, InstanceStatus};
use crate::safety::Window;

/// How long an instance is remembered.
const INSTANCE: Duration = Duration::seconds(5);
/// How long what it did lately is remembered; the messages accepted meanwhile are added.
const WINDOW: Duration = Duration::seconds(15);
/// The same of a number that sends so much that counting takes its time, and that a minute changes little.
const LARGE_WINDOW: Duration = Duration::MINUTE;
/// How much that is, in messages a day.
const LARGE: u64 = 5000;
/// Past this many, old ones are forgotten before a new one is remembered.
const MOST: usize = 20_000;

/// Remembers instances for seconds.
pub struct RecentInstances {
    reader: Arc<dyn InstanceReader>,
    clock: Arc<dyn Clock>,
    kept: Mutex<HashMap<InstanceId, Kept>>,
}

#[derive(Default)]
struct Kept {
    instance: Option<(OffsetDateTime, Instance)>,
    window: Option<(OffsetDateTime, Window)>,
}

impl Kept {
    fn is_fresh(&self, now: OffsetDateTime) -> bool {
        let fresh = |at: OffsetDateTime, life| (at..at + life).contains(&now);
        self.instance
            .as_ref()
            .is_some_and(|(at, _)| fresh(*at, INSTANCE))
            || self
                .window
                .is_some_and(|(at, window)| fresh(at, life(&window)))
    }
}

impl RecentInstances {
    /// Remembers what `reader` says.
    pub fn new(reader: Arc<dyn InstanceReader>, clock: Arc<dyn Clock>) -> Self {
        Self {
            reader,
            clock,
            kept: Mutex::default(),
        }
    }

    /// `None` when this account has no such instance. Only usable ones are remembered: one that
    /// was just made or just resumed works at once.
    pub async fn find(
        &self,
        account: AccountId,
        id: InstanceId,
    ) -> Result<Option<Instance>, StoreError> {
        let now = self.clock.now();
        let known = self.kept().get(&id).and_then(|kept| {
            let (at, instance) = kept.instance.as_ref()?;
            let is_ours = instance.account == account && (*at..*at + INSTANCE).contains(&now);
            is_ours.then(|| instance.clone())
        });
        if known.is_some() {
            return Ok(known);
        }
        let found = self.find_now(account, id).await?;
        if let Some(instance) = &found
            && instance.status != InstanceStatus::Suspended
        {
            let instance = instance.clone();
            self.keep(id, now, |kept| kept.instance = Some((now, instance)));
        }
        Ok(found)
    }

    /// Like [`find`](Self::find), and asks: for what is not looked at again when it is recorded.
    pub async fn find_now(
        &self,
        account: AccountId,
        id: InstanceId,
    ) -> Result<Option<Instance>, StoreError> {
        self.reader.find(account, id).await
    }

    /// Whether an instance that was found is one that somebody may use. Not remembered.
    pub async fn is_in_reach(&self, actor: &Actor, id: InstanceId) -> Result<bool, StoreError> {
        is_in_reach(&*self.reader, actor, id).await
    }

    /// What the number did lately.
    pub async fn window(&self, id: InstanceId) -> Result<Window, StoreError> {
        let now = self.clock.now();
        let known = self.kept().get(&id).and_then(|kept| kept.window);
        if let Some((at, window)) = known
            && (at..at + life(&window)).contains(&now)
        {
            return Ok(window);
        }
        let window = self.reader.window(id, now).await?;
        self.keep(id, now, |kept| kept.window = Some((now, window)));
        Ok(window)
    }

    /// Forgets everything: something was changed by other means than these.
    pub fn forget_all(&self) {
        self.kept().clear();
    }

    /// Notes one more accepted message.
    pub fn count(&self, id: InstanceId) {
        if let Some(Kept {
            window: Some((_, window)),
            ..
        }) = self.kept().get_mut(&id)
        {
            window.outbound_1h += 1;
            window.outbound_24h += 1;
        }
    }

    /// Changes what is remembered of an instance, making room when there is none.
    fn keep(&self, id: InstanceId, now: OffsetDateTime, change: impl FnOnce(&mut Kept)) {
        let mut kept = self.kept();
        if kept.len() >= MOST && !kept.contains_key(&id) {
            kept.retain(|_, it| it.is_fresh(now));
            if kept.len() >= MOST {
                kept.clear();
            }
        }
        change(kept.entry(id).or_default());
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<InstanceId, Kept>> {
        self.kept
            .lock()
            .expect("the lock is never held across a panic")
    }
}

fn life(window: &Window) -> Duration {
    if window.outbound_24h < LARGE {
        WINDOW
    } else {
        LARGE_WINDOW
    }
}

#[cfg(test)]
mod tests {
    use msgflash_kernel::FixedClock;

    use super::*;
    use crate::instance::ports::MockInstanceReader;
    use crate::testing::{NOW, instance, workspace};

    fn recent(reader: MockInstanceReader) -> (RecentInstances, Arc<FixedClock>) {
        let clock = Arc::new(FixedClock::at(NOW));
        (RecentInstances::new(Arc::new(reader), clock.clone()), clock)
    }

    #[tokio::test]
    async fn an_instance_is_asked_for_again_after_seconds() {
        let mut reader = MockInstanceReader::new();
        reader
            .expect_find()
            .times(2)
            .returning(|_, _| Ok(Some(instance())));
        let (recent, clock) = recent(reader);
        let account = workspace().account;
        for _ in 0..3 {
            let found = recent.find(account, instance().id).await.expect("works");
            assert_eq!(found, Some(instance()));
            clock.advance(INSTANCE / 2);
        }
    }

    #[tokio::test]
    async fn another_account_never_gets_what_was_remembered() {
        let mut reader = MockInstanceReader::new();
        let owner = workspace().account;
        reader
            .expect_find()
            .returning(move |account, _| Ok((account == owner).then(instance)));
        let (recent, _) = recent(reader);
        let found = recent.find(owner, instance().id).await.expect("works");
        assert!(found.is_some());
        let stranger = msgflash_kernel::Id::new(uuid::Uuid::from_u128(0xBAD));
        let found = recent.find(stranger, instance().id).await.expect("works");
        assert_eq!(found, None);
    }

    #[tokio::test]
    async fn a_suspended_instance_is_not_remembered() {
        let mut reader = MockInstanceReader::new();
        reader.expect_find().times(2).returning(|_, _| {
            Ok(Some(Instance {
                status: InstanceStatus::Suspended,
                ..instance()
            }))
        });
        let (recent, _) = recent(reader);
        for _ in 0..2 {
            let found = recent.find(workspace().account, instance().id).await;
            assert!(found.expect("works").is_some());
        }
    }

    #[tokio::test]
    async fn a_number_that_sends_much_is_counted_less_often() {
        for (sent, counted) in [(LARGE - 1, 2), (LARGE, 1)] {
            let mut reader = MockInstanceReader::new();
            reader
                .expect_window()
                .times(counted)
                .returning(move |_, _| {
                    Ok(Window {
                        outbound_24h: sent,
                        ..Window::default()
                    })
                });
            let (recent, clock) = recent(reader);
            recent.window(instance().id).await.expect("works");
            clock.advance(WINDOW);
            recent.window(instance().id).await.expect("works");
        }
    }

    #[tokio::test]
    async fn messages_accepted_meanwhile_are_added() {
        let mut reader = MockInstanceReader::new();
        reader
            .expect_window()
            .times(1)
            .returning(|_, _| Ok(Window::default()));
        let (recent, _) = recent(reader);
        let id = instance().id;
        recent.window(id).await.expect("works");
        recent.count(id);
        let window = recent.window(id).await.expect("works");
        assert_eq!((window.outbound_1h, window.outbound_24h), (1, 1));
    }
}
