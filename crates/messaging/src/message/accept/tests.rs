use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use msgflash_kernel::{Fault as _, FixedClock, Id, Phone, TeamId, Unit, UserId, Workspace};
use msgflash_quotas::QuotaError;
use time::OffsetDateTime;
use uuid::Uuid;

use super::*;
use crate::dispatch::ports::NoWake;
use crate::message::ports::{AcceptStore, AcceptUnit, Facts, Standing, name, sender};
use crate::testing::{NOW, entry, instance, message, phone, workspace};

/// A store in memory that can be told to misbehave.
#[derive(Default)]
struct Book {
    reserved: u64,
    limit: Option<u32>,
    revoked: bool,
    suspended: bool,
    /// Whether whoever sends may use the instance, where they are in the team.
    member: Option<bool>,
    /// Whether somebody changes them for those who do not wait.
    changing: bool,
    /// Who is on the list.
    unwilling: Option<Phone>,
    messages: Vec<Uuid>,
    answers: HashMap<[u8; 32], (ReplayKey, StoredAnswer)>,
    /// How often the usage rows are held elsewhere for those who do not wait.
    busy: u32,
    /// A message no statement survives.
    poison: Option<Uuid>,
    /// Commits that are lost, and whether they happened all the same.
    lost: VecDeque<bool>,
    commits: Vec<usize>,
}

#[derive(Clone, Default)]
struct Store(Arc<Mutex<Book>>);

impl Store {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().expect("unpoisoned")
    }
}

struct Work {
    store: Store,
    pending: Vec<Application>,
}

#[async_trait]
impl AcceptUnits for Store {
    async fn ensure(&self, _: &[(AccountId, Period)]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn begin(&self) -> Result<Box<dyn AcceptUnit>, StoreError> {
        Ok(Box::new(Work {
            store: self.clone(),
            pending: vec![],
        }))
    }
}

impl AcceptUnit for Work {
    fn acceptance(&mut self) -> &mut dyn AcceptStore {
        self
    }
}

#[async_trait]
impl Unit for Work {
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        let mut book = self.store.book();
        let lost = book.lost.pop_front();
        if lost != Some(false) {
            book.reserved += self
                .pending
                .iter()
                .filter(|it| it.entry.period.is_some())
                .count() as u64;
            book.commits.push(self.pending.len());
            for it in self.pending {
                book.messages.push(it.message.id.uuid());
                if let Some((key, answer)) = it.once {
                    book.answers.insert(key.key, (key, answer));
                }
            }
        }
        match lost {
            None => Ok(()),
            Some(_) => Err(StoreError::Unavailable("the line is cut".into())),
        }
    }
}

#[async_trait]
impl AcceptStore for Work {
    async fn hold(
        &mut self,
        rows: &[(AccountId, Period)],
        wait: Wait,
    ) -> Result<Vec<Held>, StoreError> {
        let mut book = self.store.book();
        if wait == Wait::No && book.busy > 0 {
            book.busy -= 1;
            return Ok(vec![]);
        }
        let reserved_total = book.reserved;
        let held = rows.iter().map(|(account, period)| Held {
            account: *account,
            period: *period,
            reserved_total,
            released: 0,
        });
        Ok(held.collect())
    }

    async fn hold_members(
        &mut self,
        people: &[(TeamId, UserId)],
        wait: Wait,
    ) -> Result<HashSet<(TeamId, UserId)>, StoreError> {
        let is_changing = self.store.book().changing && wait == Wait::No;
        let held = people.iter().copied().filter(|_| !is_changing);
        Ok(held.collect())
    }

    async fn look<'a>(
        &mut self,
        question: &Question<'a>,
        _: OffsetDateTime,
    ) -> Result<Facts<'a>, StoreError> {
        let book = self.store.book();
        let mut facts = Facts::default();
        let standing = Standing {
            usable: true,
            outbound_limit: book.limit,
        };
        if !book.revoked {
            facts.keys.insert(api_key(), standing);
        }
        facts.accounts.insert(workspace().account, standing);
        let senders = question.applications.iter().filter_map(|it| sender(it));
        facts.members = senders.zip(book.member.into_iter().cycle()).collect();
        let unwilling = book.unwilling.map(|it| (workspace().id, it));
        facts.suppressed.extend(unwilling);
        let place = (workspace().account, book.suspended);
        facts.instances.insert(instance().id, place);
        for it in question.applications {
            let id = it.message.id;
            if question.again && book.messages.contains(&id.uuid()) {
                facts.recorded.insert(id);
            }
            if let Some((key, _)) = &it.once
                && let Some((kept, answer)) = book.answers.get(&key.key)
            {
                facts
                    .answers
                    .insert(name(key), (kept.request, answer.clone()));
            }
        }
        Ok(facts)
    }

    async fn record(
        &mut self,
        admission: &Admission<'_>,
        _: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let poison = self.store.book().poison;
        for it in &admission.admitted {
            if Some(it.message.id.uuid()) == poison {
                return Err(StoreError::Failed("invalid byte sequence".into()));
            }
            self.pending.push((*it).clone());
        }
        Ok(())
    }
}

