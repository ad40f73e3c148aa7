//! The address book over fake ports.

use actix_web::http::Method;
use msgflash_billing::SubscriptionStatus;
use serde_json::{Value, json};

use crate::testing::book::{FakeBook, Held};
use crate::testing::samples::{CONTACT, GROUP, JOB, contact, entitlement, group, job};
use crate::testing::{Answer, Fake, Running, keyed};

mod bulk;
mod groups;
mod people;

const UNKNOWN: &str = "00000000-0000-0000-0000-00000000dead";

/// One contact in one group, and one job.
fn held() -> Held {
    Held {
        contact: Some(contact()),
        group: Some(group()),
        is_member: true,
        groups: 1,
        job: Some(job()),
    }
}

fn book(held: Held) -> Fake {
    let mut fake = Fake::new();
    fake.rate_per_second = 1000;
    fake.book = FakeBook::with(held);
    fake
}

/// A running application over a book.
fn over(held: Held) -> Running {
    Running::over(book(held))
}

/// The same for somebody whose subscription is over.
fn over_expired(held: Held) -> Running {
    let mut fake = book(held);
    let mut entitlement = entitlement();
    entitlement.subscription.status = SubscriptionStatus::Expired;
    fake.holds(entitlement);
    Running::over(fake)
}

async fn put(running: &Running, path: &str, body: &Value) -> Answer {
    running.call(keyed(Method::PUT, path).set_json(body)).await
}

async fn delete(running: &Running, path: &str) -> Answer {
    running.call(keyed(Method::DELETE, path)).await
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// Field and code of each problem.
fn told(answer: &Answer) -> Vec<String> {
    let problems = answer.problems().into_iter();
    problems
        .map(|(field, code)| format!("{field} {code}"))
        .collect()
}

#[actix_web::test]
async fn only_calls_that_create_or_change_need_a_usable_subscription() {
    let running = over_expired(held());
    let ids = json!({ "contactIds": [CONTACT] });
    let person = json!({ "name": "Ada", "phone": "+33612345678" });
    let name = json!({ "name": "Ada" });
    let contact = format!("/api/v1/contacts/{CONTACT}");
    let group = format!("/api/v1/contacts/groups/{GROUP}");
    let members = format!("{group}/members");
    for answer in [
        running.post("/api/v1/contacts", &person).await,
        put(&running, &contact, &name).await,
        running.post("/api/v1/contacts/groups", &name).await,
        put(&running, &group, &name).await,
        running.post(&members, &ids).await,
    ] {
        assert_eq!(answer.refusal(), refused(403, "SUBSCRIPTION_INACTIVE"));
    }
    let cancel = format!("/api/v1/contacts/bulk-jobs/{JOB}/cancel");
    for answer in [
        delete(&running, &contact).await,
        delete(&running, &group).await,
        running
            .call(keyed(Method::DELETE, &members).set_json(&ids))
            .await,
        running.post("/api/v1/contacts/bulk-delete", &ids).await,
        running.call(keyed(Method::POST, &cancel)).await,
        running.get(&contact).await,
    ] {
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

#[actix_web::test]
async fn what_is_unknown_or_malformed_in_a_path_is_not_found() {
    let running = over(held());
    let ids = json!({ "contactIds": [CONTACT] });
    let name = json!({ "name": "Ada" });
    for id in [UNKNOWN, "1", "%20", "groups", "bulk-jobs"] {
        let contact = format!("/api/v1/contacts/{id}");
        let group = format!("/api/v1/contacts/groups/{id}");
        let job = format!("/api/v1/contacts/bulk-jobs/{id}");
        let members = format!("{group}/members");
        let mut answers = vec![
            running.get(&format!("{contact}/groups")).await,
            running.get(&group).await,
            put(&running, &group, &name).await,
            delete(&running, &group).await,
            running.post(&members, &ids).await,
            running
                .call(keyed(Method::DELETE, &members).set_json(&ids))
                .await,
            running.get(&job).await,
            running.get(&format!("{job}/progress")).await,
            running
                .call(keyed(Method::POST, &format!("{job}/cancel")))
                .await,
        ];
        if !["groups", "bulk-jobs"].contains(&id) {
            answers.push(running.get(&contact).await);
            answers.push(put(&running, &contact, &name).await);
            answers.push(delete(&running, &contact).await);
        }
        for answer in answers {
            assert_eq!(answer.refusal(), refused(404, "NOT_FOUND"), "{id}");
        }
    }
}

#[actix_web::test]
async fn fixed_paths_are_no_ids() {
    let running = over(held());
    for (method, path, allow) in [
        (Method::PUT, "groups", "GET, POST"),
        (Method::DELETE, "bulk-jobs", "GET"),
        (Method::GET, "bulk-delete", "POST"),
    ] {
        let path = format!("/api/v1/contacts/{path}");
        let answer = running.call(keyed(method, &path)).await;
        assert_eq!(answer.refusal(), refused(405, "METHOD_NOT_ALLOWED"));
        assert_eq!(answer.header("allow"), Some(allow));
    }
}
