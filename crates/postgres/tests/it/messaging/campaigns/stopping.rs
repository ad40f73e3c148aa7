//! Pausing and cancelling beside calls that begin.

use msgflash_messaging::dispatch::ports::{EntryKey, Lease, StartUnits};
use msgflash_messaging::message::ports::SettleUnits;
use tokio::time::timeout;

use super::gateway::{Answer, Gateway, Process};
use super::*;
use crate::messaging::sample::Worker;
use crate::stage::SOON;

async fn ready(scene: &Scene, worker: &Worker) -> Vec<EntryKey> {
    let ahead = worker.ahead(scene.instance.id, NOW).await;
    ahead
        .iter()
        .map(msgflash_messaging::dispatch::QueueEntry::key)
        .collect()
}

/// A campaign to five people whose messages are made, and a worker that owns its lane.
async fn made() -> (Scene, CampaignId, Worker) {
    let scene = Scene::new().await;
    scene.contacts(0..5).await;
    let id = scene.started().await;
    scene.run().await;
    let worker = Worker::new(scene.postgres()).await;
    (scene, id, worker)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_that_comes_while_calls_are_marked_sees_them_and_takes_back_the_rest() {
    let (scene, id, worker) = made().await;
    let keys = ready(&scene, &worker).await;
    let read = worker.read(&keys).await;
    let mut unit = StartUnits::begin(scene.postgres()).await.expect("a unit");
    let lane = (scene.instance.id, worker.epoch(scene.instance.id));
    unit.starts()
        .hold_lanes(worker.id, &[lane])
        .await
        .expect("held");
    let (control, actor) = (scene.control(), scene.actor());
    let pause = tokio::spawn(async move { control.pause(&actor, id).await });
    scene.stage.until_somebody_waits().await;
    let lease = Lease {
        owner: worker.id,
        until: NOW + Duration::MINUTE,
    };
    let started = unit.starts().start(&read[..2], lease, NOW).await;
    assert_eq!(started.expect("marked").len(), 2);
    unit.commit().await.expect("committed");
    let paused = timeout(SOON, pause).await.expect("soon").expect("no panic");
    let paused = paused.expect("paused");
    assert_eq!(paused.status, CampaignStatus::Paused);
    assert_eq!((paused.counters.made, paused.counters.queued), (2, 5));
    scene.require_exact(id).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_to_be_marked_while_a_pause_is_kept_is_not() {
    let (scene, id, worker) = made().await;
    let keys = ready(&scene, &worker).await;
    // What the pause writes last is held, so it waits with everything else in its hands.
    let mut session = scene.stage.session().await;
    let held = session.transaction().await.expect("begun");
    let query = "SELECT 1 FROM campaign_counters WHERE campaign_id = $1 FOR UPDATE";
    held.execute(query, &[&id.uuid()]).await.expect("held");
    let (control, actor) = (scene.control(), scene.actor());
    let pause = tokio::spawn(async move { control.pause(&actor, id).await });
    scene.stage.until_somebody_waits().await;
    let start = worker.start(scene.instance.id, &keys, NOW);
    let (started, ()) = tokio::join!(start, async {
        until_so_many_wait(&scene, 2).await;
        held.rollback().await.expect("free");
    });
    assert_eq!(started, Some(vec![]), "nothing was marked");
    let paused = timeout(SOON, pause).await.expect("soon").expect("no panic");
    assert_eq!(paused.expect("paused").counters.made, 0);
    scene.require_exact(id).await;
}

async fn until_so_many_wait(scene: &Scene, many: i64) {
    let waiting = "SELECT count(*) FROM pg_stat_activity \
         WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let session = scene.stage.session().await;
    msgflash_testkit::eventually("they wait", async || {
        let row = session.query_one(waiting, &[]).await.expect("a count");
        (row.get::<_, i64>(0) >= many).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_was_paused_goes_on_where_it_stopped_and_nobody_gets_two() {
    let scene = Scene::new().await;
    scene.contacts(0..10).await;
    let id = scene.started().await;
    scene.run().await;
    let gateway = Gateway::new(&scene, |n, _| match n {
        1 => Answer::Miss,
        _ => Answer::Taken,
    });
    let process = Process::new(&scene, &gateway);
    let step = process.dispatcher.step(4).await.expect("a step");
    let paused = scene.control().pause(&scene.actor(), id).await;
    // Four were marked before; they run to their end.
    assert_eq!(paused.expect("paused").counters.made, 4);
    for call in step.calls {
        process.dispatcher.call(call).await.expect("made");
    }
    for _ in 0..3 {
        scene.clock.advance(Duration::MINUTE);
        scene.run().await;
        assert_eq!(process.send().await, 0, "also what failed to be sent waits");
    }
    scene.require_exact(id).await;
    let resumed = scene.control().resume((&scene.actor(), None), id).await;
    resumed.expect("resumed");
    for _ in 0..3 {
        scene.run().await;
        process.send().await;
        scene.clock.advance(Duration::MINUTE);
    }
    assert_eq!(gateway.reached(), stored(0..10));
    assert_eq!(gateway.calls(), 11);
    let counters = scene.require_exact(id).await;
    assert_eq!((counters.sent, counters.queued), (10, 0));
}

#[tokio::test]
async fn whoever_cancels_sees_each_recipient_in_one_place_while_calls_are_open() {
    let scene = Scene::new().await;
    scene.contacts(0..40).await;
    let id = scene.started().await;
    scene.run_with(Duration::SECOND).await;
    // Nobody knows about the second, which did not leave; the third has to be tried again.
    let gateway = Gateway::new(&scene, |n, _| match n {
        1 => Answer::LostBefore,
        2 => Answer::Miss,
        _ => Answer::Taken,
    });
    let process = Process::new(&scene, &gateway);
    let step = process.dispatcher.step(4).await.expect("a step");
    let cancelled = scene.control().cancel(&scene.actor(), id).await;
    let cancelled = cancelled.expect("cancelled").counters;
    assert_eq!(
        (cancelled.planned, cancelled.queued, cancelled.cancelled),
        (40, 4, 36)
    );
    scene.require_exact(id).await;
    for call in step.calls {
        process.dispatcher.call(call).await.expect("made");
    }
    // On a slow machine some marks grew too old to be called.
    let (calls, reached) = (gateway.calls(), gateway.reached().len() as u64);
    let counters = scene.require_exact(id).await;
    assert_eq!((counters.sent, counters.queued), (reached, 4 - reached));
    for _ in 0..20 {
        scene.clock.advance(Duration::MINUTE);
        process.reconciler.tick().await.expect("looked up");
        scene.run().await;
        process.send().await;
        scene.require_exact(id).await;
    }
    assert_eq!(gateway.calls(), calls, "no call began after the answer");
    let counters = scene.require_exact(id).await;
    let ended = counters.cancelled + counters.failed;
    assert_eq!((counters.sent, counters.queued), (reached, 0));
    assert_eq!(ended, 40 - reached);
    let again = scene.control().cancel(&scene.actor(), id).await;
    assert!(again.is_err(), "it has ended");
}

#[tokio::test]
async fn what_settles_beside_a_cancellation_is_counted_once() {
    let (scene, id, worker) = made().await;
    let keys = ready(&scene, &worker).await;
    worker
        .start(scene.instance.id, &keys[..2], NOW)
        .await
        .expect("started");
    // Somebody holds an entry that is ready: it is ended by whoever looks next.
    let mut unit = SettleUnits::begin(scene.postgres()).await.expect("a unit");
    unit.queue().lock(keys[4]).await.expect("held");
    let cancelled = scene.control().cancel(&scene.actor(), id).await;
    let counters = cancelled.expect("cancelled").counters;
    assert_eq!((counters.queued, counters.cancelled), (3, 2));
    scene.require_exact(id).await;
    unit.commit().await.expect("free");
    scene.clock.advance(Duration::seconds(5));
    scene.run().await;
    let counters = scene.require_exact(id).await;
    assert_eq!((counters.queued, counters.cancelled), (2, 3));
}

#[tokio::test]
async fn one_that_was_deleted_ends_and_leaves_no_recipients() {
    let scene = Scene::new().await;
    scene.contacts(0..5).await;
    let id = scene.started().await;
    scene.run().await;
    let gateway = Gateway::new(&scene, |_, _| Answer::Taken);
    let process = Process::new(&scene, &gateway);
    let step = process.dispatcher.step(2).await.expect("a step");
    let deleted = scene.control().delete(&scene.actor(), id).await;
    deleted.expect("deleted");
    for call in step.calls {
        process.dispatcher.call(call).await.expect("made");
    }
    for _ in 0..3 {
        scene.run().await;
        process.send().await;
        scene.clock.advance(Duration::seconds(10));
    }
    // On a slow machine a mark grew too old to be called.
    let calls = gateway.calls();
    assert!(calls <= 2, "{calls}");
    let left = "SELECT count(*) FROM campaign_recipients";
    assert_eq!(scene.numbers(left, &[]).await, [0]);
    let states = "SELECT status::int8 FROM messages ORDER BY status";
    let mut expected = vec![1; calls];
    expected.resize(5, 5);
    assert_eq!(scene.numbers(states, &[]).await, expected);
    let reserved = scene.postgres().recount().await.expect("read");
    assert_eq!(reserved, Some(Recount::default()));
}
