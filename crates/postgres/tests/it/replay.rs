//! Answers that are given again.

use msgflash_kernel::{Claim, ReplayKey, ReplayReader, StoredAnswer};
use msgflash_postgres::Postgres;
use msgflash_webhooks::ports::EndpointUnits;
use time::{Duration, OffsetDateTime};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::stage::{NOW, SOON, Stage, fresh};

fn key() -> ReplayKey {
    ReplayKey {
        workspace: fresh(),
        route: "POST /api/v1/messages/send",
        key: [1; 32],
        request: [2; 32],
    }
}

fn answer(body: &str) -> StoredAnswer {
    StoredAnswer {
        status: 201,
        body: body.to_owned(),
    }
}

/// Claims, and answers with `body` when nobody has yet.
async fn serve(postgres: &Postgres, key: &ReplayKey, body: &str, now: OffsetDateTime) -> Claim {
    let mut unit = EndpointUnits::begin(postgres).await.expect("a unit");
    let claim = unit.replays().claim(key, now).await.expect("an answer");
    if claim == Claim::Fresh {
        unit.replays()
            .keep(key, &answer(body), now)
            .await
            .expect("kept");
        unit.commit().await.expect("committed");
    }
    claim
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer() {
    let stage = Stage::new().await;
    let (postgres, key) = (&stage.postgres, key());
    assert_eq!(postgres.look(&key, NOW).await.expect("read"), Claim::Fresh);
    assert_eq!(serve(postgres, &key, "first", NOW).await, Claim::Fresh);
    let replay = Claim::Replay(answer("first"));
    assert_eq!(serve(postgres, &key, "second", NOW).await, replay);
    assert_eq!(postgres.look(&key, NOW).await.expect("read"), replay);
}

#[tokio::test]
async fn another_body_under_the_same_key_is_a_mistake() {
    let stage = Stage::new().await;
    let (postgres, key) = (&stage.postgres, key());
    serve(postgres, &key, "first", NOW).await;
    let other = ReplayKey {
        request: [3; 32],
        ..key
    };
    assert_eq!(
        serve(postgres, &other, "second", NOW).await,
        Claim::Mismatch
    );
    assert_eq!(
        postgres.look(&other, NOW).await.expect("read"),
        Claim::Mismatch
    );
}

#[tokio::test]
async fn workspaces_routes_and_keys_do_not_meet() {
    let stage = Stage::new().await;
    let key = key();
    let mut open = Vec::new();
    for other in [
        key.clone(),
        ReplayKey {
            workspace: fresh(),
            ..key.clone()
        },
        ReplayKey {
            route: "POST /api/v1/messages/schedule",
            ..key.clone()
        },
        ReplayKey {
            key: [9; 32],
            ..key
        },
    ] {
        let mut unit = EndpointUnits::begin(&stage.postgres).await.expect("a unit");
        let claim = timeout(SOON, unit.replays().claim(&other, NOW))
            .await
            .expect("no waiting");
        assert_eq!(claim.expect("an answer"), Claim::Fresh);
        open.push(unit);
    }
}

#[tokio::test]
async fn an_answer_lives_for_a_day() {
    let stage = Stage::new().await;
    let (postgres, key) = (&stage.postgres, key());
    serve(postgres, &key, "first", NOW).await;
    let almost = NOW + Duration::hours(24) - Duration::SECOND;
    assert_eq!(
        postgres.look(&key, almost).await.expect("read"),
        Claim::Replay(answer("first"))
    );

    let after = NOW + Duration::hours(24);
    let other = ReplayKey {
        request: [3; 32],
        ..key.clone()
    };
    assert_eq!(serve(postgres, &other, "second", after).await, Claim::Fresh);
    let replay = Claim::Replay(answer("second"));
    assert_eq!(postgres.look(&other, after).await.expect("read"), replay);
    assert_eq!(
        postgres.look(&key, after).await.expect("read"),
        Claim::Mismatch
    );
}

#[tokio::test]
async fn a_sweep_takes_the_old_answers_alone() {
    let stage = Stage::new().await;
    let (postgres, old, young) = (&stage.postgres, key(), key());
    serve(postgres, &old, "old", NOW).await;
    serve(postgres, &young, "young", NOW + Duration::HOUR).await;
    let limit = NOW + Duration::MINUTE;
    assert_eq!(postgres.sweep_replays(limit).await.expect("swept"), 1);
    assert_eq!(postgres.sweep_replays(limit).await.expect("swept"), 0);
    assert_eq!(postgres.look(&old, NOW).await.expect("read"), Claim::Fresh);
    assert_ne!(
        postgres.look(&young, NOW).await.expect("read"),
        Claim::Fresh
    );
}

/// Returns once somebody waits for a key.
async fn somebody_waits(stage: &Stage) {
    let session = stage.session().await;
    let waiting = "SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
                   WHERE d.datname = current_database() AND locktype = 'advisory' AND NOT granted";
    let seen = async {
        while session.query(waiting, &[]).await.expect("read").is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, seen).await.expect("somebody waits");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_equal_request_waits_for_the_answer_of_the_first() {
    let stage = Stage::new().await;
    let key = key();
    let mut first = EndpointUnits::begin(&stage.postgres).await.expect("a unit");
    assert_eq!(
        first.replays().claim(&key, NOW).await.expect("an answer"),
        Claim::Fresh
    );

    let (postgres, equal) = (stage.postgres.clone(), key.clone());
    let second = tokio::spawn(async move { serve(&postgres, &equal, "second", NOW).await });
    somebody_waits(&stage).await;
    first
        .replays()
        .keep(&key, &answer("first"), NOW)
        .await
        .expect("kept");
    first.commit().await.expect("committed");
    assert_eq!(
        second.await.expect("no panic"),
        Claim::Replay(answer("first"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waited_takes_over_when_the_first_gives_up() {
    let stage = Stage::new().await;
    let key = key();
    let mut first = EndpointUnits::begin(&stage.postgres).await.expect("a unit");
    assert_eq!(
        first.replays().claim(&key, NOW).await.expect("an answer"),
        Claim::Fresh
    );

    let (postgres, equal) = (stage.postgres.clone(), key.clone());
    let second = tokio::spawn(async move { serve(&postgres, &equal, "second", NOW).await });
    somebody_waits(&stage).await;
    drop(first);
    assert_eq!(second.await.expect("no panic"), Claim::Fresh);
    let replay = Claim::Replay(answer("second"));
    assert_eq!(stage.postgres.look(&key, NOW).await.expect("read"), replay);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_equal_requests_one_does_the_work() {
    let stage = Stage::new().await;
    let key = key();
    let mut requests = JoinSet::new();
    for n in 0..20 {
        let (postgres, key) = (stage.postgres.clone(), key.clone());
        requests.spawn(async move {
            let body = n.to_string();
            let claim = serve(&postgres, &key, &body, NOW).await;
            (body, claim)
        });
    }
    let claims = requests.join_all().await;
    let workers: Vec<_> = claims
        .iter()
        .filter(|(_, claim)| *claim == Claim::Fresh)
        .collect();
    let [(body, _)] = workers.as_slice() else {
        panic!("{} did the work", workers.len())
    };
    let replay = Claim::Replay(answer(body));
    assert_eq!(
        claims.iter().filter(|(_, claim)| *claim == replay).count(),
        19
    );
}