fn api_key() -> KeyId {
    Id::new(Uuid::from_u128(0xC0))
}

fn application(number: u128) -> Application {
    let mut message = message();
    message.id = Id::new(Uuid::from_u128(number));
    let mut entry = entry();
    entry.message = message.id;
    Application {
        key: Some(api_key()),
        message,
        entry,
        once: None,
    }
}

/// An application that repeats request `request` under key `key`.
fn repeated(number: u128, key: u8, request: u8) -> Application {
    let key = ReplayKey {
        workspace: workspace().id,
        route: "r",
        key: [key; 32],
        request: [request; 32],
    };
    let answer = StoredAnswer {
        status: 201,
        body: number.to_string(),
    };
    Application {
        once: Some((key, answer)),
        ..application(number)
    }
}

fn ports(store: &Store) -> AcceptPorts {
    AcceptPorts {
        units: Arc::new(store.clone()),
        clock: Arc::new(FixedClock::at(NOW)),
        wake: Arc::new(NoWake),
    }
}

async fn work(store: &Store, group: Vec<Application>) -> Vec<Answer> {
    let desk = Desk::new(ports(store));
    let replies = desk.work(group, Wait::No).await;
    let decided = |reply| match reply {
        Reply::Decided(answer) => answer,
        Reply::Busy(it) => panic!("{:?} is held elsewhere", it.message.id),
    };
    replies.into_iter().map(decided).collect()
}

fn admitted(answers: &[Answer]) -> usize {
    let now = |it: &&Answer| matches!(it, Ok(Accepted::Now));
    answers.iter().filter(now).count()
}

#[tokio::test]
async fn a_group_is_one_commit() {
    let store = Store::default();
    let answers = work(&store, (1..=20).map(application).collect()).await;
    assert_eq!(admitted(&answers), 20);
    assert_eq!(store.book().commits, [20]);
}

#[tokio::test]
async fn admits_in_the_order_of_arrival_up_to_the_limit() {
    let store = Store::default();
    store.book().limit = Some(10);
    store.book().reserved = 7;
    let answers = work(&store, (1..=5).map(application).collect()).await;
    let refused = |it: &Answer| {
        matches!(
            it,
            Err(MessagingError::Quota(QuotaError::Outbound(wait))) if !wait.is_zero()
        )
    };
    assert_eq!(admitted(&answers[..3]), 3);
    assert!(answers[3..].iter().all(refused), "{answers:?}");
    assert_eq!(store.book().reserved, 10);
}

#[tokio::test]
async fn a_message_for_later_takes_nothing_and_needs_room() {
    let later = |number| {
        let mut it = application(number);
        it.entry.period = None;
        it
    };
    let store = Store::default();
    store.book().limit = Some(1);
    let answers = work(&store, vec![later(1), later(2), application(3), later(4)]).await;
    assert_eq!(admitted(&answers), 3);
    assert!(answers[3].is_err());
    assert_eq!(store.book().reserved, 1);
}

#[tokio::test]
async fn equal_requests_of_a_group_make_one_message() {
    let store = Store::default();
    let group: Vec<_> = (1..=20).map(|number| repeated(number, 1, 1)).collect();
    let answers = work(&store, group).await;
    assert_eq!(admitted(&answers), 1);
    for answer in &answers[1..] {
        let Ok(Accepted::Before(first)) = answer else {
            panic!("{answer:?}")
        };
        assert_eq!(first.body, "1");
    }
    assert_eq!(store.book().messages.len(), 1);
}

#[tokio::test]
async fn an_equal_request_of_an_earlier_group_gets_its_answer() {
    let store = Store::default();
    work(&store, vec![repeated(1, 1, 1)]).await;
    let answers = work(&store, vec![repeated(2, 1, 1), repeated(3, 1, 2)]).await;
    assert!(matches!(&answers[0], Ok(Accepted::Before(it)) if it.body == "1"));
    assert!(matches!(answers[1], Err(MessagingError::ReplayMismatch)));
    assert_eq!(store.book().messages.len(), 1);
}

#[tokio::test]
async fn another_body_under_a_key_of_the_same_group_is_a_conflict() {
    let answers = work(
        &Store::default(),
        vec![repeated(1, 1, 1), repeated(2, 1, 2)],
    )
    .await;
    assert!(matches!(answers[0], Ok(Accepted::Now)));
    assert!(matches!(answers[1], Err(MessagingError::ReplayMismatch)));
}

#[tokio::test]
async fn a_refused_request_does_not_answer_for_its_equal() {
    let store = Store::default();
    store.book().limit = Some(0);
    let answers = work(&store, vec![repeated(1, 1, 1), repeated(2, 1, 1)]).await;
    for answer in answers {
        assert!(matches!(answer, Err(MessagingError::Quota(_))));
    }
    assert!(store.book().answers.is_empty());
}

