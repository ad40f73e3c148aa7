//! Look-ups of numbers.

use msgflash_messaging::lookup::ports::{
    Claimed, LookupReader, LookupUnit, LookupUnits, LookupWork,
};
use msgflash_messaging::lookup::{LookupStatus, NumberList, NumberLookup};

use super::*;
use crate::messaging::sample::phone;
use crate::stage::fresh;

const LEASE: Duration = Duration::minutes(2);

async fn unit(scene: &Scene) -> Box<dyn LookupUnit> {
    LookupUnits::begin(scene.postgres()).await.expect("a unit")
}

/// Stores a list of 150 numbers, which is asked about in two parts.
async fn queue(scene: &Scene, workspace: Workspace) -> NumberLookup {
    let lookup = NumberLookup {
        id: fresh(),
        workspace,
        user: workspace.owner(),
        instance: scene.instance.id,
        status: LookupStatus::Pending,
        requested: 150,
        processed: 0,
        error: None,
        created_at: NOW,
        updated_at: NOW,
        completed_at: None,
    };
    let numbers = NumberList {
        phones: (0..150).map(phone).collect(),
        invalid: Vec::new(),
    };
    let mut unit = unit(scene).await;
    let inserted = unit.lookups().insert(&lookup, &numbers).await;
    inserted.expect("inserted");
    unit.commit().await.expect("committed");
    lookup
}

async fn claim(scene: &Scene, now: OffsetDateTime) -> Option<Claimed> {
    let mut unit = unit(scene).await;
    let claimed = unit.lookups().claim(now, now + LEASE).await;
    let claimed = claimed.expect("claimed");
    unit.commit().await.expect("committed");
    claimed
}

async fn work(scene: &Scene, now: OffsetDateTime) -> LookupWork {
    match claim(scene, now).await {
        Some(Claimed::Work(work)) => *work,
        other => panic!("no work: {other:?}"),
    }
}

async fn stored(scene: &Scene, lookup: &NumberLookup) -> NumberLookup {
    let found = LookupReader::find(scene.postgres(), lookup.workspace.id, lookup.id).await;
    found.expect("read").expect("there")
}

#[tokio::test]
async fn they_fail_with_the_reason_and_those_of_others_are_next() {
    let scene = Scene::new().await;
    let doomed = queue(&scene, scene.team).await;
    let second = queue(&scene, scene.team).await;
    let ours = queue(&scene, scene.personal).await;
    scene.delete().await;
    // Also before anybody looked at what is left.
    assert_eq!(work(&scene, NOW).await.lookup.id, ours.id);
    assert_eq!(scene.end().await, 2 + 1);
    for lookup in [&doomed, &second] {
        let ended = stored(&scene, lookup).await;
        assert_eq!(
            (ended.status, ended.error.as_deref(), ended.completed_at),
            (LookupStatus::Failed, Some("Team deleted"), Some(NOW))
        );
    }
    assert_eq!(stored(&scene, &ours).await.status, LookupStatus::Pending);
    assert_eq!(work(&scene, NOW + LEASE).await.lookup.id, ours.id);
}

#[tokio::test]
async fn the_answer_to_a_part_that_is_being_asked_about_does_not_revive_it() {
    let scene = Scene::new().await;
    let doomed = queue(&scene, scene.team).await;
    let asking = work(&scene, NOW).await;
    scene.delete().await;
    scene.end().await;
    let mut unit = unit(&scene).await;
    assert!(!unit.lookups().hold(&asking.turn).await.expect("a look"));
    drop(unit);
    assert_eq!(stored(&scene, &doomed).await.status, LookupStatus::Failed);
    // The turns are over, not taken again and again.
    let next = NOW + LEASE;
    assert_eq!(claim(&scene, next).await, Some(Claimed::Over));
    assert_eq!(claim(&scene, next).await, None);
    assert_eq!(scene.count("number_lookup_turns").await, 0);
}

#[tokio::test]
async fn turns_that_ended_before_the_look_ups_did_hold_nothing_up() {
    let scene = Scene::new().await;
    let doomed = queue(&scene, scene.team).await;
    scene.delete().await;
    assert_eq!(claim(&scene, NOW).await, Some(Claimed::Over));
    scene.end().await;
    assert_eq!(stored(&scene, &doomed).await.status, LookupStatus::Failed);
}
