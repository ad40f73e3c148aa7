//! Bodies and what is shown of campaigns. Whatever is stored goes through the real server, in the black-box
//! tests.

use actix_web::http::Method;
use msgflash_kernel::{Id, Phone};
use msgflash_messaging::MessageStatus;
use msgflash_messaging::campaign::ports::AudienceShare;
use msgflash_messaging::campaign::recipient::{Line, RecipientStatus};
use serde_json::{Value, json};

use crate::testing::samples::{CONTACT, INSTANCE, MESSAGE, NOW, entitlement, uuid};
use crate::testing::{Answer, Fake, Running, keyed};

const CAMPAIGNS: &str = "/api/v1/campaigns";
const DRY: &str = "/api/v1/campaigns?dryRun=true";
const MEDIA: &str = "https://files.example.com/a.bin";

fn problems(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter()
        .map(|(field, code)| ((*field).to_owned(), (*code).to_owned()))
        .collect()
}

fn with(more: &Value) -> Value {
    let mut body = json!({
        "name": "Spring", "instanceId": INSTANCE, "schedule": "2026-05-21T12:00:00Z",
        "recipients": { "type": "all" }, "type": "text", "body": "Hello",
    });
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body
}

/// An audience of nobody.
fn fake() -> Fake {
    let mut fake = Fake::new();
    fake.rate_per_second = 100;
    let audiences = &mut fake.campaigns.audiences;
    audiences
        .expect_share()
        .returning(|_, _, _, _| Ok(AudienceShare::default()));
    audiences
        .expect_walk()
        .returning(|_, _, _, _| Ok((Vec::new(), None)));
    audiences.expect_missing().returning(|_, _| Ok(Vec::new()));
    audiences.expect_has_group().returning(|_, _| Ok(true));
    fake
}

async fn rehearsed(running: &Running, more: &Value) -> Answer {
    running.post(DRY, &with(more)).await
}

#[actix_web::test]
async fn every_type_passes_at_its_edges() {
    let running = Running::over(fake());
    let choices = json!([{ "title": "reply", "displayText": "Yes", "id": "y" }]);
    for more in [
        json!({ "body": "é".repeat(4096) }),
        json!({ "type": "image", "mediaUrl": MEDIA, "body": "é".repeat(1024) }),
        json!({ "type": "video", "mediaUrl": MEDIA, "body": null }),
        json!({ "type": "document", "mediaUrl": MEDIA }),
        json!({ "type": "audio", "mediaUrl": MEDIA, "body": [7] }),
        json!({ "type": "voice_note", "mediaUrl": MEDIA, "body": "a".repeat(5000) }),
        json!({ "type": "buttons", "title": "a", "description": "b", "buttons": choices }),
        json!({ "name": "é".repeat(120), "repeat": "noe", "unknown": 1 }),
        json!({ "schedule": "2027-05-20T12:00:00Z", "repeat": "daily" }),
        json!({ "sendBy": "2026-05-21T12:00:01Z" }),
        json!({ "recipients": { "type": "group", "groupId": MESSAGE, "value": [] } }),
        json!({ "recipients": { "type": "explicit", "value": [CONTACT, CONTACT] } }),
        json!({ "window": { "start": "22:00", "end": "06:00", "timezone": "Asia/Kathmandu" } }),
    ] {
        let answer = rehearsed(&running, &more).await;
        assert_eq!(answer.status, 200, "{more} {}", answer.text);
    }
}

#[actix_web::test]
async fn all_problems_are_told_at_once_and_in_the_order_of_the_page() {
    let body = json!({
        "name": "", "instanceId": 1, "schedule": "soon", "repeat": "yearly",
        "window": { "start": "9:00", "days": ["mon", "day"] }, "sendBy": 7,
        "recipients": { "type": "tags", "value": [" ", 7] },
        "variables": [], "templateId": MESSAGE, "type": "text",
    });
    let answer = Running::over(fake()).post(CAMPAIGNS, &body).await;
    assert_eq!(answer.refusal(), (400, "VALIDATION_ERROR".to_owned()));
    assert_eq!(
        answer.problems(),
        problems(&[
            ("name", "too_short"),
            ("instanceId", "invalid_type"),
            ("schedule", "invalid_date"),
            ("repeat", "invalid_enum"),
            ("window.end", "required"),
            ("window.timezone", "required"),
            ("window.days.1", "invalid_enum"),
            ("window.start", "invalid_time"),
            ("sendBy", "invalid_type"),
            ("recipients.value.0", "too_short"),
            ("recipients.value.1", "invalid_type"),
            ("variables", "invalid_type"),
            ("templateId", "not_allowed"),
        ])
    );
}

#[actix_web::test]
async fn hours_and_an_end_fit_each_other() {
    let running = Running::over(fake());
    // It begins at noon on a Thursday; the window opens at three.
    let hours = json!({ "start": "15:00", "end": "18:00", "timezone": "UTC", "days": ["thu"] });
    for (by, status) in [
        ("2026-05-21T12:00:00Z", 400),
        ("2026-05-21T15:00:00Z", 400),
        ("2026-05-21T15:00:01Z", 200),
    ] {
        let more = json!({ "window": hours, "sendBy": by });
        let answer = rehearsed(&running, &more).await;
        assert_eq!(answer.status, status, "{by} {}", answer.text);
    }
    let shown = rehearsed(&running, &json!({ "window": hours })).await;
    let schedule = &shown.json()["data"]["schedule"];
    assert_eq!(schedule["startsAt"], "2026-05-21T15:00:00.000Z");
}

