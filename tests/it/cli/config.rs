//! Settings: where they come from, what is refused, what is hidden.

use blackbox::Stack;

use super::{CONFIG, Shell, UNAVAILABLE};

#[tokio::test]
async fn names_nobody_knows_are_refused_with_a_hint() {
    let misspelt = Shell::bare()
        .with("MSGFLASH_PACE", "5")
        .run(&["config", "print"])
        .await;
    assert_eq!(misspelt.code, CONFIG, "{misspelt:?}");
    assert!(
        misspelt.err.contains("MSGFLASH_PACE") && misspelt.err.contains("MSGFLASH_PACE_MS"),
        "{misspelt:?}"
    );
    let strange = Shell::bare()
        .with("MSGFLASH_NONSENSE", "5")
        .failure(&["config", "print"])
        .await;
    assert_eq!(strange, (CONFIG, "CONFIG_INVALID".to_owned()));
    let flag = Shell::bare()
        .run(&["config", "print", "--set", "nonsense=1"])
        .await;
    assert_eq!(flag.code, CONFIG, "{flag:?}");
    assert!(flag.err.contains("nonsense"), "{flag:?}");

    let shell = Shell::bare();
    shell.write("msgflash.toml", "pace_ms = 5\npaec_ms = 6\n");
    let file = shell.run(&["config", "print"]).await;
    assert_eq!(file.code, CONFIG, "{file:?}");
    assert!(file.err.contains("paec_ms"), "{file:?}");
    let shell = Shell::bare();
    shell.write("msgflash.toml", "pace_ms = \n");
    assert_eq!(
        shell.run(&["config", "print"]).await.code,
        CONFIG,
        "no TOML"
    );
    let missing = Shell::bare()
        .run(&["config", "print", "--config", "elsewhere.toml"])
        .await;
    assert_eq!(missing.code, CONFIG, "{missing:?}");
    assert!(missing.err.contains("elsewhere.toml"), "{missing:?}");
}

#[tokio::test]
async fn values_that_make_no_sense_are_refused_by_name() {
    let bad = [
        ("MSGFLASH_BIND", "localhost"),
        ("MSGFLASH_BIND", "127.0.0.1:99999"),
        ("MSGFLASH_PUBLIC_URL", "nowhere"),
        ("MSGFLASH_PUBLIC_URL", "ftp://a.example"),
        ("MSGFLASH_CALLBACK_URL", "/callback"),
        ("MSGFLASH_ROLES", "api,chef"),
        ("MSGFLASH_ROLES", ","),
        ("MSGFLASH_SMTP_URL", "smtps://mail.shop.test"),
        ("MSGFLASH_PORTAL_URL", "nowhere"),
        ("MSGFLASH_BILLING_PROVIDER", "barter"),
        ("MSGFLASH_BILLING_PROVIDER", "dodo"),
        ("MSGFLASH_BILLING_CATALOGUE", "nowhere.toml"),
        ("MSGFLASH_DODO_API_KEY", "key"),
        ("MSGFLASH_STRIPE_WEBHOOK_SECRET", "whsec_key"),
        ("MSGFLASH_CONSOLE_RATE_LIMIT_PER_SECOND", "0"),
        ("MSGFLASH_EVOLUTION_URL", "http://127.0.0.1:1"),
        ("MSGFLASH_EVOLUTION_API_KEY", "key"),
        ("MSGFLASH_ALLOW_PRIVATE_TARGETS", "perhaps"),
        ("MSGFLASH_RATE_LIMIT_PER_SECOND", "0"),
        ("MSGFLASH_RATE_LIMIT_PER_SECOND", "-1"),
        ("MSGFLASH_PACE_MS", "fast"),
        ("MSGFLASH_PACE_MS", "1.5"),
        ("MSGFLASH_SEND_TIMEOUT_SECONDS", "0"),
        ("MSGFLASH_WEBHOOK_RETRY_SECONDS", "5,soon"),
        ("MSGFLASH_LOG_FORMAT", "xml"),
        ("MSGFLASH_DATABASE_POOL", "many"),
    ];
    for (name, value) in bad {
        let said = Shell::bare()
            .with(name, value)
            .run(&["config", "print"])
            .await;
        assert_eq!(said.code, CONFIG, "{name}={value}: {said:?}");
        let setting = name.trim_start_matches("MSGFLASH_").to_lowercase();
        let told = said.err.contains(name) || said.err.contains(&setting);
        assert!(told, "{name}={value} is not named: {}", said.err);
        assert!(!said.err.contains("panicked"), "{said:?}");
    }
    let empty = Shell::bare()
        .with("MSGFLASH_PACE_MS", "")
        .json(&["config", "print"])
        .await;
    assert_eq!(empty["pace_ms"], "1000", "set to nothing is not set");
}

