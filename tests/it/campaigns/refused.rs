//! Every problem of a body, told at once, and nothing kept.

use std::time::Duration;

use blackbox::{id_of, moment_in};
use serde_json::{Value, json};

use super::{CAMPAIGNS, CONSOLE, NOBODY, Scene, tomorrow, with};

type Told<'a> = &'a [(&'a str, &'a str)];

impl Scene {
    /// Both surfaces refuse a body for these reasons.
    async fn refuses(&self, body: &Value, told: Told<'_>) {
        for (client, root) in [(self.client(), CAMPAIGNS), (&self.console, CONSOLE)] {
            let reply = client.post(root, body).await;
            assert_eq!(
                reply.outcome(),
                (400, "VALIDATION_ERROR"),
                "{body}: {reply:?}"
            );
            let details = reply.json["error"]["details"].as_array().expect("details");
            let text = |it: &Value, name: &str| it[name].as_str().expect("text").to_owned();
            let noted: Vec<_> = details
                .iter()
                .map(|it| (text(it, "field"), text(it, "code")))
                .collect();
            let told: Vec<_> = told
                .iter()
                .map(|(field, code)| ((*field).to_owned(), (*code).to_owned()))
                .collect();
            assert_eq!(noted, told, "{body}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_told_at_once() {
    let scene = Scene::with(0, &[("allow_private_targets", "false")]).await;
    scene
        .refuses(
            &json!({}),
            &[
                ("name", "required"),
                ("instanceId", "required"),
                ("schedule", "required"),
                ("recipients", "required"),
                ("type", "required"),
            ],
        )
        .await;
    let all_wrong = json!({
        "name": "é".repeat(121), "instanceId": "ins-1", "schedule": "tomorrow", "repeat": "monthly",
        "window": { "start": "9:00", "end": "24:00", "timezone": "Mars/Base", "days": ["mon", "Monday", 7] },
        "sendBy": "soon", "recipients": { "type": "explicit", "value": ["a", NOBODY, 7] },
        "variables": { "a-b": 1 }, "type": "image", "mediaUrl": "http://127.0.0.1/a.png", "body": [],
    });
    scene
        .refuses(
            &all_wrong,
            &[
                ("name", "too_long"),
                ("instanceId", "invalid_uuid"),
                ("schedule", "invalid_date"),
                ("repeat", "invalid_enum"),
                ("window.days.1", "invalid_enum"),
                ("window.days.2", "invalid_type"),
                ("window.start", "invalid_time"),
                ("window.end", "invalid_time"),
                ("window.timezone", "invalid_timezone"),
                ("sendBy", "invalid_date"),
                ("recipients.value.0", "invalid_uuid"),
                ("recipients.value.2", "invalid_type"),
                ("variables.a-b", "invalid_name"),
                ("body", "invalid_type"),
                ("mediaUrl", "private_address"),
            ],
        )
        .await;
    assert_eq!(scene.stored().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_member_has_its_rules() {
    let scene = Scene::new(0).await;
    let good = scene.tomorrow();
    let year = moment_in(Duration::from_hours(24 * 366));
    let table: &[(Value, Told<'_>)] = &[
        (json!({ "name": "  " }), &[("name", "too_short")]),
        (json!({ "name": 7 }), &[("name", "invalid_type")]),
        (json!({ "schedule": year }), &[("schedule", "out_of_range")]),
        (
            json!({ "sendBy": moment_in(Duration::ZERO) }),
            &[("sendBy", "out_of_range")],
        ),
        (
            json!({ "sendBy": "2020-01-01T00:00:00Z", "schedule": "2019-01-01T00:00:00Z" }),
            &[("sendBy", "out_of_range")],
        ),
        (
            json!({ "sendBy": moment_in(Duration::from_hours(48)), "repeat": "daily" }),
            &[("sendBy", "not_allowed")],
        ),
        (json!({ "window": [] }), &[("window", "invalid_type")]),
        (
            json!({ "window": {} }),
            &[
                ("window.start", "required"),
                ("window.end", "required"),
                ("window.timezone", "required"),
            ],
        ),
        (
            json!({ "window": { "start": "09:00", "end": "09:00", "timezone": "UTC", "days": [] } }),
            &[("window.end", "out_of_range"), ("window.days", "length")],
        ),
        (
            json!({ "window": { "start": "09:00", "timezone": "UTC+2", "days": "mon" } }),
            &[
                ("window.end", "required"),
                ("window.days", "invalid_type"),
                ("window.timezone", "invalid_timezone"),
            ],
        ),
        (json!({ "type": "location" }), &[("type", "invalid_enum")]),
        (json!({ "type": "contact" }), &[("type", "invalid_enum")]),
        (
            json!({ "templateId": NOBODY }),
            &[("templateId", "not_allowed")],
        ),
        (
            json!({ "type": null, "templateId": "tpl-1" }),
            &[("templateId", "invalid_uuid")],
        ),
        (json!({ "body": null }), &[("body", "required")]),
        (json!({ "body": " " }), &[("body", "too_short")]),
        (json!({ "body": "é".repeat(4097) }), &[("body", "too_long")]),
        (
            json!({ "type": "video", "mediaUrl": "/a" }),
            &[("mediaUrl", "invalid_url")],
        ),
        (
            json!({ "type": "document", "body": "a".repeat(1025) }),
            &[("body", "too_long"), ("mediaUrl", "required")],
        ),
        (json!({ "type": "voice_note" }), &[("mediaUrl", "required")]),
        (
            json!({ "type": "buttons", "footer": "a".repeat(61), "buttons": [{}, {}, {}] }),
            &[
                ("title", "required"),
                ("description", "required"),
                ("footer", "too_long"),
                ("buttons", "out_of_range"),
            ],
        ),
        (
            json!({ "type": "buttons", "title": "a", "description": "b", "buttons": [{ "type": "url", "displayText": "c" }] }),
            &[("buttons.0.url", "required")],
        ),
    ];
    for (more, told) in table {
        scene.refuses(&with(&good, more.clone()), told).await;
    }
    let client = scene.client();
    let broken = client.post_raw(CAMPAIGNS, "{", "application/json").await;
    assert_eq!(broken.outcome(), (400, "BAD_REQUEST"));
    let form = client.post_raw(CAMPAIGNS, "a=1", "text/plain").await;
    assert_eq!(form.outcome(), (415, "UNSUPPORTED_MEDIA_TYPE"));
    scene.refuses(&json!([good]), &[("", "invalid_type")]).await;
    assert_eq!(scene.stored().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audience_says_whom_it_means_and_nothing_else() {
    let scene = Scene::new(1).await;
    let tags: Vec<_> = (0..51).map(|n| format!("tag {n}")).collect();
    let many: Vec<_> = (0..10_001).map(|_| NOBODY).collect();
    let table: &[(Value, Told<'_>)] = &[
        (json!([]), &[("recipients", "invalid_type")]),
        (json!({}), &[("recipients.type", "required")]),
        (
            json!({ "type": "everybody" }),
            &[("recipients.type", "invalid_enum")],
        ),
        (
            json!({ "type": "all", "value": ["vip"] }),
            &[("recipients.value", "not_allowed")],
        ),
        (
            json!({ "type": "all", "groupId": NOBODY }),
            &[("recipients.groupId", "not_allowed")],
        ),
        (
            json!({ "type": "tags" }),
            &[("recipients.value", "required")],
        ),
        (
            json!({ "type": "tags", "value": [] }),
            &[("recipients.value", "length")],
        ),
        (
            json!({ "type": "tags", "value": tags }),
            &[("recipients.value", "length")],
        ),
        (
            json!({ "type": "tags", "value": "vip" }),
            &[("recipients.value", "invalid_type")],
        ),
        (
            json!({ "type": "tags", "value": ["vip", " ", 7, "a".repeat(51)] }),
            &[
                ("recipients.value.1", "too_short"),
                ("recipients.value.2", "invalid_type"),
                ("recipients.value.3", "too_long"),
            ],
        ),
        (
            json!({ "type": "explicit", "value": [] }),
            &[("recipients.value", "length")],
        ),
        (
            json!({ "type": "explicit", "value": many }),
            &[("recipients.value", "length")],
        ),
        (
            json!({ "type": "explicit", "value": [scene.people[0], NOBODY, scene.people[0]] }),
            &[("recipients.value.1", "unknown_contact")],
        ),
        (
            json!({ "type": "group" }),
            &[("recipients.groupId", "required")],
        ),
        (
            json!({ "type": "group", "groupId": "grp-1" }),
            &[("recipients.groupId", "invalid_uuid")],
        ),
        (
            json!({ "type": "group", "groupId": NOBODY, "value": [NOBODY] }),
            &[("recipients.value", "not_allowed")],
        ),
    ];
    for (recipients, told) in table {
        let body = with(&scene.tomorrow(), json!({ "recipients": recipients }));
        scene.refuses(&body, told).await;
    }
    assert_eq!(scene.stored().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_names_must_be_there() {
    let scene = Scene::new(0).await;
    let good = scene.tomorrow();
    let missing = (404, "NOT_FOUND");
    for more in [
        json!({ "instanceId": NOBODY }),
        json!({ "type": null, "templateId": NOBODY }),
        json!({ "recipients": { "type": "group", "groupId": NOBODY } }),
    ] {
        let body = with(&good, more);
        assert_eq!(scene.post(&body).await.outcome(), missing, "{body}");
        let by_person = scene.console.post(CONSOLE, &body).await;
        assert_eq!(by_person.outcome(), missing, "{body}");
    }
    let not_business = "UPDATE instances SET is_business = false";
    scene.stack.sql(not_business, &[]).await;
    let choices = with(
        &good,
        json!({ "type": "buttons", "title": "a", "description": "b",
            "buttons": [{ "type": "reply", "displayText": "c", "id": "d" }] }),
    );
    assert_eq!(
        scene.post(&choices).await.outcome(),
        (403, "UNSUPPORTED_FEATURE")
    );
    assert_eq!(scene.stored().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_at_the_edge_is_taken() {
    let scene = Scene::new(1).await;
    let good = scene.tomorrow();
    for more in [
        json!({ "name": "é".repeat(120) }),
        json!({ "body": "é".repeat(4096) }),
        json!({ "schedule": moment_in(Duration::from_hours(24 * 365)) }),
        json!({ "schedule": "2019-01-01T00:00:00", "repeat": null }),
        json!({ "repeat": "weekly", "recipients": { "type": "tags", "value": ["nobody"], "groupId": null } }),
        json!({ "sendBy": moment_in(Duration::from_hours(72)) }),
        json!({ "window": { "start": "00:00", "end": "23:59", "timezone": "America/Argentina/Buenos_Aires", "days": null } }),
        json!({ "recipients": { "type": "explicit", "value": vec![scene.people[0].clone(); 10_000] } }),
    ] {
        let body = with(&good, more);
        let made = scene.made(&body).await;
        let id = id_of(&made);
        assert_eq!(made["sendBy"].is_string(), body.get("sendBy").is_some());
        scene.press(&id, "cancel").await;
    }
    let list = scene.client().page(CAMPAIGNS).await;
    let long = &list["campaigns"][0]["recipients"];
    assert_eq!(
        long["value"].as_array().map(Vec::len),
        Some(100),
        "lists are short"
    );
    let id = id_of(&list["campaigns"][0]);
    let whole = scene.read(&id).await;
    assert_eq!(
        whole["recipients"]["value"].as_array().map(Vec::len),
        Some(10_000)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_ends_before_the_first_opening_is_no_time() {
    let scene = Scene::new(0).await;
    // Open for an hour that begins in two hours.
    let clock = |hours: u64| tomorrow_at(hours);
    let body = with(
        &scene.tomorrow(),
        json!({
            "sendBy": moment_in(Duration::from_hours(25)),
            "window": { "start": clock(2), "end": clock(3), "timezone": "UTC" },
        }),
    );
    scene.refuses(&body, &[("sendBy", "out_of_range")]).await;
    let later = with(
        &body,
        json!({ "sendBy": moment_in(Duration::from_hours(27)) }),
    );
    scene.made(&later).await;
}

/// The time of day so many hours after that of tomorrow's start.
fn tomorrow_at(hours: u64) -> String {
    let at = moment_in(Duration::from_hours(24 + hours));
    assert_eq!(&tomorrow()[10..11], "T");
    at[11..16].to_owned()
}
