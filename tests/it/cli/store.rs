//! `migrate` and `openapi`.

use blackbox::Stack;
use msgflash_testkit::TestDatabase;
use serde_json::{Value, json};

use super::Shell;

#[tokio::test(flavor = "multi_thread")]
async fn migrations_go_up_down_and_up_again() {
    let database = TestDatabase::empty().await;
    let shell = Shell::bare().with("DATABASE_URL", database.url());
    let pending = shell.json(&["config", "check"]).await;
    let names = pending["pendingMigrations"]
        .as_array()
        .expect("names")
        .clone();
    assert!(names.len() >= 4, "{pending}");
    assert_eq!(pending["gateway"], Value::Null);
    let applied = shell.json(&["migrate"]).await;
    assert_eq!(applied["applied"], json!(names));
    let again = shell.run(&["migrate"]).await;
    assert!(
        again.code == 0 && again.out.contains("up to date"),
        "{again:?}"
    );
    assert_eq!(shell.json(&["migrate"]).await["applied"], json!([]));
    let back = shell.json(&["migrate", "--revert-all"]).await;
    let reversed: Vec<_> = names.iter().rev().cloned().collect();
    assert_eq!(back["reverted"], json!(reversed), "newest first");
    let (client, connection) = tokio_postgres::connect(database.url(), tokio_postgres::NoTls)
        .await
        .expect("the database");
    tokio::spawn(connection);
    let left = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE '%migrations'";
    assert_eq!(
        client
            .query_one(left, &[])
            .await
            .expect("a row")
            .get::<_, i64>(0),
        0
    );
    let up = shell.run(&["migrate"]).await;
    assert!(up.code == 0 && up.out.starts_with("applied: "), "{up:?}");
    let make = [
        "user",
        "create",
        "--email",
        "a@example.com",
        "--password",
        "correct-horse",
        "--name",
        "Ada L",
    ];
    assert_eq!(shell.run(&make).await.code, 0, "and works");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_document_is_the_served_one() {
    let stack = Stack::start().await;
    let mut served = stack.anonymous().get("/openapi.json").await.json;
    // Which server it is depends on where it runs.
    served.as_object_mut().expect("members").remove("servers");
    for args in [&["openapi"][..], &["openapi", "--json"]] {
        let said = Shell::bare().run(args).await;
        let mut printed = said.json();
        printed.as_object_mut().expect("members").remove("servers");
        assert_eq!(printed, served);
    }
}
