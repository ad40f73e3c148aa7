//! Whose account it opens.

use blackbox::Browser;
use serde_json::{Value, json};

use super::super::{bearer, link, log_in, sign_up};
use super::{LEA, lea, scene, token};

#[tokio::test(flavor = "multi_thread")]
async fn somebody_new_gets_an_account_and_the_second_time_the_same_one() {
    let Some(scene) = scene().await else { return };
    scene.provider.knows("lea", &lea()).await;
    let first = scene.signs_in("lea").await;
    let me = scene.me(&first).await;
    assert_eq!(me["email"], LEA);
    assert_eq!(me["fullName"], "Lea From Elsewhere");
    assert_eq!(me["avatarUrl"], "https://pictures.test/lea");
    assert_eq!(
        (&me["phone"], &me["plan"]),
        (&json!(""), &json!("free")),
        "{me}"
    );
    let forgotten = first.header("set-cookie");
    assert!(forgotten.contains("=; ") && forgotten.contains("Max-Age=0"));

    // Whatever the address is by then: who they are there decides.
    let moved = json!({ "email": "lea.roy@home.test", "email_verified": true });
    scene.provider.knows("lea", &moved).await;
    let again = scene.me(&scene.signs_in("lea").await).await;
    assert_eq!((&again["id"], &again["email"]), (&me["id"], &json!(LEA)));
    let users = "SELECT count(*) FROM users";
    assert_eq!(scene.stack.count(users, &[]).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_id_token_tells_is_enough() {
    let Some(scene) = scene().await else { return };
    scene.provider.knows("lea", &lea()).await;
    scene.provider.tells_in_the_token().await;
    let me = scene.me(&scene.signs_in("lea").await).await;
    assert_eq!(me["email"], LEA);
    assert_eq!(me["fullName"], "Lea From Elsewhere");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_with_the_address_is_linked_and_keeps_its_password() {
    let Some(scene) = scene().await else { return };
    let nobody = scene.stack.anonymous();
    nobody.post("/api/auth/signup", &sign_up(LEA)).await;
    let body = json!({ "token": link(&scene.stack, LEA, "verify_email").await });
    nobody.post("/api/auth/verify-email", &body).await;
    let by_password = async || {
        let body = log_in(LEA, "Corr3ct-horse");
        nobody.post("/api/auth/login", &body).await
    };
    let local = by_password().await.data()["user"].clone();
    scene.provider.knows("lea", &lea()).await;
    let me = scene.me(&scene.signs_in("lea").await).await;
    assert_eq!(me["id"], local["id"]);
    assert_eq!(me["fullName"], "Lea Roy");
    assert_eq!(by_password().await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_whose_address_was_never_verified_loses_what_somebody_left_there() {
    let Some(scene) = scene().await else { return };
    let nobody = scene.stack.anonymous();
    nobody.post("/api/auth/signup", &sign_up(LEA)).await;
    let stale = link(&scene.stack, LEA, "verify_email").await;
    scene.provider.knows("lea", &lea()).await;
    let me = scene.me(&scene.signs_in("lea").await).await;
    assert_eq!(me["email"], LEA);
    assert_eq!(me["fullName"], "Lea From Elsewhere");
    assert_eq!(me["phone"], "");
    let body = log_in(LEA, "Corr3ct-horse");
    let refused = nobody.post("/api/auth/login", &body).await;
    assert_eq!(refused.outcome(), (401, "UNAUTHORIZED"));
    let body = json!({ "token": stale });
    let late = nobody.post("/api/auth/verify-email", &body).await;
    assert_eq!(late.data()["alreadyVerified"], true, "{late:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_is_a_session_like_any_other() {
    let Some(scene) = scene().await else { return };
    scene.provider.knows("lea", &lea()).await;
    let client = bearer(&scene.stack, &token(&scene.signs_in("lea").await));
    let made = client
        .post("/api/api-keys", &json!({ "name": "CRM" }))
        .await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(client.post_empty("/api/auth/logout").await.status, 200);
    let gone = client.get("/api/auth/me").await;
    assert_eq!(gone.outcome(), (401, "UNAUTHORIZED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_the_provider_changed_to_is_believed_at_once() {
    let Some(scene) = scene().await else { return };
    scene.provider.knows("lea", &lea()).await;
    let before = scene.me(&scene.signs_in("lea").await).await;
    scene.provider.changes_its_key().await;
    let after = scene.me(&scene.signs_in("lea").await).await;
    assert_eq!(before["id"], after["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_takes_the_browser_back() {
    let Some(mut scene) = scene().await else {
        return;
    };
    scene.provider.knows("lea", &lea()).await;
    let gone = scene.goes().await;
    let back = Browser::default().sign_in(&gone.url, "lea").await;
    scene.stack.stop_server().await;
    scene.stack.start_server().await;
    let me: Value = scene
        .me(&scene.comes_back(&back, Some(&gone.cookie)).await)
        .await;
    assert_eq!(me["email"], LEA);
}