#[actix_web::test]
async fn a_dry_run_of_nobody_is_shown_to_the_field() {
    let shown = rehearsed(&Running::over(fake()), &json!({})).await;
    assert_eq!(
        shown.json()["data"],
        json!({
            "dryRun": true,
            "audience": { "recipients": 0, "duplicates": 0, "suppressed": 0, "unrenderable": 0 },
            "samples": [], "failures": [],
            "quota": { "needed": 0, "left": 49_994, "sufficient": true },
            "schedule": { "startsAt": "2026-05-21T12:00:00.000Z",
                "estimatedCompletionAt": "2026-05-21T12:00:00.000Z", "durationSeconds": 0 },
            "safety": { "decision": "allow", "riskLevel": "low", "state": "stable", "score": 85,
                "reasons": [], "recommendations": [],
                "appliedLimits": { "hourlyOutboundCap": 200, "dailyOutboundCap": 1500,
                    "maxCampaignRecipients": 2000, "maxColdRatio": 0.8 },
                "audience": { "totalRecipients": 0, "warmCount": 0, "coldCount": 0, "unknownCount": 0,
                    "blockedCount": 0, "coldRatio": 0.0, "warmRatio": 0.0, "unknownRatio": 0.0 } },
        })
    );
}

#[actix_web::test]
async fn the_gate_comes_before_the_body_and_voice_notes_after_it() {
    let mut fake = fake();
    let mut held = entitlement();
    held.plan.features.voice_notes = false;
    fake.holds(held);
    let running = Running::over(fake);
    let voice = json!({ "type": "voice_note", "mediaUrl": MEDIA });
    let refused = rehearsed(&running, &voice).await;
    let lacks = (403, "FEATURE_NOT_AVAILABLE_ON_PLAN".to_owned());
    assert_eq!(refused.refusal(), lacks);
    let wrong = rehearsed(&running, &json!({ "type": "voice_note" })).await;
    assert_eq!(wrong.status, 400);
    let mut fake = Fake::new();
    let mut held = entitlement();
    held.plan.features.campaigns = false;
    fake.holds(held);
    let refused = Running::over(fake).post(CAMPAIGNS, &json!([])).await;
    let lacks = (403, "CAMPAIGNS_NOT_AVAILABLE_ON_PLAN".to_owned());
    assert_eq!(refused.refusal(), lacks);
}

#[actix_web::test]
async fn a_dry_run_looks_at_no_key() {
    let running = Running::over(fake());
    let request = keyed(Method::POST, DRY)
        .insert_header(("Idempotency-Key", "a".repeat(300)))
        .set_json(with(&json!({})));
    assert_eq!(running.call(request).await.status, 200);
    let request = keyed(Method::POST, CAMPAIGNS)
        .insert_header(("Idempotency-Key", "a".repeat(300)))
        .set_json(with(&json!({})));
    let refused = running.call(request).await;
    assert_eq!(
        refused.problems(),
        problems(&[("Idempotency-Key", "invalid_header")])
    );
}

#[actix_web::test]
async fn somebody_without_a_message_is_shown_as_a_waiting_one() {
    let mut fake = Fake::new();
    let id = uuid(0x90);
    fake.campaigns
        .campaigns
        .expect_find()
        .returning(|_, _| Ok(None));
    let path = format!("{CAMPAIGNS}/{id}/recipients?limit=5&status=skipped");
    let missing = Running::over(fake).get(&path).await;
    assert_eq!(missing.refusal(), (404, "NOT_FOUND".to_owned()));

    let mut fake = Fake::new();
    fake.messages.expect_find().returning(|_, _| Ok(None));
    fake.campaigns
        .campaigns
        .expect_find_planned()
        .returning(|_, _| Ok(None));
    let path = format!("/api/v1/messages/{MESSAGE}");
    let missing = Running::over(fake).get(&path).await;
    assert_eq!(missing.refusal(), (404, "NOT_FOUND".to_owned()));

    let view = super::recipients::CampaignMessageView::from(&line());
    let shown = serde_json::to_value(view).expect("a view");
    assert_eq!(
        (&shown["status"], &shown["type"]),
        (&json!("queued"), &Value::Null)
    );
    assert_eq!(shown["createdAt"], "2026-05-20T12:00:00.000Z");
}

fn line() -> Line {
    Line {
        message: Id::new(uuid(0x91)),
        run: Id::new(uuid(0x92)),
        contact: None,
        contact_name: None,
        phone: Phone::parse("+33612345678").expect("a number"),
        status: RecipientStatus::Message(MessageStatus::Queued),
        code: None,
        error: None,
        kind: None,
        body: None,
        created_at: NOW,
        updated_at: NOW,
    }
}
