//! What the program teaches about itself.

use super::{Shell, USAGE};

const COMMANDS: [&[&str]; 23] = [
    &["serve"],
    &["demo"],
    &["migrate"],
    &["backup"],
    &["restore"],
    &["openapi"],
    &["config"],
    &["config", "check"],
    &["config", "print"],
    &["user"],
    &["user", "create"],
    &["user", "set-plan"],
    &["plans", "check"],
    &["plans", "list"],
    &["billing", "pending"],
    &["billing", "confirm"],
    &["billing", "events"],
    &["key", "create"],
    &["key", "list"],
    &["key", "revoke"],
    &["instance", "create"],
    &["instance", "connect"],
    &["instance", "list"],
];

#[tokio::test]
async fn every_command_explains_itself_without_any_setting() {
    let shell = Shell::bare().with("MSGFLASH_NONSENSE", "1");
    for command in COMMANDS {
        let said = shell.run(&[command, &["--help"]].concat()).await;
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{command:?}");
        assert!(
            said.out.contains("Usage: msgflash"),
            "{command:?}: {}",
            said.out
        );
        let first = said.out.lines().next().unwrap_or_default();
        assert!(
            first.split(' ').count() >= 3,
            "{command:?} begins with {first:?}"
        );
        // Every argument has a sentence of its own.
        for line in said
            .out
            .lines()
            .filter(|line| line.trim_start().starts_with("--"))
        {
            let told = line
                .trim()
                .split_once("  ")
                .map(|(_, told)| told.trim().len());
            assert!(told.is_none_or(|length| length > 5), "{command:?}: {line}");
        }
        assert!(said.out.contains("--json"), "{command:?}");
    }
    let all = shell.run(&["--help"]).await;
    for word in [
        "serve",
        "demo",
        "migrate",
        "backup",
        "restore",
        "openapi",
        "config",
        "user",
        "plans",
        "billing",
        "key",
        "instance",
        "Exit codes",
        "scan the QR",
    ] {
        assert!(all.out.contains(word), "--help does not mention {word}");
    }
    let version = shell.run(&["--version"]).await;
    assert_eq!(
        version.out,
        format!("msgflash {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[tokio::test]
async fn a_wrong_command_line_is_2_and_told_before_anything_is_opened() {
    let shell = Shell::bare().with("DATABASE_URL", "postgres://127.0.0.1:1/nothing");
    let wrong: [&[&str]; 17] = [
        &[],
        &["sned"],
        &["user"],
        &["user", "create"],
        &["user", "create", "--email", "a@example.com"],
        &["user", "set-plan", "--user", "a"],
        &["plans", "check"],
        &["billing", "confirm", "--user", "a", "--plan", "pro"],
        &["billing", "events", "--limit", "0"],
        &["key", "create", "--user", "a"],
        &["key", "revoke", "--user", "a"],
        &["instance", "connect"],
        &["instance", "list"],
        &["migrate", "--down"],
        &["serve", "extra"],
        &["--set", "pace_ms", "config", "print"],
        &["config", "print", "--json=yes"],
    ];
    for args in wrong {
        let said = shell.run(args).await;
        assert_eq!(said.code, USAGE, "{args:?}: {said:?}");
        assert!(said.out.is_empty(), "{args:?}: {said:?}");
        assert!(
            said.err.contains("--help") || said.err.contains("Usage"),
            "{args:?}: {said:?}"
        );
    }
    let near = shell.run(&["instence", "list"]).await;
    assert!(
        near.err.contains("instance"),
        "a near miss is helped: {near:?}"
    );
}
