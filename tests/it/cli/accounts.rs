//! `user` and `key`.

use blackbox::{Stack, eventually};
use serde_json::{Value, json};

use super::{FAILED, NOT_FOUND, Shell};

const EMAIL: &str = "ada@example.com";

async fn create(shell: &Shell, more: &[&str]) -> Value {
    let usual = [
        "user",
        "create",
        "--email",
        EMAIL,
        "--password",
        "correct-horse",
        "--name",
        "Ada L",
    ];
    shell.json(&[&usual, more].concat()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_made_on_free_and_moved_to_another_plan() {
    let stack = Stack::start().await;
    let shell = Shell::of(&stack);
    let made = create(&shell, &[]).await;
    assert_eq!(
        (&made["email"], &made["fullName"], &made["plan"]),
        (&json!(EMAIL), &json!("Ada L"), &json!("free"))
    );
    let id = made["id"].as_str().expect("an id");
    let moved = shell
        .json(&["user", "set-plan", "--user", EMAIL, "--plan", "pro"])
        .await;
    assert_eq!((&moved["id"], &moved["plan"]), (&json!(id), &json!("pro")));
    let moved = shell
        .run(&["user", "set-plan", "--user", id, "--plan", "max"])
        .await;
    assert!(moved.code == 0 && moved.out.contains("max"), "{moved:?}");
    let usual = [
        "user",
        "create",
        "--email",
        "b@example.com",
        "--password",
        "correct-horse",
        "--name",
        "B B",
        "--plan",
        "pro",
    ];
    let said = shell.run(&usual).await;
    assert!(
        said.code == 0 && said.out.contains("b@example.com") && said.out.contains("pro"),
        "{said:?}"
    );
    assert!(!said.out.contains("correct-horse"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_account_is_not_half_made() {
    let stack = Stack::start().await;
    let shell = Shell::of(&stack);
    create(&shell, &[]).await;
    let order = |email: &'static str, password: &'static str, name: &'static str| {
        [
            "user",
            "create",
            "--email",
            email,
            "--password",
            password,
            "--name",
            name,
        ]
    };
    let refused = [
        (order(EMAIL, "correct-horse", "Ada L"), "CONFLICT"),
        (
            order("ADA@example.com", "correct-horse", "Ada L"),
            "CONFLICT",
        ),
        (
            order("no address", "correct-horse", "Ada L"),
            "VALIDATION_ERROR",
        ),
        (order("c@example.com", "short", "Ada L"), "VALIDATION_ERROR"),
        (
            order("c@example.com", "correct-horse", "A"),
            "VALIDATION_ERROR",
        ),
    ];
    for (args, code) in refused {
        assert_eq!(
            shell.failure(&args).await,
            (FAILED, code.to_owned()),
            "{args:?}"
        );
    }
    let unknown = [
        &order("d@example.com", "correct-horse", "Ada L")[..],
        &["--plan", "gold"],
    ]
    .concat();
    let (code, _) = shell.failure(&unknown).await;
    assert_eq!(code, NOT_FOUND, "a plan nobody knows");
    assert_eq!(stack.count("SELECT count(*) FROM users", &[]).await, 1);
    for args in [
        [
            "user",
            "set-plan",
            "--user",
            "nobody@example.com",
            "--plan",
            "pro",
        ],
        [
            "user",
            "set-plan",
            "--user",
            "0197b3c0-1111-7000-8000-00000000dead",
            "--plan",
            "pro",
        ],
        ["user", "set-plan", "--user", EMAIL, "--plan", "gold"],
    ] {
        assert_eq!(shell.failure(&args).await.0, NOT_FOUND, "{args:?}");
    }
    let told = shell.run(&order("c@example.com", "short", "Ada L")).await;
    assert!(
        told.err.starts_with("error: ") && told.err.contains("8 characters"),
        "{told:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_works_when_it_is_made_and_not_when_it_is_revoked() {
    let stack = Stack::start().await;
    let shell = Shell::of(&stack);
    create(&shell, &["--plan", "pro"]).await;
    let made = shell
        .json(&["key", "create", "--user", EMAIL, "--name", "backend"])
        .await;
    let secret = made["secret"].as_str().expect("a secret");
    let hex = secret.strip_prefix("msgf_live_").expect("the prefix");
    assert!(
        hex.len() == 64
            && hex
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    );
    let client = stack.client(secret);
    assert_eq!(client.get("/api/v1/me").await.data()["email"], EMAIL);

    let listed = shell.json(&["key", "list", "--user", EMAIL]).await;
    let keys = listed.as_array().expect("an array");
    assert_eq!(keys.len(), 1);
    for member in [
        "id",
        "name",
        "keyPrefix",
        "lastUsedAt",
        "revokedAt",
        "createdAt",
    ] {
        assert!(
            keys[0].as_object().expect("members").contains_key(member),
            "{member}"
        );
    }
    assert_eq!(
        (&keys[0]["id"], &keys[0]["name"]),
        (&made["id"], &json!("backend"))
    );
    assert!(secret.starts_with(keys[0]["keyPrefix"].as_str().expect("text")));
    let table = shell.run(&["key", "list", "--user", EMAIL]).await;
    assert!(
        table.out.contains("PREFIX") && table.out.contains("backend"),
        "{table:?}"
    );
    assert!(
        !table.out.contains(secret) && !listed.to_string().contains(secret),
        "shown once"
    );

    let id = made["id"].as_str().expect("an id");
    let revoked = shell.run(&["key", "revoke", id, "--user", EMAIL]).await;
    assert_eq!(revoked.code, 0, "{revoked:?}");
    assert_eq!(
        client.get("/api/v1/me").await.outcome(),
        (401, "UNAUTHORIZED"),
        "at once"
    );
    assert_eq!(
        shell
            .failure(&["key", "revoke", id, "--user", EMAIL])
            .await
            .0,
        NOT_FOUND,
        "again"
    );
    for id in ["nonsense", "0197b3c0-1111-7000-8000-00000000dead"] {
        assert_eq!(
            shell
                .failure(&["key", "revoke", id, "--user", EMAIL])
                .await
                .0,
            NOT_FOUND,
            "{id}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_keep_to_the_plan_and_to_their_account() {
    let stack = Stack::start().await;
    let shell = Shell::of(&stack);
    create(&shell, &[]).await;
    let make = ["key", "create", "--user", EMAIL, "--name", "one"];
    let human = shell.run(&make).await;
    assert!(
        human.code == 0 && human.out.contains("msgf_live_") && human.out.contains("only time"),
        "{human:?}"
    );
    assert_eq!(
        shell.failure(&make).await,
        (FAILED, "MAX_API_KEYS_REACHED".to_owned())
    );
    stack
        .sql("UPDATE plans SET max_api_keys = 0 WHERE code = 'free'", &[])
        .await;
    assert_eq!(
        shell.failure(&make).await,
        (FAILED, "API_KEYS_NOT_AVAILABLE_ON_PLAN".to_owned())
    );
    let other = stack.account("pro").await;
    let foreign = ["key", "revoke", &other.key_id, "--user", EMAIL];
    assert_eq!(
        shell.failure(&foreign).await.0,
        NOT_FOUND,
        "another account's key"
    );
    assert_eq!(other.client.get("/api/v1/me").await.status, 200);
    let nameless = [
        "key",
        "create",
        "--user",
        &other.user.to_string(),
        "--name",
        "",
    ];
    assert_eq!(
        shell.failure(&nameless).await,
        (FAILED, "VALIDATION_ERROR".to_owned())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_signed_out_everywhere_signs_in_anew_also_after_another_key_signs() {
    let stack = Stack::start().await;
    let account = stack.account("free").await;
    let (one, other) = (
        account.signed_in(&stack).await,
        account.signed_in(&stack).await,
    );
    let shell = Shell::of(&stack);
    let ended = shell
        .json(&["user", "sign-out", "--user", &account.email])
        .await;
    assert_eq!(ended["endedSessions"], 2, "{ended}");
    eventually("both sessions are over", async || {
        let one = one.get("/api/auth/me").await.status;
        let other = other.get("/api/auth/me").await.status;
        ((one, other) == (401, 401)).then_some(())
    })
    .await;
    assert_eq!(account.client.get("/api/v1/me").await.status, 200);
    // Another key signs, and what the one before signed is still good.
    let before = account.signed_in(&stack).await;
    let rotated = shell.json(&["signing-key", "rotate"]).await;
    assert!(rotated["keyId"].is_string(), "{rotated}");
    assert_eq!(before.get("/api/auth/me").await.status, 200);
    let after = account.signed_in(&stack).await;
    assert_eq!(after.get("/api/auth/me").await.status, 200);
    let keys = "SELECT count(*) FROM signing_keys";
    assert_eq!(stack.count(keys, &[]).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_account_opens_nothing_until_it_is_reactivated() {
    let stack = Stack::start().await;
    let account = stack.account("free").await;
    let person = account.signed_in(&stack).await;
    let shell = Shell::of(&stack);
    let shut = shell
        .json(&["user", "suspend", "--user", &account.email])
        .await;
    assert!(shut["suspendedAt"].is_string(), "{shut}");
    // The command told the server, which forgot the key and the session.
    eventually("the key opens nothing", async || {
        let key = account.client.get("/api/v1/me").await;
        let session = person.get("/api/auth/me").await;
        (key.status == 401 && session.status == 401).then_some(())
    })
    .await;
    let open = shell
        .json(&["user", "reactivate", "--user", &account.email])
        .await;
    assert!(open["suspendedAt"].is_null(), "{open}");
    eventually("the key opens its workspace again", async || {
        (account.client.get("/api/v1/me").await.status == 200).then_some(())
    })
    .await;
    assert_eq!(person.get("/api/auth/me").await.status, 401);
    let nobody = shell
        .run(&["user", "suspend", "--user", "nobody@shop.test"])
        .await;
    assert_eq!(nobody.code, NOT_FOUND, "{nobody:?}");
}
