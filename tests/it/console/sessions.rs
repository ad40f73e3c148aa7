//! Tokens: what opens, what ends them, and what nobody learns.

use blackbox::account::PASSWORD;
use serde_json::json;

use super::{bearer, link, log_in, stack, token_of};

#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_by_logging_out_and_by_a_refresh() {
    let stack = stack().await;
    let account = stack.account("free").await;
    let nobody = stack.anonymous();
    let one = token_of(
        &nobody
            .post("/api/auth/login", &log_in(&account.email, PASSWORD))
            .await,
    );
    let other = bearer(
        &stack,
        &token_of(
            &nobody
                .post("/api/auth/login", &log_in(&account.email, PASSWORD))
                .await,
        ),
    );
    let refreshed = bearer(&stack, &one).post_empty("/api/auth/refresh").await;
    assert_eq!(refreshed.status, 200, "{refreshed:?}");
    let new = bearer(&stack, &token_of(&refreshed));
    assert_eq!(
        bearer(&stack, &one).get("/api/auth/me").await.outcome(),
        (401, "UNAUTHORIZED")
    );
    assert_eq!(new.get("/api/auth/me").await.status, 200);
    assert_eq!(
        new.post_empty("/api/auth/logout").await.data()["success"],
        true
    );
    assert_eq!(
        new.get("/api/auth/me").await.outcome(),
        (401, "UNAUTHORIZED")
    );
    assert_eq!(
        new.post_empty("/api/auth/logout").await.outcome(),
        (401, "UNAUTHORIZED")
    );
    // Another session of the same person goes on.
    assert_eq!(other.get("/api/auth/me").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_token_of_ours_opens_nothing() {
    let stack = stack().await;
    let account = stack.account("free").await;
    let nobody = stack.anonymous();
    let token = token_of(
        &nobody
            .post("/api/auth/login", &log_in(&account.email, PASSWORD))
            .await,
    );
    let parts: Vec<&str> = token.split('.').collect();
    let mut turned = parts[2].chars().rev().collect::<String>();
    turned.push('A');
    // {"alg":"none","typ":"JWT"}
    let none = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{}.", parts[1]);
    let forged = [
        String::new(),
        "x".to_owned(),
        format!("{}.{}.{turned}", parts[0], parts[1]),
        format!("{}.{}.", parts[0], parts[1]),
        none,
        account.key.clone(),
        "a".repeat(10_000),
    ];
    for bad in forged {
        let reply = bearer(&stack, &bad).get("/api/auth/me").await;
        assert_eq!(reply.outcome(), (401, "UNAUTHORIZED"), "{bad}");
    }
    let basic = stack
        .anonymous()
        .header("authorization", &format!("Basic {token}"));
    assert_eq!(basic.get("/api/auth/me").await.status, 401);
    // Nor does a token open the public API, or a key the console.
    let public = bearer(&stack, &token).get("/api/v1/messages").await;
    assert_eq!(public.outcome(), (401, "UNAUTHORIZED"));
    assert_eq!(
        account.client.get("/api/messages").await.outcome(),
        (401, "UNAUTHORIZED")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_password_ends_every_other_session() {
    let stack = stack().await;
    let account = stack.account("free").await;
    let (mine, other) = (
        account.signed_in(&stack).await,
        account.signed_in(&stack).await,
    );
    let wrong = json!({ "currentPassword": "wrong-horse", "newPassword": "N3w-horse!" });
    let refused = mine.post("/api/auth/change-password", &wrong).await;
    assert_eq!(refused.outcome(), (400, "BAD_REQUEST"));
    let short = json!({ "currentPassword": PASSWORD, "newPassword": "short" });
    let refused = mine.post("/api/auth/change-password", &short).await;
    assert_eq!(refused.fields(), ["newPassword"]);
    let right = json!({ "currentPassword": PASSWORD, "newPassword": "N3w-horse!" });
    let changed = mine.post("/api/auth/change-password", &right).await;
    assert_eq!(changed.data()["success"], true);
    assert_eq!(mine.get("/api/auth/me").await.status, 200);
    assert_eq!(other.get("/api/auth/me").await.status, 401);
    let nobody = stack.anonymous();
    let old = nobody
        .post("/api/auth/login", &log_in(&account.email, PASSWORD))
        .await;
    assert_eq!(old.outcome(), (401, "UNAUTHORIZED"));
    let new = nobody
        .post("/api/auth/login", &log_in(&account.email, "N3w-horse!"))
        .await;
    assert_eq!(new.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_person_is_out_at_once_and_learns_nothing_new() {
    let stack = stack().await;
    let account = stack.account("free").await;
    let client = account.signed_in(&stack).await;
    let backend = stack.server().backend();
    backend
        .people
        .suspend
        .suspend(account.user)
        .await
        .expect("suspended");
    assert_eq!(
        client.get("/api/auth/me").await.outcome(),
        (401, "UNAUTHORIZED")
    );
    let reply = stack
        .anonymous()
        .post("/api/auth/login", &log_in(&account.email, PASSWORD))
        .await;
    assert_eq!(reply.outcome(), (401, "UNAUTHORIZED"));
    assert_eq!(
        account.client.get("/api/v1/me").await.outcome(),
        (401, "UNAUTHORIZED")
    );
    backend
        .people
        .suspend
        .reactivate(account.user)
        .await
        .expect("reactivated");
    assert_eq!(
        client.get("/api/auth/me").await.status,
        401,
        "ended for good"
    );
    assert_eq!(
        account
            .signed_in(&stack)
            .await
            .get("/api/auth/me")
            .await
            .status,
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password_is_set_by_the_link_and_every_session_ends() {
    let stack = stack().await;
    let account = stack.account("free").await;
    let client = account.signed_in(&stack).await;
    let nobody = stack.anonymous();
    let known = nobody
        .post(
            "/api/auth/forgot-password",
            &json!({ "email": account.email }),
        )
        .await;
    let unknown = nobody
        .post(
            "/api/auth/forgot-password",
            &json!({ "email": "no@shop.test" }),
        )
        .await;
    assert_eq!((known.status, &known.text), (unknown.status, &unknown.text));
    let token = link(&stack, &account.email, "reset_password").await;
    let looked = nobody
        .get(&format!("/api/auth/reset-password/validate?token={token}"))
        .await;
    assert_eq!(looked.data()["valid"], true);
    assert!(looked.data()["expiresAt"].is_string());
    let short = json!({ "token": token, "password": "short" });
    let refused = nobody.post("/api/auth/reset-password", &short).await;
    assert_eq!(refused.fields(), ["password"]);
    let body = json!({ "token": token, "password": "N3w-horse!" });
    // Two at once: the link works once.
    let (one, other) = tokio::join!(
        nobody.post("/api/auth/reset-password", &body),
        nobody.post("/api/auth/reset-password", &body)
    );
    let mut answers = [one.status, other.status];
    answers.sort_unstable();
    assert_eq!(answers, [200, 400]);
    assert_eq!(client.get("/api/auth/me").await.status, 401);
    let new = nobody
        .post("/api/auth/login", &log_in(&account.email, "N3w-horse!"))
        .await;
    assert_eq!(new.status, 200, "{new:?}");
    let looked = nobody
        .get(&format!("/api/auth/reset-password/validate?token={token}"))
        .await;
    assert_eq!(*looked.data(), json!({ "valid": false, "expiresAt": null }));
}

#[tokio::test(flavor = "multi_thread")]
async fn five_tries_an_address_and_no_more_however_many_at_once() {
    let stack = stack().await;
    let account = stack.account("free").await;
    let tries = (0..20).map(|_| {
        let (client, email) = (stack.anonymous(), account.email.clone());
        async move {
            client
                .post("/api/auth/login", &log_in(&email, "wrong-horse"))
                .await
        }
    });
    let answers = futures_util::future::join_all(tries).await;
    let refused = answers
        .iter()
        .filter(|it| it.outcome() == (401, "UNAUTHORIZED"))
        .count();
    let throttled: Vec<_> = answers
        .iter()
        .filter(|it| it.outcome() == (429, "RATE_LIMIT_EXCEEDED"))
        .collect();
    assert_eq!((refused, throttled.len()), (5, 15));
    for reply in throttled {
        let wait: u64 = reply.header("retry-after").parse().expect("seconds");
        // Those that are let in at once are not all of the same millisecond.
        assert!((1..=901).contains(&wait), "{wait}");
    }
    // Nor does the right password help now.
    let right = stack
        .anonymous()
        .post("/api/auth/login", &log_in(&account.email, PASSWORD))
        .await;
    assert_eq!(right.outcome(), (429, "RATE_LIMIT_EXCEEDED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_has_a_window_of_their_own() {
    let stack = blackbox::Stack::with(&[("console_rate_limit_per_second", "3")]).await;
    let account = stack.account("free").await;
    let client = account.signed_in(&stack).await;
    // However slow the machine: some of so many fall into one second.
    let calls = (0..40).map(|_| client.get("/api/auth/me"));
    let answers = futures_util::future::join_all(calls).await;
    let refused = answers
        .iter()
        .filter(|it| it.outcome() == (429, "RATE_LIMIT_EXCEEDED"));
    assert!(refused.count() > 0);
    // The window of a key is another one.
    assert_eq!(account.client.get("/api/v1/me").await.status, 200);
}
