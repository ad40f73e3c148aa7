//! Everything in one file, and back.

use std::io::{self, Write};
use std::sync::mpsc;

use msgflash_kernel::Workspace;
use msgflash_postgres::{BackupError, Restored, back_up, migrate, pending_migrations, restore};
use msgflash_testkit::TestDatabase;
use tokio_postgres::{Client, NoTls};

use crate::stage::Stage;

const VERSION: &str = "1.2.3";

pub(crate) async fn session_of(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .expect("a session");
    drop(tokio::spawn(connection));
    client
}

pub(crate) async fn file_of(url: &str) -> Vec<u8> {
    let (_, file) = back_up(url, VERSION, Vec::new()).await.expect("backed up");
    file
}

async fn restored(url: &str, file: &[u8]) -> Result<Restored, BackupError> {
    restore(url, VERSION, file, false).await
}

/// Every table with its rows as text, but those that a restore changes on purpose.
async fn contents(url: &str) -> Vec<(String, Vec<String>)> {
    let client = session_of(url).await;
    let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' \
                  AND tablename NOT LIKE '\\_\\_%' ORDER BY 1";
    let mut all = Vec::new();
    for table in client.query(tables, &[]).await.expect("tables") {
        let table: String = table.get(0);
        let rows = format!("SELECT t::text FROM {table} t ORDER BY 1");
        let rows = client.query(&rows, &[]).await.expect("rows");
        all.push((table, rows.iter().map(|row| row.get(0)).collect()));
    }
    all
}

async fn tables(url: &str) -> i64 {
    let there = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace";
    let client = session_of(url).await;
    client.query_one(there, &[]).await.expect("a count").get(0)
}

/// Rows with whatever a text could stumble over.
const ODD: &str = r#"
    INSERT INTO contacts VALUES
      ('00000000-0000-7000-8000-000000000001', gen_random_uuid(), gen_random_uuid(),
       E'tab\t new\nline back\\slash \\. \\N "quoted" 👋 é', 33612345678,
       ARRAY['a', 'b,c', '{}', '', NULL, E'd\n'], '{"a": [1, null, "\\u0009"], "b": 1e30}',
       'key', 'needle', '2026-05-20 10:00:00.123456+02', 'infinity'),
      ('00000000-0000-7000-8000-000000000002', gen_random_uuid(), gen_random_uuid(),
       '', -1, '{}', NULL, '', '', '-infinity', '0044-03-15 12:00 BC');
    INSERT INTO contacts SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(),
      'many ' || n, n, '{}', NULL, '', '', now(), now() FROM generate_series(1, 3000) n;
    INSERT INTO idempotency_keys VALUES (gen_random_uuid(), 'send', '\x00ff5c0a', '\x', 201,
      E'{"data":"\n"}', now());
    INSERT INTO events VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'message.sent',
      E'{"z":1,  "a" : "kept as it is\\n"}', NULL, now());
    INSERT INTO messages (workspace_id, id, account_id, acting_user_id, instance_id, inbound, kind,
        peer, body, status, meta, created_at, updated_at)
      VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(),
        gen_random_uuid(), false, 'text', NULL, repeat(E'long \\ ', 100000), 1, '{}', now(), now());
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_database_has_the_rows_of_the_one_that_was_backed_up() {
    let stage = Stage::new().await;
    let owner = stage.user("owner@example.test").await;
    let team = stage.team(&owner).await;
    stage.key(Workspace::personal(owner.id)).await;
    stage.key(Workspace::team(team, owner.id)).await;
    let session = stage.session().await;
    session.batch_execute(ODD).await.expect("inserted");
    session
        .execute("UPDATE plans SET name = 'Ours' WHERE code = 'free'", &[])
        .await
        .expect("changed");

    let (done, file) = back_up(stage.url(), VERSION, Vec::new())
        .await
        .expect("backed up");
    let empty = TestDatabase::empty().await;
    let told = restored(empty.url(), &file).await.expect("restored");

    let before = contents(stage.url()).await;
    assert_eq!(before, contents(empty.url()).await);
    let count: usize = before.iter().map(|(_, rows)| rows.len()).sum();
    assert_eq!(done.rows, count as u64);
    assert_eq!((told.rows, told.tables), (done.rows, done.tables));
    assert_eq!(told.tables, before.len(), "no table is forgotten");
    assert_eq!((told.at, told.made_by.as_str()), (done.at, VERSION));
    assert_eq!(told.migrated, Vec::<String>::new());
    assert_eq!(
        pending_migrations(empty.url()).await.expect("read"),
        [""; 0]
    );
    // Keys between tables hold again.
    let orphan = "INSERT INTO subscriptions SELECT gen_random_uuid(), gen_random_uuid(), id, \
                  'active', 'none', now(), NULL, false, NULL, NULL, NULL, NULL, now(), now() \
                  FROM plans LIMIT 1";
    let refused = session_of(empty.url()).await.execute(orphan, &[]).await;
    let refused = refused.expect_err("no such account");
    let refused = refused.as_db_error().expect("told by the server").clone();
    assert_eq!(refused.constraint(), Some("subscriptions_account_id_fkey"));
}

