//! Statuses: their marks, the ledger and the answers kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use msgflash_kernel::{
    Actor, FixedClock, Id, Outcome, RandomIds, ReplayKey, StoredAnswer, Workspace,
};
use msgflash_messaging::provider::{
    Accepted, MockWhatsAppProvider, ProviderError, SendFailure, StatusContent,
};
use msgflash_messaging::status::ports::{StatusReader as _, StatusUnits};
use msgflash_messaging::status::{
    Answers, PublishPorts, PublishStatus, Settled, Status, StatusOrder, StatusState, Verdict,
};
use msgflash_messaging::{Instance, MessagingError};
use msgflash_postgres::{Postgres, restore};
use msgflash_quotas::{ChargedIn, KeyId, LedgerAudit as _, Period, Recount, UsageReader as _};
use msgflash_testkit::TestDatabase;
use time::Duration;
use tokio::task::JoinSet;

use super::sample::{instance_of, number};
use crate::backup::file_of;
use crate::stage::{NOW, Stage, clock};

const ANSWERS: Answers = Answers {
    route: "POST /api/v1/statuses",
    render: |status| StoredAnswer {
        status: 201,
        body: status.id.to_string(),
    },
};

fn once(workspace: Workspace, request: u8) -> ReplayKey {
    ReplayKey {
        workspace: workspace.id,
        route: ANSWERS.route,
        key: [1; 32],
        request: [request; 32],
    }
}

fn order(workspace: Workspace, instance: &Instance, key: Option<KeyId>) -> StatusOrder {
    StatusOrder {
        actor: Actor::new(workspace, workspace.owner()),
        key,
        instance: instance.id,
        content: StatusContent::Text {
            text: "Open".into(),
            background: "#000000".into(),
        },
        request_id: Some("r-1".into()),
    }
}

/// Takes every status and counts, or loses every answer.
fn gateway(calls: &Arc<AtomicUsize>, answers: bool) -> MockWhatsAppProvider {
    let calls = Arc::clone(calls);
    let mut gateway = MockWhatsAppProvider::new();
    gateway.expect_publish_status().returning(move |_, _| {
        let call = calls.fetch_add(1, Ordering::SeqCst);
        if !answers {
            return Err(SendFailure::Unknown("no answer".into()));
        }
        Ok(Accepted {
            key_id: Some(format!("3EB0{call}")),
            address: None,
        })
    });
    gateway
}

fn publisher(postgres: &Postgres, provider: MockWhatsAppProvider) -> Arc<PublishStatus> {
    let store = Arc::new(postgres.clone());
    let clock: Arc<FixedClock> = clock();
    Arc::new(PublishStatus::new(PublishPorts {
        units: store.clone(),
        instances: store.clone(),
        provider: Arc::new(provider),
        files: None,
        settled: Settled::new(store, clock.clone(), ANSWERS),
        clock,
        ids: Arc::new(RandomIds),
        lease: Duration::minutes(2),
    }))
}

/// A team with a number, and a key that opens it.
async fn team(stage: &Stage) -> (Workspace, Instance, Option<KeyId>) {
    let user = stage.user("lea@shop.test").await;
    let team = Workspace::team(stage.team(&user).await, user.id);
    let instance = instance_of(stage, team).await;
    let (key, _) = stage.key(team).await;
    (team, instance, Some(Id::new(key.id.uuid())))
}

/// Limits the month of everybody.
async fn limit(stage: &Stage, limit: i32) {
    let text = "UPDATE plans SET monthly_outbound_quota = $1";
    let done = stage.session().await.execute(text, &[&limit]).await;
    done.expect("limited");
}

/// Both halves of the ledger agree with what is there.
async fn assert_exact(postgres: &Postgres) {
    let months = ChargedIn::recounted(NOW);
    let accepted = postgres.recount_accepted(&months).await.expect("read");
    assert_eq!(accepted, Some(Recount::default()));
    let reserved = postgres.recount().await.expect("read");
    assert_eq!(reserved, Some(Recount::default()));
}

async fn counts(postgres: &Postgres, workspace: Workspace) -> (u64, u64, u64) {
    let usage = postgres.usage(workspace.account, Period::of(NOW)).await;
    let usage = usage.expect("read");
    (usage.messages, usage.statuses, usage.reserved)
}

