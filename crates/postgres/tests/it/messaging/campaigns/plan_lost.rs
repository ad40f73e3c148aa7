//! Campaigns of an account whose plan has none any more.

use msgflash_billing::{BillingUnits, Effects};
use msgflash_messaging::dispatch::QueueEntry;
use msgflash_messaging::dispatch::ports::{EntryKey, Lease, StartUnits};
use tokio::time::timeout;

use super::gateway::{Answer, Gateway, Process};
use super::*;
use crate::messaging::sample::Worker;
use crate::stage::SOON;

/// Takes campaigns away, as a plan without them does.
async fn take_away(postgres: &Postgres, account: AccountId) -> Result<(), StoreError> {
    let effects = Effects {
        pause_campaigns: true,
        ..Effects::default()
    };
    let mut unit = BillingUnits::begin(postgres).await?;
    unit.standings().lock(account).await?;
    unit.holdings().apply(account, &effects, NOW).await?;
    unit.commit().await
}

async fn status(scene: &Scene, id: CampaignId) -> CampaignStatus {
    scene.read(id).await.status
}

#[tokio::test]
async fn no_call_begins_any_more_and_what_was_made_is_taken_back() {
    let scene = Scene::new().await;
    scene.contacts(0..10).await;
    let id = scene.started().await;
    scene.run().await;
    let gateway = Gateway::new(&scene, |_, _| Answer::Taken);
    let process = Process::new(&scene, &gateway);
    let step = process.dispatcher.step(3).await.expect("a step");
    let account = scene.workspace.account;
    let taken = take_away(scene.postgres(), account).await;
    taken.expect("taken away");
    scene.allow(|it| it.campaigns = false);
    assert_eq!(status(&scene, id).await, CampaignStatus::PausedPlan);
    // Those that were begun before run to their end.
    for call in step.calls {
        process.dispatcher.call(call).await.expect("made");
    }
    assert_eq!(process.send().await, 0);
    scene.require_exact(id).await;
    scene.run().await;
    let counters = scene.require_exact(id).await;
    assert_eq!((counters.made, counters.sent, counters.queued), (3, 3, 7));
    assert!(scene.queued(id).await.is_empty());

    scene.allow(|it| it.campaigns = true);
    let resumed = scene.control().resume((&scene.actor(), None), id).await;
    resumed.expect("resumed");
    for _ in 0..3 {
        scene.run().await;
        process.send().await;
        scene.clock.advance(Duration::MINUTE);
    }
    assert_eq!(gateway.reached(), stored(0..10), "everybody, and once");
    assert_eq!(gateway.calls(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_that_changes_while_calls_are_marked_waits_for_the_marks() {
    let scene = Scene::new().await;
    scene.contacts(0..5).await;
    let id = scene.started().await;
    scene.run().await;
    let worker = Worker::new(scene.postgres()).await;
    let ahead = worker.ahead(scene.instance.id, NOW).await;
    let keys: Vec<EntryKey> = ahead.iter().map(QueueEntry::key).collect();
    let read = worker.read(&keys).await;
    let mut unit = StartUnits::begin(scene.postgres()).await.expect("a unit");
    let lane = (scene.instance.id, worker.epoch(scene.instance.id));
    let held = unit.starts().hold_lanes(worker.id, &[lane]).await;
    held.expect("held");
    let (postgres, account) = (scene.postgres().clone(), scene.workspace.account);
    let change = tokio::spawn(async move { take_away(&postgres, account).await });
    scene.stage.until_somebody_waits().await;
    let lease = Lease {
        owner: worker.id,
        until: NOW + Duration::MINUTE,
    };
    let started = unit.starts().start(&read[..2], lease, NOW).await;
    assert_eq!(started.expect("marked").len(), 2);
    unit.commit().await.expect("committed");
    let changed = timeout(SOON, change).await.expect("soon");
    changed.expect("no panic").expect("taken away");
    let after = worker.start(scene.instance.id, &keys[2..], NOW).await;
    assert_eq!(after, Some(vec![]), "nothing is marked after it");
    scene.run().await;
    let counters = scene.require_exact(id).await;
    assert_eq!((counters.made, counters.queued), (2, 5));
}

#[tokio::test]
async fn what_waits_stops_and_what_has_ended_or_is_somebody_elses_stays() {
    let scene = Scene::new().await;
    let (other_instance, other) = number(&scene.stage, "max@shop.test").await;
    let mut all = Vec::new();
    for status in CampaignStatus::ALL {
        for is_ours in [true, false] {
            let mut it = scene.campaign(Audience::All);
            it.status = status;
            if !is_ours {
                (it.workspace, it.instance) = (other, other_instance.id);
            }
            scene.add(&it).await;
            all.push((it, is_ours));
        }
    }
    let account = scene.workspace.account;
    let taken = take_away(scene.postgres(), account).await;
    taken.expect("taken away");
    for (it, is_ours) in all {
        let found = scene.postgres().find(it.workspace.id, it.id).await;
        let found = found.expect("read").expect("there").status;
        let stops = matches!(
            it.status,
            CampaignStatus::Scheduled | CampaignStatus::Running | CampaignStatus::PausedQuota
        );
        let expected = if stops && is_ours {
            CampaignStatus::PausedPlan
        } else {
            it.status
        };
        assert_eq!(found, expected, "{:?}, ours: {is_ours}", it.status);
    }
}