/// Numbers that count on their own would begin again after a restore.
#[tokio::test]
async fn no_table_counts_with_a_sequence() {
    let stage = Stage::new().await;
    let counting = "SELECT count(*) FROM pg_class WHERE relkind = 'S'";
    let counting = stage.session().await.query_one(counting, &[]).await;
    assert_eq!(counting.expect("a count").get::<_, i64>(0), 0);
}

/// Where a backup goes; stops before its first byte until somebody lets it go on.
struct Gate {
    begun: Option<mpsc::Sender<()>>,
    go: mpsc::Receiver<()>,
    file: Vec<u8>,
}

impl Write for Gate {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(begun) = self.begun.take() {
            begun.send(()).expect("somebody waits");
            self.go.recv().expect("somebody lets it go on");
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_shows_one_moment_while_others_write() {
    let stage = Stage::new().await;
    let owner = stage.user("owner@example.test").await;
    stage.key(Workspace::personal(owner.id)).await;
    let before = contents(stage.url()).await;
    let ((begun, has_begun), (go, may_go)) = (mpsc::channel(), mpsc::channel());
    let gate = Gate {
        begun: Some(begun),
        go: may_go,
        file: Vec::new(),
    };
    let url = stage.url().to_owned();
    let backup = tokio::spawn(async move { back_up(&url, VERSION, gate).await });
    tokio::task::block_in_place(|| has_begun.recv()).expect("it begins");

    // Tables that are read later change with those that are read before.
    let other = stage.user("other@example.test").await;
    stage.key(Workspace::personal(other.id)).await;
    let session = stage.session().await;
    let changes = "DELETE FROM api_keys; UPDATE plans SET name = 'Changed'; \
                   INSERT INTO workers VALUES (gen_random_uuid(), now()); \
                   DELETE FROM receipt_looks";
    session.batch_execute(changes).await.expect("changed");
    go.send(()).expect("it waits");
    let (_, gate) = backup.await.expect("no panic").expect("backed up");

    let empty = TestDatabase::empty().await;
    restored(empty.url(), &gate.file).await.expect("restored");
    assert_eq!(before, contents(empty.url()).await);
}

#[tokio::test]
async fn of_a_damaged_backup_nothing_is_restored() {
    let stage = Stage::new().await;
    stage.user("owner@example.test").await;
    let session = stage.session().await;
    session.batch_execute(ODD).await.expect("inserted");
    let file = file_of(stage.url()).await;
    let empty = TestDatabase::empty().await;
    let mut changed = file.clone();
    changed[file.len() / 2] ^= 1;
    for damaged in [&file[..file.len() / 2], &file[..file.len() - 1], &changed] {
        let refused = restored(empty.url(), damaged).await.expect_err("damaged");
        assert!(matches!(refused, BackupError::Damaged(_)), "{refused}");
        assert_eq!(tables(empty.url()).await, 0, "nothing is left behind");
    }
    restored(empty.url(), &file).await.expect("restored");
}

#[tokio::test]
async fn what_the_database_refuses_leaves_it_empty() {
    let stage = Stage::new().await;
    let session = stage.session().await;
    // Such a row is possible only here.
    let changes = "ALTER TABLE queue DROP CONSTRAINT queue_state_check; \
                   INSERT INTO queue (instance_id, message_id, workspace_id, account_id, phone, class, \
                     state, due_at, not_before) \
                   VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), \
                     gen_random_uuid(), 1, 0, 99, now(), now())";
    session.batch_execute(changes).await.expect("inserted");
    let file = file_of(stage.url()).await;
    let empty = TestDatabase::empty().await;
    let refused = restored(empty.url(), &file).await.expect_err("a state");
    let BackupError::Refused(told) = refused else {
        panic!("{refused}");
    };
    assert!(told.contains("queue_state_check"), "{told}");
    assert_eq!(tables(empty.url()).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_empty_is_refused_and_left_alone() {
    let stage = Stage::new().await;
    let file = file_of(stage.url()).await;
    let full = Stage::new().await;
    full.user("somebody@example.test").await;
    let before = contents(full.url()).await;
    let refused = restored(full.url(), &file).await.expect_err("not empty");
    assert!(matches!(refused, BackupError::NotEmpty(_)), "{refused}");
    assert!(refused.to_string().contains("api_keys"), "{refused}");
    assert_eq!(before, contents(full.url()).await);

    let strange = TestDatabase::empty().await;
    let make = "CREATE VIEW somebodys AS SELECT 1";
    session_of(strange.url())
        .await
        .batch_execute(make)
        .await
        .expect("made");
    let refused = restored(strange.url(), &file).await.expect_err("not empty");
    assert!(refused.to_string().contains("somebodys"), "{refused}");

    // As the message says.
    msgflash_postgres::revert_all(full.url())
        .await
        .expect("reverted");
    restored(full.url(), &file).await.expect("restored");
}

/// The migrations with their own text, in order.
fn steps() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
    let steps = std::fs::read_dir(folder).expect("the migrations");
    let mut steps: Vec<_> = steps
        .map(|step| step.expect("an entry").path())
        .filter(|step| step.is_dir())
        .map(|step| {
            let name = step.file_name().expect("a name").to_str().expect("UTF-8");
            let up = std::fs::read_to_string(step.join("up.sql")).expect("a step");
            (name.to_owned(), up)
        })
        .collect();
    steps.sort();
    steps
}

/// Those up to and with the one named.
fn steps_to(last: &str) -> Vec<(String, String)> {
    let mut steps = steps();
    let end = steps.iter().position(|(name, _)| name.ends_with(last));
    steps.truncate(end.expect("such a step") + 1);
    steps
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_an_older_version_is_brought_up_to_date() {
    let old = TestDatabase::empty().await;
    let client = session_of(old.url()).await;
    let table = "CREATE TABLE __diesel_schema_migrations (version varchar(50) PRIMARY KEY, \
                 run_on timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP)";
    client.batch_execute(table).await.expect("made");
    for (name, up) in steps_to("seed_plans") {
        client.batch_execute(&up).await.expect("applied");
        let version = name.split('_').next().expect("a version");
        let note = "INSERT INTO __diesel_schema_migrations VALUES ($1)";
        client.execute(note, &[&version]).await.expect("noted");
    }
    let changes = "DELETE FROM plans WHERE code = 'plus'; \
                   INSERT INTO users VALUES (gen_random_uuid(), 'old@example.test', 'Old', NULL, '', \
                     NULL, NULL, NULL, NULL, now(), now())";
    client.batch_execute(changes).await.expect("changed");
    let file = file_of(old.url()).await;

    let empty = TestDatabase::empty().await;
    let told = restored(empty.url(), &file).await.expect("restored");
    let known = steps_to("seed_plans").len();
    let all = steps().into_iter().map(|(name, _)| name);
    assert_eq!(told.migrated, all.skip(known).collect::<Vec<_>>());
    assert_eq!(
        pending_migrations(empty.url()).await.expect("read"),
        [""; 0]
    );
    assert!(migrate(empty.url()).await.expect("migrated").is_empty());
    let now = contents(empty.url()).await;
    for (table, rows) in contents(old.url()).await {
        assert!(now.contains(&(table.clone(), rows)), "{table}");
    }
}

#[tokio::test]
async fn a_backup_of_a_newer_version_is_refused_with_its_name() {
    let newer = Stage::new().await;
    let note = "INSERT INTO __diesel_schema_migrations VALUES ('99990101000000')";
    let session = newer.session().await;
    session.execute(note, &[]).await.expect("noted");
    let (_, file) = back_up(newer.url(), "9.8.7", Vec::new())
        .await
        .expect("backed up");
    let empty = TestDatabase::empty().await;
    let refused = restored(empty.url(), &file).await.expect_err("newer");
    let told = refused.to_string();
    assert!(told.contains("MsgFlash 9.8.7"), "{told}");
    assert!(told.contains("99990101000000"), "{told}");
    assert_eq!(tables(empty.url()).await, 0);
}

#[tokio::test]
async fn tables_of_others_are_left_out_and_named() {
    let stage = Stage::new().await;
    let theirs = "CREATE TABLE theirs (n integer GENERATED ALWAYS AS IDENTITY, twice integer \
                    GENERATED ALWAYS AS (1 + 1) STORED); \
                  INSERT INTO theirs DEFAULT VALUES";
    let session = stage.session().await;
    session.batch_execute(theirs).await.expect("made");
    let file = file_of(stage.url()).await;
    let empty = TestDatabase::empty().await;
    let told = restored(empty.url(), &file).await.expect("restored");
    assert_eq!(told.left_out, ["theirs"]);
}

#[tokio::test]
async fn where_nothing_of_ours_is_there_is_nothing_to_back_up() {
    let empty = TestDatabase::empty().await;
    let refused = back_up(empty.url(), VERSION, Vec::new()).await;
    assert!(matches!(refused, Err(BackupError::Nothing)));
    let nowhere = back_up("postgres://127.0.0.1:1/nothing", VERSION, Vec::new()).await;
    assert!(matches!(nowhere, Err(BackupError::Away(_))));
}
