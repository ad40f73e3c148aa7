use time::macros::datetime;

use super::*;

const NOW: OffsetDateTime = datetime!(2026-05-03 9:00 UTC);
const BODY: &str = r#"{"type":"payment.succeeded"}"#;
const DODO: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const STRIPE: &str = "whsec_of_stripe_is_text";

fn call(headers: &[(&str, String)], body: &str) -> WebhookCall {
    let headers = headers.iter();
    WebhookCall {
        headers: headers
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect(),
        body: body.as_bytes().to_vec(),
        at: NOW,
    }
}

fn standard(key: &str, id: &str, at: OffsetDateTime) -> String {
    let key = STANDARD
        .decode(key.strip_prefix("whsec_").unwrap())
        .unwrap();
    let stamp = at.unix_timestamp().to_string();
    let parts: [&[u8]; 5] = [id.as_bytes(), b".", stamp.as_bytes(), b".", BODY.as_bytes()];
    format!("v1,{}", STANDARD.encode(mac(&key, &parts)))
}

fn dodo_call(signature: String, at: OffsetDateTime, body: &str) -> WebhookCall {
    let headers = [
        ("Webhook-Id", "msg_1".to_owned()),
        ("webhook-timestamp", at.unix_timestamp().to_string()),
        ("webhook-signature", signature),
    ];
    call(&headers, body)
}

fn verified(call: &WebhookCall) -> Result<&str, WebhookError> {
    StandardSecret::parse(DODO).unwrap().verify(call)
}

fn stripe(secret: &str, at: OffsetDateTime) -> String {
    let stamp = at.unix_timestamp().to_string();
    let parts: [&[u8]; 3] = [stamp.as_bytes(), b".", BODY.as_bytes()];
    hex::encode(mac(secret.as_bytes(), &parts))
}

fn stripe_call(header: String, body: &str) -> WebhookCall {
    call(&[("Stripe-Signature", header)], body)
}

fn stripe_verified(call: &WebhookCall) -> Result<(), WebhookError> {
    verify_stripe(&Secret::new(STRIPE.to_owned()), call)
}

#[test]
fn the_example_of_the_standard_is_accepted() {
    // Published with the Standard Webhooks, as is its secret.
    let body = r#"{"test": 2432232314}"#;
    let mut call = call(
        &[
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned()),
            ("webhook-timestamp", "1614265330".to_owned()),
            (
                "webhook-signature",
                "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=".to_owned(),
            ),
        ],
        body,
    );
    call.at = OffsetDateTime::from_unix_timestamp(1_614_265_330).unwrap();
    assert_eq!(verified(&call), Ok("msg_p5jXN8AQM9LWM0D4loKWxJek"));
}

#[test]
fn a_standard_signature_proves_id_time_and_body() {
    let signature = standard(DODO, "msg_1", NOW);
    assert_eq!(
        verified(&dodo_call(signature.clone(), NOW, BODY)),
        Ok("msg_1")
    );
    let several = format!("v1a,abc v1,!! {} {signature}", standard(DODO, "msg_2", NOW));
    assert_eq!(verified(&dodo_call(several, NOW, BODY)), Ok("msg_1"));
    let forged = [
        dodo_call(signature.clone(), NOW, "{}"),
        dodo_call(signature.clone(), NOW + Duration::SECOND, BODY),
        dodo_call(standard(DODO, "msg_2", NOW), NOW, BODY),
        dodo_call(standard("whsec_AAAA", "msg_1", NOW), NOW, BODY),
        dodo_call(signature.replace("v1,", "v2,"), NOW, BODY),
        dodo_call(String::new(), NOW, BODY),
        call(&[("webhook-signature", signature)], BODY),
    ];
    for call in &forged {
        assert_eq!(verified(call), Err(WebhookError::Forged));
    }
}

#[test]
fn a_standard_signature_is_good_for_five_minutes_either_way() {
    let signed = |at| {
        let call = dodo_call(standard(DODO, "msg_1", at), at, BODY);
        verified(&call).map(drop)
    };
    assert_eq!(signed(NOW - TOLERANCE), Ok(()));
    assert_eq!(signed(NOW + TOLERANCE), Ok(()));
    assert_eq!(
        signed(NOW - TOLERANCE - Duration::SECOND),
        Err(WebhookError::Stale)
    );
    assert_eq!(
        signed(NOW + TOLERANCE + Duration::SECOND),
        Err(WebhookError::Stale)
    );
}

#[test]
fn a_signature_of_stripe_proves_time_and_body() {
    let (stamp, good) = (NOW.unix_timestamp(), stripe(STRIPE, NOW));
    let header = format!("t={stamp},v1={good},v0=abc");
    assert_eq!(stripe_verified(&stripe_call(header.clone(), BODY)), Ok(()));
    let rotated = format!("t={stamp}, v1={}, v1={good}", stripe("old", NOW));
    assert_eq!(stripe_verified(&stripe_call(rotated, BODY)), Ok(()));
    let forged = [
        (header.clone(), "{}"),
        (
            header.replace(&stamp.to_string(), &(stamp + 1).to_string()),
            BODY,
        ),
        (header.replace("v1=", "v0="), BODY),
        (format!("v1={good}"), BODY),
        (format!("t={stamp},v1={}", stripe("old", NOW)), BODY),
        (format!("t={stamp},v1=xyz"), BODY),
        (String::new(), BODY),
    ];
    for (header, body) in forged {
        let call = stripe_call(header, body);
        assert_eq!(stripe_verified(&call), Err(WebhookError::Forged));
    }
    assert_eq!(stripe_verified(&call(&[], BODY)), Err(WebhookError::Forged));
}

#[test]
fn a_signature_of_stripe_goes_stale() {
    for far in [Duration::minutes(6), -Duration::minutes(6)] {
        let at = NOW + far;
        let header = format!("t={},v1={}", at.unix_timestamp(), stripe(STRIPE, at));
        let call = stripe_call(header, BODY);
        assert_eq!(stripe_verified(&call), Err(WebhookError::Stale));
    }
}

#[test]
fn secrets_of_another_form_are_refused() {
    assert!(StandardSecret::parse(DODO).is_ok());
    assert!(StandardSecret::parse(&DODO[6..]).is_ok());
    for bad in ["", "whsec_", "whsec_not base64"] {
        assert!(StandardSecret::parse(bad).is_err(), "{bad}");
    }
}
