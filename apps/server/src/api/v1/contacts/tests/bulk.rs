//! Changes of many contacts, and the jobs they become.

use super::*;

const BULK_DELETE: &str = "/api/v1/contacts/bulk-delete";
const JOBS: &str = "/api/v1/contacts/bulk-jobs";

fn members() -> String {
    format!("/api/v1/contacts/groups/{GROUP}/members")
}

/// So many ids nobody has.
fn unknown(count: usize) -> Vec<String> {
    (0..count)
        .map(|n| format!("00000000-0000-0000-0001-{n:012x}"))
        .collect()
}

async fn remove(running: &Running, body: &Value) -> Answer {
    let request = keyed(Method::DELETE, &members());
    running.call(request.set_json(body)).await
}

#[actix_web::test]
async fn few_contacts_are_changed_at_once() {
    let running = over(held());
    let ids = json!({ "contactIds": [CONTACT, UNKNOWN, CONTACT, UNKNOWN] });
    let deleted = running.post(BULK_DELETE, &ids).await;
    assert_eq!(deleted.status, 200);
    assert_eq!(
        deleted.json()["data"],
        json!({ "requested": 4, "deleted": 1, "deletedCount": 1, "notFound": [UNKNOWN] })
    );
    assert_eq!(
        running.post(&members(), &ids).await.json()["data"],
        json!({ "added": 0, "alreadyInGroup": 1, "notFound": 1, "total": 2 })
    );
    assert_eq!(
        remove(&running, &ids).await.json()["data"],
        json!({ "removed": 1, "notInGroup": 1 })
    );
}

#[actix_web::test]
async fn a_hundred_contacts_are_a_job_however_often_one_is_repeated() {
    let running = over(held());
    let hundred = json!({ "contactIds": vec![CONTACT; 100] });
    let accepted = running.post(BULK_DELETE, &hundred).await;
    assert_eq!(accepted.status, 202);
    let mut data = accepted.json()["data"].clone();
    let id = data["jobId"].take();
    let message = data["message"].take();
    assert!(
        message
            .as_str()
            .unwrap()
            .contains(&format!("{JOBS}/{}", id.as_str().unwrap()))
    );
    assert_eq!(
        data,
        json!({
            "mode": "async", "jobId": null, "status": "pending",
            "operation": "bulk_delete_contacts", "requestedCount": 100, "progress": 0,
            "message": null,
        })
    );
    let added = running.post(&members(), &hundred).await;
    let removed = remove(&running, &hundred).await;
    for (answer, operation) in [(added, "add_to_group"), (removed, "remove_from_group")] {
        let data = &answer.json()["data"];
        assert_eq!(
            (answer.status, &data["operation"]),
            (202, &json!(operation))
        );
        assert_eq!(data["groupId"], GROUP);
    }
    let fewer = json!({ "contactIds": unknown(99) });
    assert_eq!(running.post(BULK_DELETE, &fewer).await.status, 200);
}

#[actix_web::test]
async fn ten_thousand_ids_fit_and_one_more_is_refused() {
    let running = over(held());
    let most = json!({ "contactIds": unknown(10_000) });
    assert_eq!(running.post(BULK_DELETE, &most).await.status, 202);
    let more = json!({ "contactIds": unknown(10_001) });
    for answer in [
        running.post(BULK_DELETE, &more).await,
        running.post(&members(), &more).await,
        remove(&running, &more).await,
    ] {
        assert_eq!(answer.refusal(), refused(400, "VALIDATION_ERROR"));
        assert_eq!(told(&answer), ["contactIds length"]);
        assert!(answer.text.contains("Give 1 to 10000 ids"), "{answer:?}");
    }
}

#[actix_web::test]
async fn every_wrong_id_is_told_by_its_place() {
    let running = over(held());
    for (body, expected) in [
        (json!({}), vec!["contactIds required"]),
        (json!({ "contactIds": null }), vec!["contactIds required"]),
        (
            json!({ "contactIds": CONTACT }),
            vec!["contactIds invalid_type"],
        ),
        (json!({ "contactIds": [] }), vec!["contactIds length"]),
        (
            json!({ "contactIds": [CONTACT, "1", 7, null, ""] }),
            vec![
                "contactIds.1 invalid_uuid",
                "contactIds.2 invalid_type",
                "contactIds.3 invalid_type",
                "contactIds.4 invalid_uuid",
            ],
        ),
    ] {
        for answer in [
            running.post(BULK_DELETE, &body).await,
            running.post(&members(), &body).await,
            remove(&running, &body).await,
        ] {
            assert_eq!(told(&answer), expected, "{body}");
        }
    }
}

#[actix_web::test]
async fn what_began_once_is_answered_once() {
    let running = over(held());
    for (path, count, status) in [
        (BULK_DELETE.to_owned(), 1, 200),
        (BULK_DELETE.to_owned(), 100, 202),
        (members(), 100, 202),
    ] {
        let key = format!("{path} {count}");
        let call = || {
            let request = keyed(Method::POST, &path).insert_header(("idempotency-key", &*key));
            running.call(request.set_json(json!({ "contactIds": unknown(count) })))
        };
        let (first, again) = (call().await, call().await);
        assert_eq!((first.status, &first.text), (status, &again.text));
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
    }
    let request = keyed(Method::POST, BULK_DELETE).insert_header(("idempotency-key", ""));
    let answer = running.call(request.set_json(json!({}))).await;
    assert_eq!(
        told(&answer),
        ["Idempotency-Key invalid_header", "contactIds required"]
    );
}

#[actix_web::test]
async fn a_job_shows_how_far_it_is() {
    let running = over(held());
    let shown = json!({
        "id": JOB, "operation": "add_to_group", "status": "processing", "requestedCount": 1200,
        "processedCount": 500, "progress": 42, "groupId": GROUP,
        "summary": { "added": 470, "alreadyInGroup": 25, "notFound": 5 }, "error": null,
        "createdAt": "2026-05-10T08:00:00.000Z", "updatedAt": "2026-05-10T08:00:03.000Z",
        "completedAt": null,
    });
    for path in [format!("{JOBS}/{JOB}"), format!("{JOBS}/{JOB}/progress")] {
        assert_eq!(running.get(&path).await.json()["data"], shown, "{path}");
    }
    assert_eq!(
        running.get(JOBS).await.json()["data"],
        json!({ "jobs": [shown], "nextCursor": null, "hasMore": false })
    );
    for wrong in ["limit=101", "cursor=1"] {
        let answer = running.get(&format!("{JOBS}?{wrong}")).await;
        assert_eq!(
            answer.refusal(),
            refused(400, "VALIDATION_ERROR"),
            "{wrong}"
        );
    }
}

#[actix_web::test]
async fn a_job_is_cancelled_unless_it_has_ended() {
    let cancel = format!("{JOBS}/{JOB}/cancel");
    let answer = over(held()).call(keyed(Method::POST, &cancel)).await;
    let data = &answer.json()["data"];
    assert_eq!((answer.status, &data["status"]), (200, &json!("cancelled")));
    assert_eq!(data["completedAt"], "2026-05-20T12:00:00.000Z");
    for (status, outcome) in [
        (msgflash_contacts::JobStatus::Done, 409),
        (msgflash_contacts::JobStatus::Failed, 409),
        (msgflash_contacts::JobStatus::Cancelled, 200),
    ] {
        let mut held = held();
        held.job = held.job.map(|it| msgflash_contacts::Job { status, ..it });
        let answer = over(held).call(keyed(Method::POST, &cancel)).await;
        assert_eq!(answer.status, outcome, "{status:?}: {answer:?}");
    }
}
