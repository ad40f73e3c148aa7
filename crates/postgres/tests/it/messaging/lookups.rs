//! Look-ups, the turns of their instances, and what is remembered.

use msgflash_kernel::{Id, PageRequest, Phone, StoreError, Workspace};
use msgflash_messaging::lookup::ports::{
    CheckReader as _, Claimed, LookupReader, LookupUnit, LookupUnits, LookupWork,
};
use msgflash_messaging::lookup::{LookupStatus, NumberList, NumberLookup, Results, Verdict};
use msgflash_messaging::{Instance, InstanceId};
use msgflash_postgres::Postgres;
use time::Duration;

use super::sample::{number, phone, workspace};
use crate::stage::{NOW, Stage, fresh};

mod turns;

const LEASE: Duration = Duration::minutes(2);

/// A stage with one number on it.
struct Scene {
    stage: Stage,
    instance: Instance,
    workspace: Workspace,
}

impl Scene {
    async fn new() -> Self {
        let stage = Stage::new().await;
        let (instance, workspace) = number(&stage, "a@example.com").await;
        Self {
            stage,
            instance,
            workspace,
        }
    }

    fn postgres(&self) -> &Postgres {
        &self.stage.postgres
    }

    async fn unit(&self) -> Box<dyn LookupUnit> {
        LookupUnits::begin(self.postgres()).await.expect("a unit")
    }

    fn lookup(&self, requested: u32) -> NumberLookup {
        of(self.workspace, self.instance.id, requested)
    }

    /// Stores a long list of so many numbers.
    async fn queue(&self, count: u32) -> NumberLookup {
        let lookup = self.lookup(count);
        self.insert(&lookup).await;
        lookup
    }

    async fn insert(&self, lookup: &NumberLookup) {
        let mut unit = self.unit().await;
        let numbers = list(lookup.requested);
        let inserted = unit.lookups().insert(lookup, &numbers).await;
        inserted.expect("inserted");
        unit.commit().await.expect("committed");
    }

    async fn claim(&self, after: Duration) -> Option<Claimed> {
        let mut unit = self.unit().await;
        let now = NOW + after;
        let claimed = unit.lookups().claim(now, now + LEASE).await;
        let claimed = claimed.expect("claimed");
        unit.commit().await.expect("committed");
        claimed
    }

    async fn work(&self, after: Duration) -> LookupWork {
        match self.claim(after).await {
            Some(Claimed::Work(work)) => *work,
            other => panic!("no work: {other:?}"),
        }
    }

    /// Records that everybody of a part has WhatsApp.
    async fn finish(&self, work: LookupWork) {
        let mut unit = self.unit().await;
        let lookups = unit.lookups();
        assert!(lookups.hold(&work.turn).await.expect("held"));
        let verdicts: Vec<_> = work.phones.iter().map(|it| yes(*it)).collect();
        let finished = lookups.finish(work.lookup.id, work.part, &verdicts).await;
        finished.expect("finished");
        let mut lookup = work.lookup;
        lookup.processed += u32::try_from(verdicts.len()).expect("few");
        lookup.status = LookupStatus::Processing;
        if lookup.processed == lookup.requested {
            lookup.status = LookupStatus::Completed;
            lookup.completed_at = Some(NOW);
        }
        lookups.update(&lookup).await.expect("updated");
        lookups.pass(&work.turn, NOW).await.expect("passed");
        unit.commit().await.expect("committed");
    }

    async fn stored(&self, lookup: &NumberLookup) -> NumberLookup {
        let found = LookupReader::find(self.postgres(), lookup.workspace.id, lookup.id).await;
        found.expect("read").expect("there")
    }

    async fn count(&self, table: &str) -> i64 {
        let text = format!("SELECT count(*) FROM {table}");
        let row = self.stage.session().await.query_one(&text, &[]).await;
        row.expect("a count").get(0)
    }

    async fn remember(&self, verdicts: &[Verdict]) {
        let mut unit = self.unit().await;
        let account = self.workspace.account;
        let done = unit.lookups().remember(account, verdicts, NOW).await;
        done.expect("remembered");
        unit.commit().await.expect("committed");
    }

    async fn known(&self, phones: &[Phone], after: Duration) -> Vec<Verdict> {
        let account = self.workspace.account;
        let known = self.postgres().known(account, phones, NOW + after).await;
        let mut known = known.expect("read");
        known.sort_by_key(|it| it.asked);
        known
    }
}

fn of(workspace: Workspace, instance: InstanceId, requested: u32) -> NumberLookup {
    NumberLookup {
        id: fresh(),
        workspace,
        user: workspace.owner(),
        instance,
        status: LookupStatus::Pending,
        requested,
        processed: 0,
        error: None,
        created_at: NOW,
        updated_at: NOW,
        completed_at: None,
    }
}

fn list(count: u32) -> NumberList {
    NumberList {
        phones: (0..count).map(phone).collect(),
        invalid: Vec::new(),
    }
}

fn yes(asked: Phone) -> Verdict {
    Verdict {
        asked,
        found: Some(asked),
    }
}

fn no(asked: Phone) -> Verdict {
    Verdict { asked, found: None }
}

