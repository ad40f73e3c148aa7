//! Signing up, verifying the address, and the profile.

use serde_json::json;

use super::{bearer, link, log_in, sign_up, stack, token_of};

const LEA: &str = "lea@shop.test";

#[tokio::test(flavor = "multi_thread")]
async fn somebody_signs_up_verifies_the_address_signs_in_and_makes_a_key_that_works() {
    let stack = stack().await;
    let nobody = stack.anonymous();
    let made = nobody.post("/api/auth/signup", &sign_up(LEA)).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(
        *made.data(),
        json!({ "success": true, "verificationRequired": true, "email": LEA })
    );
    let early = nobody
        .post("/api/auth/login", &log_in(LEA, "Corr3ct-horse"))
        .await;
    assert_eq!(early.outcome(), (403, "EMAIL_NOT_VERIFIED"));

    let token = link(&stack, LEA, "verify_email").await;
    let path = format!("/api/auth/verify-email/validate?token={token}");
    let looked = nobody.get(&path).await;
    assert_eq!(*looked.data(), json!({ "valid": true, "status": "valid" }));
    let body = json!({ "token": token });
    let verified = nobody.post("/api/auth/verify-email", &body).await;
    assert_eq!(
        *verified.data(),
        json!({ "success": true, "alreadyVerified": false })
    );
    assert_eq!(
        *nobody.get(&path).await.data(),
        json!({ "valid": false, "status": "used" })
    );
    let again = nobody.post("/api/auth/verify-email", &body).await;
    assert_eq!(again.outcome(), (400, "BAD_REQUEST"));

    let signed_in = nobody
        .post("/api/auth/login", &log_in("LEA@shop.test", "Corr3ct-horse"))
        .await;
    assert_eq!(signed_in.status, 200, "{signed_in:?}");
    let user = &signed_in.data()["user"];
    assert_eq!(
        (
            &user["email"],
            &user["fullName"],
            &user["phone"],
            &user["plan"]
        ),
        (
            &json!(LEA),
            &json!("Lea Roy"),
            &json!("+33612345678"),
            &json!("free")
        )
    );
    let client = bearer(&stack, &token_of(&signed_in));
    let key = client
        .post("/api/api-keys", &json!({ "name": "CRM" }))
        .await;
    assert_eq!(key.status, 201, "{key:?}");
    let secret = key.data()["secret"].as_str().expect("a secret");
    let me = stack.client(secret).get("/api/v1/me").await;
    assert_eq!(me.data()["email"], LEA);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_problem_of_a_sign_up_is_told_at_once_and_nothing_is_made() {
    let stack = stack().await;
    let nobody = stack.anonymous();
    let bad =
        json!({ "fullName": "L", "email": "lea@", "phone": "0612345678", "password": "short" });
    let refused = nobody.post("/api/auth/signup", &bad).await;
    assert_eq!(refused.outcome(), (400, "VALIDATION_ERROR"));
    assert_eq!(refused.fields(), ["fullName", "email", "phone", "password"]);
    assert_eq!(
        refused.json["error"]["details"][2]["message"],
        "Must be an international phone number: it begins with 0 instead of a country \
         code such as +33"
    );
    let bad = json!({ "fullName": 7, "phone": "+33612345678", "password": "x" });
    let refused = nobody.post("/api/auth/signup", &bad).await;
    assert_eq!(refused.fields(), ["fullName", "email", "password"]);
    let mut long = sign_up(LEA);
    long["fullName"] = json!("x".repeat(16 * 1024));
    let refused = nobody.post("/api/auth/signup", &long).await;
    assert_eq!(refused.outcome(), (413, "PAYLOAD_TOO_LARGE"));
    let users = stack.count("SELECT count(*) FROM users", &[]).await;
    assert_eq!(users, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_taken_once_whatever_its_capitals_and_however_many_try() {
    let stack = stack().await;
    let tries = ["ada@shop.test", "ADA@shop.test", "Ada@Shop.test"].map(|email| {
        let client = stack.anonymous();
        async move { client.post("/api/auth/signup", &sign_up(email)).await }
    });
    let mut answers: Vec<u16> = futures_util::future::join_all(tries)
        .await
        .iter()
        .map(|it| it.status)
        .collect();
    answers.sort_unstable();
    assert_eq!(answers, [201, 409, 409]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_is_read_and_changed_and_the_address_never_is() {
    let stack = stack().await;
    let account = stack.account("pro").await;
    let client = account.signed_in(&stack).await;
    let me = client.get("/api/auth/me").await;
    assert_eq!(me.data()["email"], account.email.as_str());
    assert_eq!(me.data()["plan"], "pro");
    assert_eq!(me.data()["teams"], json!([]));
    let change = json!({
        "fullName": " Ada Lovelace ", "displayName": "Ada", "phone": "0033 6 12 34 56 79",
        "email": "other@shop.test",
    });
    let changed = client.patch("/api/auth/me", &change).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let view = client.get("/api/auth/me").await;
    assert_eq!(view.data()["fullName"], "Ada Lovelace");
    assert_eq!(view.data()["displayName"], "Ada");
    assert_eq!(view.data()["phone"], "+33612345679");
    assert_eq!(view.data()["email"], account.email.as_str());
    let cleared = client
        .patch("/api/auth/me", &json!({ "displayName": null }))
        .await;
    assert_eq!(cleared.data()["displayName"], json!(null));
    assert_eq!(cleared.data()["fullName"], "Ada Lovelace");
    let long = "x".repeat(61);
    let bad = json!({ "fullName": "", "displayName": long, "phone": 7 });
    let refused = client.patch("/api/auth/me", &bad).await;
    let mut fields = refused.fields();
    fields.sort_unstable();
    assert_eq!(fields, ["displayName", "fullName", "phone"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mailbox_is_there_in_development_alone() {
    let stack = blackbox::Stack::start().await;
    assert_eq!(stack.anonymous().get("/dev/mailbox").await.status, 404);
}
