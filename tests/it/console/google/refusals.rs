//! Who is not signed in. All of them are told the same.

use blackbox::{Browser, Stack};
use serde_json::json;

use super::{FAILED, assert_failed, lea, scene, token};

const USERS: &str = "SELECT count(*) FROM users";

#[tokio::test(flavor = "multi_thread")]
async fn an_address_the_provider_does_not_vouch_for_opens_nothing() {
    let Some(scene) = scene().await else { return };
    for claims in [
        json!({ "email": "lea@shop.test", "email_verified": false, "name": "Lea" }),
        json!({ "email": "lea@shop.test", "name": "Lea" }),
        json!({ "name": "Lea" }),
    ] {
        scene.provider.knows("lea", &claims).await;
        assert_failed(&scene.signs_in("lea").await);
    }
    assert_eq!(scene.stack.count(USERS, &[]).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_was_suspended_stays_out() {
    let Some(scene) = scene().await else { return };
    scene.provider.knows("lea", &lea()).await;
    token(&scene.signs_in("lea").await);
    let suspend = "UPDATE users SET suspended_at = now()";
    assert_eq!(scene.stack.sql(suspend, &[]).await, 1);
    assert_failed(&scene.signs_in("lea").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_taken_once_and_only_in_the_browser_that_went() {
    let Some(scene) = scene().await else { return };
    scene.provider.knows("lea", &lea()).await;
    let gone = scene.goes().await;
    let other = scene.goes().await;
    let back = Browser::default().sign_in(&gone.url, "lea").await;
    // Somebody else's browser, and one that went for another reason.
    assert_failed(&scene.comes_back(&back, None).await);
    assert_failed(&scene.comes_back(&back, Some(&other.cookie)).await);
    let state = "http://127.0.0.1:9/api/auth/google/callback?code=any&state=other";
    assert_failed(&scene.comes_back(state, Some(&gone.cookie)).await);
    // None of that used it up; this does.
    token(&scene.comes_back(&back, Some(&gone.cookie)).await);
    assert_failed(&scene.comes_back(&back, Some(&gone.cookie)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_too_late_is_none() {
    let Some(scene) = scene().await else { return };
    scene.provider.knows("lea", &lea()).await;
    let gone = scene.goes().await;
    let back = Browser::default().sign_in(&gone.url, "lea").await;
    let late = "UPDATE sign_in_starts SET expires_at = now()";
    assert_eq!(scene.stack.sql(late, &[]).await, 1);
    assert_failed(&scene.comes_back(&back, Some(&gone.cookie)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_declines_goes_on_without_a_token() {
    let Some(scene) = scene().await else { return };
    let gone = scene.goes().await;
    let back = Browser::default().decline(&gone.url).await;
    assert!(back.contains("error=access_denied"), "{back}");
    assert_failed(&scene.comes_back(&back, Some(&gone.cookie)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_was_made_up_opens_nothing() {
    let Some(scene) = scene().await else { return };
    scene.provider.knows("lea", &lea()).await;
    let gone = scene.goes().await;
    let back = Browser::default().sign_in(&gone.url, "lea").await;
    let made_up = back.replace("code=", "code=x");
    assert_failed(&scene.comes_back(&made_up, Some(&gone.cookie)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_another_sign_in_opens_nothing() {
    let Some(scene) = scene().await else { return };
    scene.provider.knows("lea", &lea()).await;
    let (gone, other) = (scene.goes().await, scene.goes().await);
    let code = |url: &str| {
        let code = url.split("code=").nth(1).expect("a code");
        code.split('&').next().expect("a code").to_owned()
    };
    let back = Browser::default().sign_in(&gone.url, "lea").await;
    let stolen = Browser::default().sign_in(&other.url, "lea").await;
    let mixed = back.replace(&code(&back), &code(&stolen));
    assert_failed(&scene.comes_back(&mixed, Some(&gone.cookie)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_gone_holds_nobody_up() {
    let Some(mut scene) = scene().await else {
        return;
    };
    scene.provider.knows("lea", &lea()).await;
    let gone = scene.goes().await;
    let back = Browser::default().sign_in(&gone.url, "lea").await;
    scene.provider.stop();
    assert_failed(&scene.comes_back(&back, Some(&gone.cookie)).await);
    // A process that has never asked it.
    scene.stack.stop_server().await;
    scene.stack.start_server().await;
    let sent = scene.stack.anonymous().get("/api/auth/google").await;
    assert_failed(&sent);
    let starts = "SELECT count(*) FROM sign_in_starts";
    assert_eq!(scene.stack.count(starts, &[]).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_goes_too_often_does_not_go_and_leaves_nothing() {
    let Some(scene) = scene().await else { return };
    for _ in 0..20 {
        scene.goes().await;
    }
    let sent = scene.stack.anonymous().get("/api/auth/google").await;
    assert_failed(&sent);
    assert_eq!(sent.header("set-cookie"), "");
    let starts = "SELECT count(*) FROM sign_in_starts";
    assert_eq!(scene.stack.count(starts, &[]).await, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_client_nobody_goes_anywhere() {
    let stack = Stack::with(&[("portal_url", "https://app.shop.test")]).await;
    for path in [
        "/api/auth/google",
        "/api/auth/google/callback",
        "/api/auth/google/callback?code=any&state=any",
    ] {
        let sent = stack.anonymous().get(path).await;
        assert_eq!((sent.status, sent.header("location")), (302, FAILED));
    }
}
