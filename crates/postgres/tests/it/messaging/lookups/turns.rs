//! Whose turn it is to ask.

use std::sync::Arc;

use super::*;

#[tokio::test]
async fn a_long_list_is_asked_about_part_by_part_and_then_the_turns_are_over() {
    let scene = Scene::new().await;
    let lookup = scene.queue(250).await;
    let mut asked = Vec::new();
    for (part, size) in [(0, 100), (1, 100), (2, 50)] {
        let work = scene.work(Duration::ZERO).await;
        assert_eq!((work.part, work.phones.len()), (part, size));
        assert_eq!(work.lookup, scene.stored(&lookup).await);
        assert_eq!(scene.claim(Duration::ZERO).await, None, "one at a time");
        asked.extend(work.phones.clone());
        scene.finish(work).await;
    }
    assert_eq!(asked, list(250).phones);
    let done = scene.stored(&lookup).await;
    assert_eq!(done.status, LookupStatus::Completed);
    let results = LookupReader::results(scene.postgres(), scene.workspace.id, lookup.id).await;
    assert_eq!(results.expect("read").on_whatsapp.len(), 250);
    assert_eq!(scene.claim(Duration::ZERO).await, Some(Claimed::Over));
    assert_eq!(scene.claim(Duration::ZERO).await, None);
    assert_eq!(scene.count("number_lookup_turns").await, 0);
}

#[tokio::test]
async fn a_turn_that_ran_out_is_somebody_elses() {
    let scene = Scene::new().await;
    scene.queue(1).await;
    let dead = scene.work(Duration::ZERO).await;
    assert_eq!(scene.claim(LEASE - Duration::SECOND).await, None);
    let next = scene.work(LEASE).await;
    assert_eq!((next.part, &next.phones), (dead.part, &dead.phones));
    let mut unit = scene.unit().await;
    assert!(!unit.lookups().hold(&dead.turn).await.expect("a look"));
    assert!(unit.lookups().hold(&next.turn).await.expect("a look"));
    drop(unit);
    scene.finish(next).await;
}

#[tokio::test]
async fn what_is_not_committed_is_claimed_again() {
    let scene = Scene::new().await;
    scene.queue(1).await;
    let mut unit = scene.unit().await;
    let claimed = unit.lookups().claim(NOW, NOW + LEASE).await;
    assert!(claimed.expect("claimed").is_some());
    drop(unit);
    msgflash_testkit::eventually("it is free again", async || {
        scene.claim(Duration::ZERO).await
    })
    .await;
}

#[tokio::test]
async fn many_processes_never_ask_for_one_instance_at_once_and_for_several_side_by_side() {
    let scene = Scene::new().await;
    let (other, others) = number(&scene.stage, "b@example.com").await;
    scene.queue(1).await;
    scene.queue(1).await;
    scene.insert(&of(others, other.id, 1)).await;
    let scene = Arc::new(scene);
    let claims = (0..10).map(|_| {
        let scene = Arc::clone(&scene);
        tokio::spawn(async move { scene.claim(Duration::ZERO).await })
    });
    let mut instances = Vec::new();
    for claim in claims.collect::<Vec<_>>() {
        if let Some(Claimed::Work(work)) = claim.await.expect("no panic") {
            instances.push(work.lookup.instance);
        }
    }
    // Whoever came upon a turn that was just being taken went away with nothing.
    while let Some(Claimed::Work(work)) = scene.claim(Duration::ZERO).await {
        instances.push(work.lookup.instance);
    }
    instances.sort();
    let mut both = [scene.instance.id, other.id];
    both.sort();
    assert_eq!(instances, both);
}

#[tokio::test]
async fn lookups_of_one_instance_follow_each_other() {
    let scene = Scene::new().await;
    let (first, second) = (scene.queue(101).await, scene.queue(1).await);
    let mut order = Vec::new();
    for _ in 0..3 {
        let work = scene.work(Duration::ZERO).await;
        order.push(work.lookup.id);
        scene.finish(work).await;
    }
    assert_eq!(order, [first.id, first.id, second.id]);
}

