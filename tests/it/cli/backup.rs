//! `backup` and `restore`.

use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;

use blackbox::Stack;
use msgflash_testkit::TestDatabase;
use serde_json::{Value, json};

use super::{FAILED, NOT_FOUND, Shell, UNAVAILABLE, USAGE};

/// Whatever is in a directory.
fn files(shell: &Shell) -> Vec<String> {
    let entries = std::fs::read_dir(&shell.dir).expect("a directory");
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        let name = entry.expect("an entry").file_name();
        name.into_string().expect("UTF-8")
    };
    entries.map(name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_one_private_file_and_goes_into_an_empty_database() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let shell = Shell::of(&stack);
    // One that is there is replaced.
    let file = shell.write("my.backup", "of yesterday");
    let done = shell.json(&["backup", "my.backup"]).await;
    assert_eq!(files(&shell), ["my.backup"], "nothing else is left behind");
    let found = std::fs::metadata(&file).expect("there");
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    assert_eq!(done["bytes"], json!(found.len()));
    assert_eq!(done["file"], "my.backup");

    let empty = TestDatabase::empty().await;
    let other = Shell::bare().with("DATABASE_URL", empty.url());
    let told = other.json(&["restore", &file]).await;
    assert_eq!((&told["rows"], &told["at"]), (&done["rows"], &done["at"]));
    assert_eq!(told["madeBy"], env!("CARGO_PKG_VERSION"));
    assert_eq!(told["queue"], json!({ "doubtful": 0, "waiting": 0 }));
    assert_eq!(told["migrated"], json!([]));
    let user = account.user.to_string();
    let keys = other.json(&["key", "list", "--user", &user]).await;
    assert_eq!(keys[0]["id"], account.key_id);

    let again = other.run(&["restore", &file]).await;
    assert_eq!(again.code, FAILED);
    assert!(again.err.contains("is not empty"), "{again:?}");
    assert!(again.err.contains("--revert-all"), "{again:?}");
    let conflict = other.failure(&["restore", &file]).await;
    assert_eq!(conflict, (FAILED, "CONFLICT".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_goes_through_pipes() {
    let stack = Stack::start().await;
    stack.account("free").await;
    let shell = Shell::of(&stack);
    let piped = shell.command(&["backup", "-"]).output().await.expect("run");
    assert!(piped.status.success(), "{piped:?}");
    assert!(piped.stdout.starts_with(&[0x1f, 0x8b]), "nothing but gzip");
    std::fs::write(shell.dir.join("piped"), piped.stdout).expect("written");

    let empty = TestDatabase::empty().await;
    let other = Shell::bare().with("DATABASE_URL", empty.url());
    let mut restore = other.command(&["restore", "-"]);
    restore.stdin(File::open(shell.dir.join("piped")).expect("there"));
    let restored = restore.output().await.expect("run");
    assert!(restored.status.success(), "{restored:?}");
    let said = String::from_utf8(restored.stdout).expect("UTF-8");
    assert!(said.starts_with("Restored "), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_told_and_leaves_nothing() {
    let empty = TestDatabase::empty().await;
    let shell = Shell::bare().with("DATABASE_URL", empty.url());
    let nothing = shell.failure(&["backup", "my.backup"]).await;
    assert_eq!(nothing, (NOT_FOUND, "NOT_FOUND".to_owned()));
    assert_eq!(files(&shell), [""; 0]);
    let nowhere = shell.failure(&["backup", "no/such/place"]).await.0;
    assert_eq!(nowhere, FAILED);
    let absent = shell.failure(&["restore", "no-such-file"]).await.0;
    assert_eq!(absent, FAILED);
    let other = shell.write("other", "something else");
    let other = shell.failure(&["restore", &other]).await;
    assert_eq!(other, (FAILED, "BAD_REQUEST".to_owned()));
    assert_eq!(shell.run(&["backup"]).await.code, USAGE);
    assert_eq!(shell.run(&["restore"]).await.code, USAGE);

    let away = Shell::bare().with("DATABASE_URL", "postgres://127.0.0.1:1/nothing");
    for command in ["backup", "restore"] {
        let file = away.write("file", "");
        let (code, name) = away.failure(&[command, &file]).await;
        assert_eq!((code, name.as_str()), (UNAVAILABLE, "SERVICE_UNAVAILABLE"));
        assert_eq!(files(&away), ["file"]);
    }
    // The database is as empty as before, and takes a whole backup.
    let pending = shell.json(&["config", "check"]).await["pendingMigrations"].clone();
    assert!(
        pending.as_array().is_some_and(|it| !it.is_empty()),
        "{pending}"
    );
    assert_ne!(pending, Value::Null);
}