#[tokio::test]
async fn flags_win_over_the_environment_and_that_over_the_file() {
    let shell = Shell::bare()
        .with("MSGFLASH_PACE_MS", "2")
        .with("MSGFLASH_LOG", "warn");
    shell.write(
        "msgflash.toml",
        "pace_ms = 1\nlog = \"error\"\nshutdown_seconds = 7\n",
    );
    let other = shell.write("other.toml", "shutdown_seconds = 8\n");
    let shown = shell.json(&["config", "print", "--set", "pace_ms=3"]).await;
    assert_eq!(
        (&shown["pace_ms"], &shown["log"], &shown["shutdown_seconds"]),
        (&"3".into(), &"warn".into(), &"7".into())
    );
    let shown = shell.json(&["config", "print", "--config", &other]).await;
    assert_eq!(
        (&shown["pace_ms"], &shown["shutdown_seconds"]),
        (&"2".into(), &"8".into()),
        "instead of the usual file"
    );
}

#[tokio::test]
async fn secrets_are_never_printed() {
    let shell = Shell::bare()
        .with(
            "DATABASE_URL",
            "postgres://user:hush-database@127.0.0.1:1/x",
        )
        .with("REDIS_URL", "redis://:hush-redis@127.0.0.1:1")
        .with("MSGFLASH_SMTP_URL", "smtps://me:hush-mail@mail.shop.test")
        .with("MSGFLASH_MAIL_FROM", "no-reply@shop.test")
        .with("MSGFLASH_EVOLUTION_URL", "http://me:hush-url@127.0.0.1:1")
        .with("MSGFLASH_EVOLUTION_API_KEY", "hush-gateway")
        .with("MSGFLASH_DODO_API_KEY", "hush-dodo")
        .with("MSGFLASH_DODO_WEBHOOK_SECRET", "whsec_hushhush")
        .with("MSGFLASH_STRIPE_API_KEY", "hush-stripe")
        .with("MSGFLASH_STRIPE_WEBHOOK_SECRET", "whsec_hush");
    for args in [
        &["config", "print"][..],
        &["config", "print", "--json"],
        &["config", "check"],
        &["config", "check", "--json"],
    ] {
        let said = shell.run(args).await;
        assert!(
            !said.out.contains("hush") && !said.err.contains("hush"),
            "{args:?}: {said:?}"
        );
    }
    let shown = shell.json(&["config", "print"]).await;
    assert_eq!(shown["database_url"], "(set)");
    let table = shell.run(&["config", "print"]).await.out;
    for name in shown.as_object().expect("settings").keys() {
        assert!(table.contains(name.as_str()), "{name}");
    }
    for name in [
        "DATABASE_URL",
        "MSGFLASH_EVOLUTION_URL",
        "MSGFLASH_BIND",
        "MEANING",
    ] {
        assert!(table.contains(name), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn check_tells_what_answers_and_what_does_not() {
    let stack = Stack::start().await;
    let good = Shell::of(&stack).json(&["config", "check"]).await;
    assert_eq!(good["database"], "ok");
    assert_eq!(good["pendingMigrations"], serde_json::json!([]));
    assert!(good["gateway"].is_string(), "its version: {good}");
    let text = Shell::of(&stack).run(&["config", "check"]).await;
    assert!(text.code == 0 && text.out.contains("Evolution"), "{text:?}");

    let wrong_key = Shell::of(&stack).with("MSGFLASH_EVOLUTION_API_KEY", "other");
    assert_eq!(
        wrong_key.failure(&["config", "check"]).await,
        (CONFIG, "PROVIDER_ERROR".to_owned())
    );
    let no_gateway = Shell::of(&stack).with("MSGFLASH_EVOLUTION_URL", "http://127.0.0.1:1");
    assert_eq!(
        no_gateway.failure(&["config", "check"]).await,
        (UNAVAILABLE, "PROVIDER_UNAVAILABLE".to_owned())
    );
}

#[tokio::test]
async fn a_database_out_of_reach_is_5_for_every_command() {
    let shell = Shell::bare().with("DATABASE_URL", "postgres://127.0.0.1:1/nothing");
    let commands: [&[&str]; 6] = [
        &["config", "check"],
        &["migrate"],
        &[
            "user",
            "set-plan",
            "--user",
            "a@example.com",
            "--plan",
            "pro",
        ],
        &["key", "list", "--user", "a@example.com"],
        &["instance", "list", "--user", "a@example.com"],
        &["serve", "--bind", "127.0.0.1:0"],
    ];
    for command in commands {
        let (code, name) = shell.failure(command).await;
        assert_eq!(
            (code, name.as_str()),
            (UNAVAILABLE, "SERVICE_UNAVAILABLE"),
            "{command:?}"
        );
    }
}