#[tokio::test]
async fn a_key_revoked_meanwhile_opens_nothing_not_even_an_old_answer() {
    let store = Store::default();
    work(&store, vec![repeated(1, 1, 1)]).await;
    store.book().revoked = true;
    let answers = work(&store, vec![repeated(2, 1, 1), application(3)]).await;
    for answer in answers {
        assert!(matches!(answer, Err(MessagingError::KeyGone)));
    }
}

#[tokio::test]
async fn a_person_sends_while_they_are_in_the_team_and_have_the_instance() {
    for (member, refused) in [
        (Some(true), None),
        (Some(false), Some("INSTANCE_NOT_ASSIGNED")),
        (None, Some("TEAM_NOT_FOUND")),
    ] {
        let store = Store::default();
        store.book().member = member;
        let mut it = application(1);
        it.key = None;
        let team = Id::new(Uuid::from_u128(9));
        it.message.workspace = Workspace::team(team, workspace().owner());
        let answer = work(&store, vec![it]).await.remove(0);
        assert_eq!(answer.err().map(|it| it.code()), refused);
        assert_eq!(store.book().messages.is_empty(), refused.is_some());
    }
}

#[tokio::test]
async fn a_member_who_is_being_changed_is_waited_for_where_it_holds_up_nobody() {
    let store = Store::default();
    store.book().member = Some(true);
    store.book().changing = true;
    let mut theirs = application(1);
    theirs.key = None;
    let team = Id::new(Uuid::from_u128(9));
    theirs.message.workspace = Workspace::team(team, workspace().owner());
    let desk = Desk::new(ports(&store));
    let replies = desk
        .work(vec![theirs.clone(), application(2)], Wait::No)
        .await;
    assert!(matches!(replies[0], Reply::Busy(_)));
    assert!(matches!(replies[1], Reply::Decided(Ok(Accepted::Now))));
    let replies = desk.work(vec![theirs], Wait::Yes).await;
    assert!(matches!(replies[0], Reply::Decided(Ok(Accepted::Now))));
}

#[tokio::test]
async fn an_instance_suspended_meanwhile_accepts_nothing() {
    let store = Store::default();
    store.book().suspended = true;
    let answers = work(&store, vec![application(1)]).await;
    assert!(matches!(answers[0], Err(MessagingError::Suspended)));
    assert!(store.book().commits.is_empty());
}

#[tokio::test]
async fn somebody_on_the_list_is_sent_nothing_but_what_ignores_it() {
    let store = Store::default();
    store.book().unwilling = Some(phone());
    store.book().limit = Some(1);
    let mut all_the_same = application(2);
    all_the_same.entry.ignores_suppression = true;
    let group = vec![application(1), all_the_same, application(3)];
    let answers = work(&store, group).await;
    assert!(matches!(answers[0], Err(MessagingError::OptedOut)));
    assert!(matches!(answers[1], Ok(Accepted::Now)));
    // Also when nothing may be sent any more: that is the last thing told.
    assert!(matches!(answers[2], Err(MessagingError::OptedOut)));
}

#[tokio::test]
async fn an_instance_of_another_account_is_none() {
    let mut foreign = application(1);
    foreign.message.instance = Id::new(Uuid::from_u128(0xBAD));
    let answers = work(&Store::default(), vec![foreign]).await;
    assert!(matches!(answers[0], Err(MessagingError::NoInstance(_))));
}

#[tokio::test]
async fn a_bad_row_fails_alone() {
    let store = Store::default();
    store.book().poison = Some(Uuid::from_u128(6));
    let answers = work(&store, (1..=9).map(application).collect()).await;
    for (number, answer) in (1..).zip(&answers) {
        assert_eq!(answer.is_ok(), number != 6, "{number}: {answer:?}");
    }
    let book = store.book();
    assert_eq!((book.messages.len(), book.reserved), (8, 8));
}

#[tokio::test]
async fn an_account_held_elsewhere_is_waited_for() {
    let store = Store::default();
    store.book().busy = 1;
    let (acceptor, workers) = acceptor(1);
    for worker in workers {
        tokio::spawn(worker.run(ports(&store)));
    }
    let answer = acceptor.join(application(1)).await;
    assert!(matches!(answer, Ok(Accepted::Now)), "{answer:?}");
    assert_eq!(store.book().commits, [1]);
}

#[tokio::test]
async fn a_commit_nobody_confirmed_is_neither_lost_nor_repeated() {
    for happened in [true, false] {
        let store = Store::default();
        store.book().lost.push_back(happened);
        let answers = work(&store, vec![application(1), repeated(2, 1, 1)]).await;
        assert_eq!(admitted(&answers), 2, "happened: {happened}");
        let book = store.book();
        assert_eq!((book.messages.len(), book.reserved), (2, 2));
    }
}

#[tokio::test]
async fn a_database_that_stays_away_is_said_to_be_away() {
    let store = Store::default();
    store.book().lost.extend([false; 4]);
    let answers = work(&store, vec![application(1)]).await;
    assert!(matches!(
        answers[0],
        Err(MessagingError::Store(StoreError::Unavailable(_)))
    ));
}