#[tokio::test]
async fn one_that_comes_while_the_turns_end_is_not_forgotten() {
    let scene = Arc::new(Scene::new().await);
    let work = {
        scene.queue(1).await;
        scene.work(Duration::ZERO).await
    };
    scene.finish(work).await;
    let mut ending = scene.unit().await;
    let over = ending.lookups().claim(NOW, NOW + LEASE).await;
    assert_eq!(over.expect("claimed"), Some(Claimed::Over));
    let late = Arc::clone(&scene);
    let coming = tokio::spawn(async move { late.queue(1).await });
    let waiting = "SELECT count(*) FROM pg_stat_activity \
         WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let session = scene.stage.session().await;
    msgflash_testkit::eventually("it waits", async || {
        let row = session.query_one(waiting, &[]).await.expect("a count");
        (row.get::<_, i64>(0) == 1).then_some(())
    })
    .await;
    ending.commit().await.expect("committed");
    let late = coming.await.expect("inserted");
    assert_eq!(scene.work(Duration::ZERO).await.lookup.id, late.id);
}

#[tokio::test]
async fn how_long_an_instance_brought_nothing_is_known_in_its_next_turn() {
    let scene = Scene::new().await;
    scene.queue(1).await;
    let mut turn = scene.work(Duration::ZERO).await.turn;
    assert_eq!((turn.tries, turn.stalled_since), (0, None));
    (turn.tries, turn.stalled_since) = (3, Some(NOW));
    let mut unit = scene.unit().await;
    assert!(unit.lookups().hold(&turn).await.expect("held"));
    let passed = unit.lookups().pass(&turn, NOW + Duration::MINUTE).await;
    passed.expect("passed");
    unit.commit().await.expect("committed");
    assert_eq!(scene.claim(Duration::seconds(59)).await, None);
    let next = scene.work(Duration::MINUTE).await.turn;
    assert_eq!((next.tries, next.stalled_since), (3, Some(NOW)));
}

#[tokio::test]
async fn an_instance_that_is_given_up_ends_what_waited_for_it_and_nothing_else() {
    let scene = Scene::new().await;
    let (other, others) = number(&scene.stage, "b@example.com").await;
    let (old, other) = (scene.queue(1).await, of(others, other.id, 1));
    scene.insert(&other).await;
    let young = NumberLookup {
        created_at: NOW + Duration::MINUTE,
        ..scene.lookup(1)
    };
    scene.insert(&young).await;
    let mut unit = scene.unit().await;
    let late = NOW + Duration::HOUR;
    let failed = unit
        .lookups()
        .fail_all(scene.instance.id, NOW, "Away", late)
        .await;
    assert_eq!(failed.expect("failed"), 1);
    unit.commit().await.expect("committed");
    let old = scene.stored(&old).await;
    assert_eq!(
        (old.status, old.error.as_deref(), old.completed_at),
        (LookupStatus::Failed, Some("Away"), Some(late))
    );
    for living in [young, other] {
        assert_eq!(scene.stored(&living).await.status, LookupStatus::Pending);
    }
}

#[tokio::test]
async fn one_that_cannot_be_read_ends_and_holds_up_nobody() {
    let scene = Scene::new().await;
    let (broken, sound) = (scene.queue(1).await, scene.queue(1).await);
    let spoil = format!(
        "UPDATE number_lookup_parts SET phones = '{{-7}}' WHERE lookup_id = '{}'",
        broken.id
    );
    let session = scene.stage.session().await;
    session.batch_execute(&spoil).await.expect("spoilt");
    assert_eq!(scene.claim(Duration::ZERO).await, Some(Claimed::Over));
    let broken = scene.stored(&broken).await;
    assert_eq!(broken.status, LookupStatus::Failed);
    assert_eq!(scene.work(Duration::ZERO).await.lookup.id, sound.id);
}

#[tokio::test]
async fn a_row_that_is_gone_is_no_success() {
    let scene = Scene::new().await;
    let lookup = scene.lookup(1);
    let mut unit = scene.unit().await;
    let gone = unit.lookups().update(&lookup).await;
    assert!(matches!(gone, Err(StoreError::Stale(_))), "{gone:?}");
    let gone = unit
        .lookups()
        .finish(Id::new(lookup.id.uuid()), 0, &[])
        .await;
    assert!(matches!(gone, Err(StoreError::Stale(_))), "{gone:?}");
}
