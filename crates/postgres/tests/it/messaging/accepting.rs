//! Groups of messages from several processes at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use msgflash_accounts::User;
use msgflash_kernel::{Id, ReplayKey, StoreError, StoredAnswer, Workspace};
use msgflash_messaging::dispatch::QueueEntry;
use msgflash_messaging::dispatch::ports::{NoWake, QueueReader as _};
use msgflash_messaging::message::accept::{AcceptPorts, Accepted, Acceptor, Application, acceptor};
use msgflash_messaging::{InstanceId, MessagingError};
use msgflash_postgres::Postgres;
use msgflash_quotas::{KeyId, Period, UsageReader as _};
use tokio::task::JoinSet;

use super::sample::{entry, message, phone};
use crate::stage::{NOW, Stage, clock, fresh};

/// What a message of an account goes through.
struct Sender {
    user: User,
    key: KeyId,
    instance: InstanceId,
}

impl Sender {
    /// An account on a plan with this many messages a month, with a key and an instance.
    async fn new(stage: &Stage, email: &str, limit: i32) -> Self {
        let user = stage.user(email).await;
        let (key, _) = stage.key(Workspace::personal(user.id)).await;
        let instance: InstanceId = fresh();
        let session = stage.session().await;
        let account = user.id.to_string();
        session
            .execute(
                "INSERT INTO instances (id, account_id, name, session, webhook_secret, status, \
                   created_at, updated_at) \
                 VALUES ($1::text::uuid, $2::text::uuid, 'Shop', $1, 's', 'connected', now(), now())",
                &[&instance.to_string(), &account],
            )
            .await
            .expect("an instance");
        session
            .execute(
                "UPDATE plans SET monthly_outbound_quota = $1 WHERE id = \
                   (SELECT plan_id FROM subscriptions WHERE account_id = $2::text::uuid)",
                &[&limit, &account],
            )
            .await
            .expect("a limit");
        Self {
            user,
            key: Id::new(key.id.uuid()),
            instance,
        }
    }

    fn application(&self, n: u32) -> Application {
        let workspace = Workspace::personal(self.user.id);
        let message = message(workspace, self.instance, phone(n));
        let entry = QueueEntry {
            message: message.id,
            workspace: workspace.id,
            account: workspace.account,
            ..entry(self.instance, n)
        };
        Application {
            key: Some(self.key),
            message,
            entry,
            once: None,
        }
    }
}

/// A process that accepts messages.
fn process(postgres: &Postgres) -> Acceptor {
    let (acceptor, workers) = acceptor(2);
    for worker in workers {
        tokio::spawn(worker.run(AcceptPorts {
            units: Arc::new(postgres.clone()),
            clock: clock(),
            wake: Arc::new(NoWake),
        }));
    }
    acceptor
}

async fn all(
    processes: &[Acceptor],
    applications: Vec<Application>,
) -> Vec<Result<Accepted, MessagingError>> {
    let mut tasks = JoinSet::new();
    for (n, application) in applications.into_iter().enumerate() {
        let acceptor = processes[n % processes.len()].clone();
        tasks.spawn(async move { acceptor.join(application).await });
    }
    tasks.join_all().await
}

