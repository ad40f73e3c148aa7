//! Links of mails: newer ones take the place of older ones, and nobody learns who has an account.

use serde_json::json;

use super::{link, sign_up, stack};

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_link_takes_the_place_of_the_one_before() {
    let stack = stack().await;
    let nobody = stack.anonymous();
    let email = "lea@shop.test";
    let made = nobody.post("/api/auth/signup", &sign_up(email)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let first = link(&stack, email, "verify_email").await;
    let asked = nobody
        .post("/api/auth/resend-verification", &json!({ "email": email }))
        .await;
    assert_eq!(*asked.data(), json!({ "success": true }));
    let second = blackbox::eventually("another link", async || {
        let newest = link(&stack, email, "verify_email").await;
        (newest != first).then_some(newest)
    })
    .await;
    let state = async |token: &str| {
        let path = format!("/api/auth/verify-email/validate?token={token}");
        nobody.get(&path).await.data()["status"].clone()
    };
    assert_eq!(state(&first).await, "expired");
    assert_eq!(state(&second).await, "valid");
    assert_eq!(state("nonsense").await, "invalid");
    let refused = nobody
        .post("/api/auth/verify-email", &json!({ "token": first }))
        .await;
    assert_eq!(refused.outcome(), (400, "BAD_REQUEST"));
    let taken = nobody
        .post("/api/auth/verify-email", &json!({ "token": second }))
        .await;
    assert_eq!(taken.data()["success"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_for_mail_answers_alike_whatever_the_address() {
    let stack = stack().await;
    let account = stack.account("free").await;
    let nobody = stack.anonymous();
    for path in ["/api/auth/resend-verification", "/api/auth/forgot-password"] {
        let known = nobody.post(path, &json!({ "email": account.email })).await;
        let unknown = nobody
            .post(path, &json!({ "email": "nobody@shop.test" }))
            .await;
        assert_eq!((known.status, &known.text), (200, &unknown.text), "{path}");
        let bad = nobody.post(path, &json!({ "email": "nobody" })).await;
        assert_eq!(bad.fields(), ["email"], "{path}");
    }
    // Only the one who has an account, and forgot, gets a mail.
    link(&stack, &account.email, "reset_password").await;
    let strangers = stack
        .count(
            "SELECT count(*) FROM mails WHERE recipient = 'nobody@shop.test'",
            &[],
        )
        .await;
    assert_eq!(strangers, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_a_link_is_kept_where_it_is_checked() {
    let stack = stack().await;
    let account = stack.account("free").await;
    let body = json!({ "email": account.email });
    stack
        .anonymous()
        .post("/api/auth/forgot-password", &body)
        .await;
    let token = link(&stack, &account.email, "reset_password").await;
    let plain = stack
        .count(
            "SELECT count(*) FROM one_time_tokens WHERE encode(hash, 'escape') LIKE '%' || $1 || '%'",
            &[&token],
        )
        .await;
    assert_eq!(plain, 0);
    let kept = stack
        .count("SELECT count(*) FROM one_time_tokens", &[])
        .await;
    assert_eq!(kept, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_expired_opens_nothing_and_says_so_where_it_is_asked() {
    let stack = stack().await;
    let body = sign_up("lea@shop.test");
    let made = stack.anonymous().post("/api/auth/signup", &body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let verify = link(&stack, "lea@shop.test", "verify_email").await;
    let account = stack.account("free").await;
    let client = account.signed_in(&stack).await;
    let forgot = json!({ "email": account.email });
    stack
        .anonymous()
        .post("/api/auth/forgot-password", &forgot)
        .await;
    let reset = link(&stack, &account.email, "reset_password").await;
    for late in ["one_time_tokens", "sessions"] {
        let change = format!("UPDATE {late} SET expires_at = now() - interval '1 second'");
        assert!(stack.sql(&change, &[]).await > 0, "{late}");
    }
    let nobody = stack.anonymous();
    let path = format!("/api/auth/verify-email/validate?token={verify}");
    let state = nobody.get(&path).await;
    assert_eq!(
        *state.data(),
        json!({ "valid": false, "status": "expired" })
    );
    let verified = json!({ "token": verify });
    let verified = nobody.post("/api/auth/verify-email", &verified).await;
    assert_eq!(verified.outcome(), (400, "BAD_REQUEST"));
    let path = format!("/api/auth/reset-password/validate?token={reset}");
    let state = nobody.get(&path).await;
    assert_eq!(*state.data(), json!({ "valid": false, "expiresAt": null }));
    let changed = json!({ "token": reset, "password": "N3w-staple-once" });
    let changed = nobody.post("/api/auth/reset-password", &changed).await;
    assert_eq!(changed.outcome(), (400, "BAD_REQUEST"));
    for reply in [
        client.get("/api/auth/me").await,
        client.post_empty("/api/auth/refresh").await,
        client.get("/api/instances").await,
    ] {
        assert_eq!(reply.outcome(), (401, "UNAUTHORIZED"));
    }
}