#[tokio::test]
async fn many_at_once_never_pass_the_month() {
    let stage = Stage::new().await;
    let (instance, workspace) = number(&stage, "lea@shop.test").await;
    limit(&stage, 7).await;
    let calls = Arc::default();
    // Two processes.
    let publishers = [8, 8].map(|size| publisher(&stage.pool(size), gateway(&calls, true)));
    let mut tries = JoinSet::new();
    for n in 0..40 {
        let publish = Arc::clone(&publishers[n % 2]);
        let order = order(workspace, &instance, None);
        tries.spawn(async move { publish.publish(order, None).await });
    }
    let done = tries.join_all().await;
    let taken = done.iter().filter(|it| it.is_ok()).count();
    assert_eq!((taken, calls.load(Ordering::SeqCst)), (7, 7));
    let refused = |it: &Result<_, MessagingError>| matches!(it, Err(MessagingError::Quota(_)));
    assert_eq!(done.iter().filter(|it| refused(it)).count(), 33);
    assert_eq!(counts(&stage.postgres, workspace).await, (0, 7, 0));
    assert_exact(&stage.postgres).await;
}

#[tokio::test]
async fn equal_requests_publish_once_and_another_body_is_a_mistake() {
    let stage = Stage::new().await;
    let (instance, workspace) = number(&stage, "lea@shop.test").await;
    let calls = Arc::default();
    let publish = publisher(&stage.postgres, gateway(&calls, true));
    let mut tries = JoinSet::new();
    for _ in 0..10 {
        let publish = Arc::clone(&publish);
        let order = order(workspace, &instance, None);
        tries.spawn(async move { publish.publish(order, Some(&once(workspace, 2))).await });
    }
    let (mut done, mut replayed, mut busy) = (0, 0, 0);
    for outcome in tries.join_all().await {
        match outcome {
            Ok(Outcome::Done(_)) => done += 1,
            Ok(Outcome::Replayed(_)) => replayed += 1,
            Err(MessagingError::ReplayBusy) => busy += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!((done, replayed + busy), (1, 9));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    let ask = async |request| {
        let order = order(workspace, &instance, None);
        publish
            .publish(order, Some(&once(workspace, request)))
            .await
    };
    assert!(matches!(ask(2).await, Ok(Outcome::Replayed(_))));
    assert!(matches!(ask(3).await, Err(MessagingError::ReplayMismatch)));
    assert_eq!(counts(&stage.postgres, workspace).await, (0, 1, 0));
}

#[tokio::test]
async fn an_unknown_outcome_keeps_its_key_and_its_place_until_it_is_settled() {
    let stage = Stage::new().await;
    let (instance, workspace) = number(&stage, "lea@shop.test").await;
    let calls = Arc::default();
    let publish = publisher(&stage.postgres, gateway(&calls, false));
    let ask = |request| {
        let publish = Arc::clone(&publish);
        let order = order(workspace, &instance, None);
        async move {
            publish
                .publish(order, Some(&once(workspace, request)))
                .await
        }
    };
    assert!(matches!(ask(2).await, Err(MessagingError::Provider(_))));
    assert!(matches!(ask(2).await, Err(MessagingError::ReplayBusy)));
    assert!(matches!(ask(3).await, Err(MessagingError::ReplayMismatch)));
    assert_eq!(counts(&stage.postgres, workspace).await, (0, 0, 1));
    assert_exact(&stage.postgres).await;

    // Not yet, then once, and nobody else meanwhile.
    let status = due(&stage.postgres, NOW + Duration::seconds(4)).await;
    assert!(status.is_empty());
    let later = NOW + Duration::seconds(5);
    let mut found = due(&stage.postgres, later).await;
    assert!(due(&stage.postgres, later).await.is_empty());
    let status = found.pop().expect("due");
    assert_eq!(
        (status.state, status.lease_until),
        (StatusState::Pending, None)
    );
    let store = Arc::new(stage.postgres.clone());
    let settled = Settled::new(store, clock(), ANSWERS);
    let verdict = Verdict::Published(Some("3EB0".into()));
    for _ in 0..2 {
        let status = settled.record(&status, &verdict).await.expect("recorded");
        assert_eq!(status.state, StatusState::Published);
    }
    assert!(
        matches!(ask(2).await, Ok(Outcome::Replayed(answer)) if answer.body == status.id.to_string())
    );
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    assert_eq!(counts(&stage.postgres, workspace).await, (0, 1, 0));
    assert_exact(&stage.postgres).await;
}

/// Takes what is due, as the loop does.
async fn due(postgres: &Postgres, now: time::OffsetDateTime) -> Vec<Status> {
    let mut unit = StatusUnits::begin(postgres).await.expect("a unit");
    let until = now + Duration::MINUTE;
    let due = unit
        .statuses()
        .claim(now, until, 10)
        .await
        .expect("claimed");
    unit.commit().await.expect("committed");
    due
}

#[tokio::test]
async fn what_was_given_up_keeps_what_is_proven_later_and_costs_nothing() {
    let stage = Stage::new().await;
    let (instance, workspace) = number(&stage, "lea@shop.test").await;
    let calls = Arc::default();
    let publish = publisher(&stage.postgres, gateway(&calls, false));
    let unknown = publish
        .publish(order(workspace, &instance, None), None)
        .await;
    assert!(unknown.is_err());
    let status = due(&stage.postgres, NOW + Duration::MINUTE).await.remove(0);
    let settled = Settled::new(Arc::new(stage.postgres.clone()), clock(), ANSWERS);
    let timeout = ProviderError::Timeout;
    let gone = settled.record(&status, &Verdict::Failed(timeout)).await;
    assert_eq!(gone.expect("recorded").state, StatusState::Failed);
    let late = Verdict::Published(Some("3EB0".into()));
    let late = settled.record(&status, &late).await.expect("recorded");
    let expected = (StatusState::Failed, Some("3EB0"));
    assert_eq!((late.state, late.provider_message_id.as_deref()), expected);
    assert_eq!(counts(&stage.postgres, workspace).await, (0, 0, 0));
    assert_exact(&stage.postgres).await;
    let mut unit = StatusUnits::begin(&stage.postgres).await.expect("a unit");
    let statuses = unit.statuses();
    assert!(statuses.is_taken(instance.id, "3EB0").await.expect("read"));
    assert!(!statuses.is_taken(instance.id, "3EB1").await.expect("read"));
    assert!(
        statuses
            .under_way(instance.id, NOW)
            .await
            .expect("read")
            .is_empty()
    );
}

#[tokio::test]
async fn nothing_is_marked_after_a_team_is_deleted_a_key_revoked_or_an_instance_suspended() {
    let stage = Stage::new().await;
    let (team, instance, key) = team(&stage).await;
    let calls = Arc::default();
    let publish = publisher(&stage.postgres, gateway(&calls, true));
    publish
        .publish(order(team, &instance, key), None)
        .await
        .expect("published");

    // Nobody is in this team, so that only its key opens it.
    let nobody = publish.publish(order(team, &instance, None), None).await;
    assert!(matches!(nobody, Err(MessagingError::NotMember)));
    let session = stage.session().await;
    let set = async |status: &str| {
        let text = "UPDATE instances SET status = $1";
        session.execute(text, &[&status]).await.expect("set");
    };
    set("suspended").await;
    let refused = publish.publish(order(team, &instance, key), None).await;
    assert!(matches!(refused, Err(MessagingError::Suspended)));
    set("connected").await;
    let revoked = "UPDATE api_keys SET revoked_at = $1";
    session
        .execute(revoked, &[&Some(NOW)])
        .await
        .expect("revoked");
    let refused = publish.publish(order(team, &instance, key), None).await;
    assert!(matches!(refused, Err(MessagingError::KeyGone)));
    let back = None::<time::OffsetDateTime>;
    session
        .execute(revoked, &[&back])
        .await
        .expect("given back");

    stage.delete_team(team).await;
    for key in [key, None] {
        let refused = publish.publish(order(team, &instance, key), None).await;
        assert!(matches!(
            refused,
            Err(MessagingError::KeyGone | MessagingError::NotMember)
        ));
    }
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    assert_exact(&stage.postgres).await;
}

#[tokio::test]
async fn a_deletion_waits_for_a_mark_that_is_being_made() {
    let stage = Stage::new().await;
    let (team, instance, key) = team(&stage).await;
    let calls = Arc::default();
    let publish = publisher(&stage.postgres, gateway(&calls, false));
    assert!(
        publish
            .publish(order(team, &instance, key), None)
            .await
            .is_err()
    );
    let marked = due(&stage.postgres, NOW + Duration::MINUTE).await.remove(0);
    let mut unit = StatusUnits::begin(&stage.postgres).await.expect("a unit");
    unit.statuses().look(&marked, key, NOW).await.expect("held");
    let deletion = async {
        stage.delete_team(team).await;
    };
    let first = async {
        stage.until_somebody_waits().await;
        unit.commit().await.expect("committed");
    };
    tokio::join!(deletion, first);
}

#[tokio::test]
async fn pages_are_of_one_workspace_newest_first() {
    let stage = Stage::new().await;
    let (instance, workspace) = number(&stage, "lea@shop.test").await;
    let (other, elsewhere) = number(&stage, "max@shop.test").await;
    let calls = Arc::default();
    let publish = publisher(&stage.postgres, gateway(&calls, true));
    let mut ids = Vec::new();
    for _ in 0..5 {
        let Ok(Outcome::Done(status)) = publish
            .publish(order(workspace, &instance, None), None)
            .await
        else {
            panic!("it is published");
        };
        ids.insert(0, status.id);
    }
    publish
        .publish(order(elsewhere, &other, None), None)
        .await
        .expect("published");
    let removed = "UPDATE instances SET deleted_at = now()";
    let session = stage.session().await;
    session.execute(removed, &[]).await.expect("removed");
    let page = async |page, limit| {
        let found = stage.postgres.page(workspace.id, page, limit).await;
        let found = found.expect("read");
        assert_eq!(found.total, 5);
        let names = found.statuses.iter().map(|it| it.instance_name.as_deref());
        assert!(names.into_iter().all(|it| it == Some("Shop")));
        found
            .statuses
            .iter()
            .map(|it| it.status.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(page(1, 2).await, ids[..2]);
    assert_eq!(page(3, 2).await, ids[4..]);
    assert!(page(4, 2).await.is_empty());
    assert!(page(u32::MAX, 100).await.is_empty());
}

#[tokio::test]
async fn the_recount_sees_a_status_that_is_missing_and_one_too_many() {
    let stage = Stage::new().await;
    let (instance, workspace) = number(&stage, "lea@shop.test").await;
    let calls = Arc::default();
    let publish = publisher(&stage.postgres, gateway(&calls, true));
    let published = publish
        .publish(order(workspace, &instance, None), None)
        .await;
    published.expect("published");
    assert_exact(&stage.postgres).await;
    let session = stage.session().await;
    // A message counted for a status is a fault of both.
    let swapped = "UPDATE usage_settled SET messages = 1, statuses = 0";
    session.execute(swapped, &[]).await.expect("swapped");
    let months = ChargedIn::recounted(NOW);
    let found = stage.postgres.recount_accepted(&months).await;
    assert_eq!(found.expect("read").expect("its turn").drift, 2);
    let back = "UPDATE usage_settled SET messages = 0, statuses = 1";
    session.execute(back, &[]).await.expect("back");
    let open = "UPDATE statuses SET state = 'pending', look_at = now()";
    session.execute(open, &[]).await.expect("opened");
    let found = stage.postgres.recount().await.expect("read");
    assert_eq!(found.expect("its turn").drift, 1);
}

#[tokio::test]
async fn after_a_restore_an_open_call_is_looked_up_with_new_patience() {
    let stage = Stage::new().await;
    let (instance, workspace) = number(&stage, "lea@shop.test").await;
    let calls = Arc::default();
    for answers in [true, false] {
        let publish = publisher(&stage.postgres, gateway(&calls, answers));
        let done = publish
            .publish(order(workspace, &instance, None), None)
            .await;
        assert_eq!(done.is_ok(), answers);
    }
    let file = file_of(stage.url()).await;
    let empty = TestDatabase::empty().await;
    restore(empty.url(), "1.2.3", file.as_slice(), false)
        .await
        .expect("restored");
    let postgres = Postgres::new(empty.url(), 5).expect("an address");
    let row = stage.session().await;
    let row = row.query_one("SELECT clock_timestamp()", &[]).await;
    let now: time::OffsetDateTime = row.expect("a time").get(0);
    let due = due(&postgres, now).await;
    assert_eq!(due.len(), 1, "what was published stays so");
    assert!(due[0].waited_since > now - Duration::HOUR);
    assert_eq!((due[0].created_at, due[0].lease_until), (NOW, None));
    assert_exact(&postgres).await;
    assert_eq!(counts(&postgres, workspace).await, (0, 1, 1));
}