async fn reserved(stage: &Stage, sender: &Sender) -> u64 {
    let usage = stage
        .postgres
        .usage(Workspace::personal(sender.user.id).account, Period::of(NOW))
        .await
        .expect("read");
    usage.reserved
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_at_the_edge_of_ten_are_exactly_ten() {
    let stage = Stage::new().await;
    let sender = Sender::new(&stage, "a@example.com", 10).await;
    let processes = [process(&stage.pool(4)), process(&stage.pool(4))];
    let applications = (0..50).map(|n| sender.application(n)).collect();
    let answers = all(&processes, applications).await;
    let accepted = answers.iter().filter(|it| it.is_ok()).count();
    let refused = |it: &&Result<_, _>| matches!(it, Err(MessagingError::Quota(_)));
    assert_eq!(accepted, 10, "{answers:?}");
    assert_eq!(answers.iter().filter(refused).count(), 40, "{answers:?}");
    assert_eq!(reserved(&stage, &sender).await, 10);
    let depth = stage.postgres.depth().await.expect("read");
    assert_eq!(depth.iter().map(|share| share.count).sum::<u64>(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_in_two_processes_is_one_message_and_one_answer() {
    let stage = Stage::new().await;
    let sender = Sender::new(&stage, "a@example.com", 100).await;
    let processes = [process(&stage.pool(4)), process(&stage.pool(4))];
    let repeated = |n: u32| {
        let key = ReplayKey {
            workspace: Workspace::personal(sender.user.id).id,
            route: "POST /api/v1/messages/send",
            key: [7; 32],
            request: [8; 32],
        };
        let answer = StoredAnswer {
            status: 201,
            body: n.to_string(),
        };
        Application {
            once: Some((key, answer)),
            ..sender.application(n)
        }
    };
    let answers = all(&processes, (0..20).map(repeated).collect()).await;
    let now = |it: &&Result<Accepted, _>| matches!(it, Ok(Accepted::Now));
    assert_eq!(answers.iter().filter(now).count(), 1, "{answers:?}");
    let bodies: std::collections::HashSet<_> = answers
        .iter()
        .filter_map(|it| match it {
            Ok(Accepted::Before(answer)) => Some(answer.body.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(bodies.len(), 1, "{answers:?}");
    assert_eq!(reserved(&stage, &sender).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_refuses_spoils_no_other_message() {
    let stage = Stage::new().await;
    let sender = Sender::new(&stage, "a@example.com", 100).await;
    let processes = [process(&stage.postgres)];
    let mut applications: Vec<_> = (0..9).map(|n| sender.application(n)).collect();
    applications[4].message.body = Some("a NUL \0 in it".to_owned());
    let answers = all(&processes, applications).await;
    assert_eq!(answers.iter().filter(|it| it.is_ok()).count(), 8);
    assert_eq!(reserved(&stage, &sender).await, 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_instances_and_subscriptions_are_looked_at_under_the_lock() {
    let stage = Stage::new().await;
    let processes = [process(&stage.postgres)];
    let spoils = [
        ("UPDATE api_keys SET revoked_at = now()", "UNAUTHORIZED"),
        ("UPDATE users SET suspended_at = now()", "UNAUTHORIZED"),
        (
            "UPDATE subscriptions SET status = 'expired'",
            "SUBSCRIPTION_INACTIVE",
        ),
        ("UPDATE instances SET status = 'suspended'", "FORBIDDEN"),
        ("UPDATE instances SET deleted_at = now()", "NOT_FOUND"),
        (
            "INSERT INTO suppressions (workspace_id, phone, source, created_at) \
             SELECT account_id, 33612300001, 'manual', now() FROM instances",
            "RECIPIENT_OPTED_OUT",
        ),
    ];
    for (n, (spoil, code)) in spoils.into_iter().enumerate() {
        let sender = Sender::new(&stage, &format!("{n}@example.com"), 100).await;
        let application = sender.application(1);
        let session = stage.session().await;
        session.execute(spoil, &[]).await.expect("spoiled");
        let answers = all(&processes, vec![application]).await;
        let error = answers[0].as_ref().expect_err(spoil);
        assert_eq!(msgflash_kernel::Fault::code(error), code, "{spoil}");
        assert_eq!(reserved(&stage, &sender).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_held_elsewhere_holds_up_no_other() {
    let stage = Stage::new().await;
    let held = Sender::new(&stage, "a@example.com", 100).await;
    let mut free = Sender::new(&stage, "b@example.com", 100).await;
    // Two workers divide the accounts by their ids; these two share one.
    let worker = |sender: &Sender| sender.user.id.uuid().as_u128() % 2;
    for n in 0.. {
        if worker(&free) == worker(&held) {
            break;
        }
        free = Sender::new(&stage, &format!("{n}@example.com"), 100).await;
    }
    let processes = [process(&stage.postgres)];
    // Makes the rows.
    let first = vec![held.application(1), free.application(1)];
    assert!(all(&processes, first).await.iter().all(Result::is_ok));
    let mut session = stage.session().await;
    let holding = session.transaction().await.expect("a transaction");
    let account = held.user.id.to_string();
    let lock = "SELECT 1 FROM usage_holds WHERE account_id = $1::text::uuid FOR UPDATE";
    holding.execute(lock, &[&account]).await.expect("held");
    let waiting = {
        let (acceptor, application) = (processes[0].clone(), held.application(2));
        tokio::spawn(async move { acceptor.join(application).await })
    };
    let other = all(&processes, vec![free.application(2)]).await;
    assert!(other[0].is_ok(), "{other:?}");
    holding.commit().await.expect("let go");
    assert!(waiting.await.expect("no panic").is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_requests_on_both_sides_of_a_month_are_one_message() {
    let stage = Stage::new().await;
    let sender = Sender::new(&stage, "one@example.com", 1000).await;
    let processes = [process(&stage.pool(4)), process(&stage.pool(4))];
    let last = time::macros::datetime!(2026-04-30 23:59:59.999 UTC);
    let first = time::macros::datetime!(2026-05-01 00:00 UTC);
    let mut twice = 0;
    for n in 0..20_u8 {
        let once = ReplayKey {
            workspace: Workspace::personal(sender.user.id).id,
            route: "POST /api/v1/messages/send",
            key: [n; 32],
            request: [9; 32],
        };
        let made = |at: time::OffsetDateTime| {
            let mut it = sender.application(u32::from(n));
            it.message.created_at = at;
            it.entry.period = Some(Period::of(at));
            let answer = StoredAnswer {
                status: 201,
                body: it.message.id.to_string(),
            };
            it.once = Some((once.clone(), answer));
            it
        };
        let answers = all(&processes, vec![made(last), made(first)]).await;
        let now = answers
            .iter()
            .filter(|it| matches!(it, Ok(Accepted::Now)))
            .count();
        twice += usize::from(now == 2);
    }
    assert_eq!(twice, 0, "of 20 keys, so many made two messages");
}

/// The statements of a group go to the database together, and behind one that fails the others only say
/// that the transaction is lost. On a busy thread all their answers are there when the group looks.
#[tokio::test]
async fn a_full_disk_is_what_a_group_says_it_failed_of() {
    let stage = Stage::new().await;
    let sender = Sender::new(&stage, "one@example.com", 100).await;
    let processes = [process(&stage.postgres)];
    // The row that counts it is there from now on.
    let answer = all(&processes, vec![sender.application(0)]).await;
    assert!(answer[0].is_ok(), "{answer:?}");
    let session = stage.session().await;
    let full = "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS \
           'BEGIN RAISE EXCEPTION ''could not extend file: No space left on device''; END'; \
         CREATE TRIGGER full_disk BEFORE UPDATE ON usage_holds FOR EACH ROW \
           EXECUTE FUNCTION full_disk()";
    session.batch_execute(full).await.expect("a trigger");
    let busy = tokio::spawn(async {
        loop {
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_millis(2) {
                std::hint::spin_loop();
            }
            tokio::task::yield_now().await;
        }
    });
    for n in 1..5 {
        let answer = all(&processes, vec![sender.application(n)]).await;
        let is_away = matches!(
            answer[..],
            [Err(MessagingError::Store(StoreError::Unavailable(_)))]
        );
        assert!(is_away, "{answer:?}");
    }
    busy.abort();
    session
        .batch_execute("DROP TRIGGER full_disk ON usage_holds")
        .await
        .expect("there is room again");
    let answer = all(&processes, vec![sender.application(1)]).await;
    assert!(answer[0].is_ok(), "{answer:?}");
    assert_eq!(reserved(&stage, &sender).await, 2);
}
