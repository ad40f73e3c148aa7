//! Work on long lists.

use msgflash_kernel::{Id, Tick};
use uuid::Uuid;

use super::*;
use crate::lookup::ports::{Claimed, LookupWork, MockLookupStore, Turn};
use crate::testing::{actor, instance};

fn lookup() -> NumberLookup {
    NumberLookup {
        id: Id::new(Uuid::from_u128(0x10)),
        workspace: actor().workspace,
        user: actor().user,
        instance: instance().id,
        status: LookupStatus::Pending,
        requested: 1000,
        processed: 998,
        error: None,
        created_at: NOW,
        updated_at: NOW,
        completed_at: None,
    }
}

fn turn(tries: u32, stalled: Option<Duration>) -> Turn {
    Turn {
        instance: instance().id,
        number: 7,
        tries,
        stalled_since: stalled.map(|it| NOW - it),
    }
}

/// A unit in which the last two numbers are claimed, and one in which nothing is left.
fn claiming(scene: Scene, turn: Turn) -> Scene {
    let phones = vec![phone("33612345678"), phone("33612345679")];
    let work = LookupWork {
        lookup: lookup(),
        part: 3,
        phones,
        turn,
    };
    let claimed = Claimed::Work(Box::new(work));
    scene
        .unit(|store| {
            store
                .expect_claim()
                .return_once(move |_, _| Ok(Some(claimed)));
        })
        .unit(|store| {
            store.expect_claim().returning(|_, _| Ok(None));
        })
}

fn holds(store: &mut MockLookupStore) {
    store.expect_hold().times(1).returning(|_| Ok(true));
}

#[tokio::test]
async fn a_part_is_recorded_as_a_whole_and_the_instance_rests() {
    let scene = claiming(Scene::default(), turn(3, Some(Duration::MINUTE))).unit(|store| {
        holds(store);
        store
            .expect_finish()
            .times(1)
            .returning(|_, part, verdicts| {
                assert_eq!((part, verdicts.len()), (3, 2));
                Ok(())
            });
        store.expect_update().times(1).returning(|lookup| {
            assert_eq!(lookup.status, LookupStatus::Completed);
            assert_eq!(lookup.completed_at, Some(NOW));
            Ok(())
        });
        store.expect_remember().times(1).returning(|_, _, _| Ok(()));
        store.expect_pass().times(1).returning(|turn, next| {
            assert_eq!((turn.tries, turn.stalled_since), (0, None));
            assert_eq!(next, NOW + Duration::seconds(5));
            Ok(())
        });
    });
    let told = scene.told();
    assert_eq!(scene.run().tick().await.expect("work"), Tick::Did(1));
    let told = lock(&told);
    assert_eq!((told.asked.len(), told.commits), (1, 2));
}

#[tokio::test]
async fn a_part_that_was_known_costs_no_pause() {
    let mut scene = claiming(Scene::default(), turn(0, None)).unit(|store| {
        holds(store);
        store.expect_finish().times(1).returning(|_, _, _| Ok(()));
        store.expect_update().times(1).returning(|_| Ok(()));
        store.expect_pass().times(1).returning(|_, next| {
            assert_eq!(next, NOW);
            Ok(())
        });
    });
    for digits in ["33612345678", "33612345679"] {
        scene.known.push(Verdict {
            asked: phone(digits),
            found: None,
        });
    }
    let told = scene.told();
    scene.run().tick().await.expect("work");
    assert!(lock(&told).asked.is_empty());
}

#[tokio::test]
async fn whoever_lost_the_turn_records_nothing() {
    let scene = claiming(Scene::default(), turn(0, None)).unit(|store| {
        store.expect_hold().times(1).returning(|_| Ok(false));
    });
    let told = scene.told();
    scene.run().tick().await.expect("work");
    assert_eq!(lock(&told).commits, 1, "the claim alone");
}

#[tokio::test]
async fn an_instance_that_cannot_ask_waits_longer_each_time() {
    for (tries, seconds) in [(0, 10), (1, 20), (2, 40), (9, 300), (4_000, 300)] {
        let scene = Scene::default().with_status(InstanceStatus::Connecting);
        let scene = claiming(scene, turn(tries, None)).unit(|store| {
            holds(store);
            store.expect_pass().times(1).returning(move |turn, next| {
                assert_eq!(turn.tries, tries + 1);
                assert_eq!(turn.stalled_since, Some(NOW));
                assert_eq!(next, NOW + Duration::seconds(seconds));
                Ok(())
            });
        });
        let told = scene.told();
        scene.run().tick().await.expect("work");
        assert!(lock(&told).asked.is_empty());
    }
}

#[tokio::test]
async fn what_some_numbers_were_answered_is_kept_and_counts_as_getting_on() {
    let mut scene = claiming(Scene::default(), turn(5, Some(Duration::HOUR))).unit(|store| {
        holds(store);
        store
            .expect_remember()
            .times(1)
            .returning(|_, verdicts, _| {
                assert_eq!(verdicts.len(), 1);
                Ok(())
            });
        store.expect_pass().times(1).returning(|turn, _| {
            assert_eq!(turn.stalled_since, Some(NOW));
            Ok(())
        });
    });
    scene.silent = vec![phone("33612345679")];
    scene.run().tick().await.expect("work");
}

#[tokio::test]
async fn an_hour_without_getting_on_ends_the_lookups_that_waited_for_it() {
    let away = Some(ProviderError::Unavailable);
    let told_of_provider = "The provider gave no answer for an hour";
    let told_of_instance = "The instance was not connected for an hour";
    for (status, failure, expected) in [
        (InstanceStatus::Connected, away, told_of_provider),
        (InstanceStatus::Disconnected, None, told_of_instance),
    ] {
        let scene = Scene {
            failure,
            ..Scene::default().with_status(status)
        };
        claiming(scene, turn(20, Some(Duration::HOUR)))
            .unit(|store| {
                holds(store);
                store
                    .expect_fail_all()
                    .times(1)
                    .returning(move |_, before, reason, _| {
                        assert_eq!((before, reason), (NOW - Duration::HOUR, expected));
                        Ok(1)
                    });
                store.expect_pass().times(1).returning(|_, _| Ok(()));
            })
            .run()
            .tick()
            .await
            .expect("work");
    }
}

#[tokio::test]
async fn a_deleted_instance_ends_its_lookups_at_once() {
    let scene = Scene {
        instance: None,
        ..Scene::default()
    };
    claiming(scene, turn(0, None))
        .unit(|store| {
            holds(store);
            store.expect_update().times(1).returning(|lookup| {
                assert_eq!(lookup.status, LookupStatus::Failed);
                assert_eq!(lookup.error.as_deref(), Some("The instance was deleted"));
                Ok(())
            });
            store.expect_pass().times(1).returning(|_, next| {
                assert_eq!(next, NOW);
                Ok(())
            });
        })
        .run()
        .tick()
        .await
        .expect("work");
}

#[tokio::test]
async fn an_idle_look_writes_nothing() {
    let scene = Scene::default().unit(|store| {
        store.expect_claim().times(1).returning(|_, _| Ok(None));
    });
    let told = scene.told();
    assert_eq!(scene.run().tick().await.expect("a look"), Tick::Idle);
    assert_eq!(lock(&told).commits, 0);
}