#[tokio::test]
async fn one_that_is_done_reads_back_for_its_workspace_alone() {
    let scene = Scene::new().await;
    let other = Phone::from_e164("553187654321").expect("valid");
    let lookup = NumberLookup {
        status: LookupStatus::Completed,
        processed: 4,
        completed_at: Some(NOW),
        ..scene.lookup(4)
    };
    let verdicts = [
        yes(phone(3)),
        no(phone(1)),
        Verdict {
            asked: phone(2),
            found: Some(other),
        },
    ];
    let invalid = ["06 12, \"Lina\" {NULL}".to_owned()];
    let mut unit = scene.unit().await;
    let inserted = unit.lookups().insert_done(&lookup, &verdicts, &invalid);
    inserted.await.expect("inserted");
    unit.commit().await.expect("committed");
    assert_eq!(scene.stored(&lookup).await, lookup);
    let results = LookupReader::results(scene.postgres(), scene.workspace.id, lookup.id).await;
    let results = results.expect("read");
    assert_eq!(
        results.on_whatsapp,
        [(phone(3), phone(3)), (phone(2), other)]
    );
    assert_eq!(results.not_on_whatsapp, [phone(1)]);
    assert_eq!(results.invalid, invalid);
    assert_eq!(scene.claim(Duration::ZERO).await, None);

    let stranger = workspace().id;
    let found = LookupReader::find(scene.postgres(), stranger, lookup.id).await;
    assert_eq!(found.expect("read"), None);
    let nothing = LookupReader::results(scene.postgres(), stranger, lookup.id).await;
    assert_eq!(nothing.expect("read"), Results::default());
    let page = PageRequest {
        limit: 10,
        after: None,
    };
    let page = LookupReader::page(scene.postgres(), stranger, &page).await;
    assert!(page.expect("read").items.is_empty());
}

#[tokio::test]
async fn pages_begin_with_the_newest_and_go_on_where_they_ended() {
    let scene = Scene::new().await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(scene.queue(1).await.id);
    }
    made.sort();
    made.reverse();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let request = PageRequest { limit: 2, after };
        let page = LookupReader::page(scene.postgres(), scene.workspace.id, &request).await;
        let page = page.expect("read");
        assert!((1..=2).contains(&page.items.len()));
        seen.extend(page.items.iter().map(|it| it.id));
        after = page.next;
        if after.is_none() {
            break;
        }
        // Newer ones are not of a list that is being walked.
        scene.queue(1).await;
    }
    assert_eq!(seen, made);
}

#[tokio::test]
async fn what_was_found_out_is_believed_for_its_time_and_by_its_account() {
    let scene = Scene::new().await;
    scene.remember(&[yes(phone(1)), no(phone(2))]).await;
    let all = [phone(1), phone(2), phone(3)];
    let day = Duration::DAY;
    assert_eq!(
        scene.known(&all, day - Duration::SECOND).await,
        [yes(phone(1)), no(phone(2))]
    );
    assert_eq!(scene.known(&all, day).await, [yes(phone(1))]);
    assert_eq!(scene.known(&all, day * 7).await, []);
    assert_eq!(
        scene.known(&[phone(2)], Duration::ZERO).await,
        [no(phone(2))]
    );
    let stranger = workspace().account;
    let known = scene.postgres().known(stranger, &all, NOW).await;
    assert_eq!(known.expect("read"), []);
    // What is found out later counts.
    scene.remember(&[no(phone(1)), yes(phone(2))]).await;
    assert_eq!(
        scene.known(&all, Duration::ZERO).await,
        [no(phone(1)), yes(phone(2))]
    );
}

#[tokio::test]
async fn two_that_remember_the_same_in_another_order_do_not_wait_for_ever() {
    let scene = Scene::new().await;
    let there: Vec<_> = (0..500).map(|n| yes(phone(n))).collect();
    let back: Vec<_> = there.iter().rev().map(|it| no(it.asked)).collect();
    for _ in 0..5 {
        tokio::join!(scene.remember(&there), scene.remember(&back));
    }
    assert_eq!(scene.count("number_checks").await, 500);
}

#[tokio::test]
async fn lookups_are_kept_for_thirty_days_and_checks_while_they_are_believed() {
    let scene = Scene::new().await;
    let ended = NumberLookup {
        status: LookupStatus::Completed,
        processed: 1,
        ..scene.lookup(1)
    };
    let mut unit = scene.unit().await;
    let known = [yes(phone(1))];
    let inserted = unit.lookups().insert_done(&ended, &known, &[]);
    inserted.await.expect("inserted");
    unit.commit().await.expect("committed");
    scene.queue(150).await;
    scene.remember(&[yes(phone(1)), no(phone(2))]).await;
    // Ids know when they were made, by the real clock.
    let made = ended.id.uuid().get_timestamp().expect("of its time");
    let made = i64::try_from(made.to_unix().0).expect("now");
    let made = time::OffsetDateTime::from_unix_timestamp(made).expect("now");
    let sweep = async |now| while scene.postgres().sweep(now).await.expect("swept") > 0 {};
    sweep(NOW + Duration::DAY).await;
    assert_eq!(scene.count("number_checks").await, 1);
    sweep(made + Duration::days(29)).await;
    assert_eq!(scene.count("number_lookups").await, 2);
    assert_eq!(scene.count("number_lookup_parts").await, 1 + 2);
    sweep(made + Duration::days(31)).await;
    assert_eq!(scene.count("number_checks").await, 0);
    assert_eq!(scene.count("number_lookups").await, 1, "the living one");
    assert_eq!(scene.count("number_lookup_parts").await, 2);
}
