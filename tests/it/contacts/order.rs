//! Which refusal wins. Every request here breaks a check and a later one, and is told the former.

use blackbox::book::{BULK_DELETE, CONTACTS, GROUPS, JOBS, ids, members, unknown};
use blackbox::{Client, Reply, Stack};
use reqwest::Method;
use serde_json::json;

use super::NOBODY;

fn told(reply: &Reply, status: u16, code: &str) {
    assert_eq!(reply.outcome(), (status, code), "{reply:?}");
}

fn large() -> Vec<u8> {
    let mut body = b"{\"name\":\"".to_vec();
    body.resize(1_100_000, b'a');
    body
}

/// The routes that read a body, and whether they need a usable subscription.
fn bodies() -> [(Method, String, bool); 7] {
    [
        (Method::POST, CONTACTS.to_owned(), true),
        (Method::PUT, format!("{CONTACTS}/{NOBODY}"), true),
        (Method::POST, GROUPS.to_owned(), true),
        (Method::PUT, format!("{GROUPS}/{NOBODY}"), true),
        (Method::POST, members(NOBODY), true),
        (Method::DELETE, members(NOBODY), false),
        (Method::POST, BULK_DELETE.to_owned(), false),
    ]
}

async fn send(client: &Client, method: &Method, path: &str, body: &[u8], kind: &str) -> Reply {
    client
        .call(method.clone(), path, Some(body.to_vec()), kind)
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn subscription_shape_resource_limit_and_conflict_come_in_turn() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let client = &account.client;
    stack
        .sql("UPDATE subscriptions SET status = 'expired'", &[])
        .await;
    for (method, path, needs) in bodies() {
        let reply = send(client, &method, &path, &large(), "text/plain").await;
        let expected = if needs {
            (403, "SUBSCRIPTION_INACTIVE")
        } else {
            (413, "PAYLOAD_TOO_LARGE")
        };
        assert_eq!(reply.outcome(), expected, "{method} {path}");
    }
    stack
        .sql("UPDATE subscriptions SET status = 'active'", &[])
        .await;
    for (method, path, _) in bodies() {
        let json = "application/json";
        told(
            &send(client, &method, &path, &large(), "text/plain").await,
            413,
            "PAYLOAD_TOO_LARGE",
        );
        told(
            &send(client, &method, &path, b"{", "text/plain").await,
            415,
            "UNSUPPORTED_MEDIA_TYPE",
        );
        told(
            &send(client, &method, &path, b"{", json).await,
            400,
            "BAD_REQUEST",
        );
        for body in ["[]", "null", "7", ""] {
            let reply = send(client, &method, &path, body.as_bytes(), json).await;
            assert_eq!(reply.fields(), [""], "{method} {path} {body}");
        }
        let wrong = json!({ "name": 1, "contactIds": 1 }).to_string();
        told(
            &send(client, &method, &path, wrong.as_bytes(), json).await,
            400,
            "VALIDATION_ERROR",
        );
    }
    // Shape before resource, also for an id that is none.
    told(
        &client
            .put(&format!("{CONTACTS}/x"), &json!({ "name": 1 }))
            .await,
        400,
        "VALIDATION_ERROR",
    );
    told(
        &client
            .get(&format!("{CONTACTS}?groupId={NOBODY}&limit=0"))
            .await,
        400,
        "VALIDATION_ERROR",
    );
    // Resource before conflict, limit before conflict.
    let lina = client.contact("Lina", 33_698_765_432).await;
    client.contact("Ada", 33_612_345_678).await;
    let taken = json!({ "phone": "+33612345678" });
    told(
        &client.put(&format!("{CONTACTS}/{NOBODY}"), &taken).await,
        404,
        "NOT_FOUND",
    );
    told(
        &client.put(&format!("{CONTACTS}/{lina}"), &taken).await,
        409,
        "CONFLICT",
    );
    client.group("VIP").await;
    stack
        .sql("UPDATE plans SET max_contact_groups = 1", &[])
        .await;
    told(
        &client.post(GROUPS, &json!({ "name": "" })).await,
        400,
        "VALIDATION_ERROR",
    );
    told(
        &client.post(GROUPS, &json!({ "name": "vip" })).await,
        403,
        "MAX_CONTACT_GROUPS_REACHED",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_pays_no_more_reads_deletes_and_stops() {
    let stack = Stack::with(&[("roles", "api")]).await;
    let account = stack.account("pro").await;
    let client = &account.client;
    let lina = client.contact("Lina", 33_698_765_432).await;
    let ada = client.contact("Ada", 33_612_345_678).await;
    let group = client.group("VIP").await;
    client.join(&group, &[&lina, &ada]).await;
    let job = client.begin(Method::POST, BULK_DELETE, &unknown(100)).await;
    stack
        .sql("UPDATE subscriptions SET status = 'expired'", &[])
        .await;
    let (contact, in_group) = (format!("{CONTACTS}/{lina}"), format!("{GROUPS}/{group}"));
    for path in [
        CONTACTS.to_owned(),
        contact.clone(),
        format!("{contact}/groups"),
        GROUPS.to_owned(),
        in_group.clone(),
        members(&group),
        JOBS.to_owned(),
        format!("{JOBS}/{job}/progress"),
    ] {
        assert_eq!(client.get(&path).await.status, 200, "{path}");
    }
    for reply in [
        client
            .post(CONTACTS, &json!({ "name": "Eve", "phone": "+33600000000" }))
            .await,
        client.put(&contact, &json!({ "name": "Eve" })).await,
        client.post(GROUPS, &json!({ "name": "New" })).await,
        client.put(&in_group, &json!({ "name": "New" })).await,
        client.post(&members(&group), &ids(&[&lina])).await,
    ] {
        told(&reply, 403, "SUBSCRIPTION_INACTIVE");
    }
    for reply in [
        client.delete_with(&members(&group), &ids(&[&lina])).await,
        client.post(BULK_DELETE, &ids(&[&ada])).await,
        client.delete(&contact).await,
        client.delete(&in_group).await,
        client.post_empty(&format!("{JOBS}/{job}/cancel")).await,
    ] {
        assert_eq!(reply.status, 200, "{reply:?}");
    }
    let many = client.post(BULK_DELETE, &ids(&unknown(100))).await;
    assert_eq!(many.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn fixed_paths_win_over_ids_and_know_their_methods() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    for (path, allow) in [
        (CONTACTS, vec!["GET", "POST"]),
        (GROUPS, vec!["GET", "POST"]),
        (JOBS, vec!["GET"]),
        (BULK_DELETE, vec!["POST"]),
        ("/api/v1/contacts/x", vec!["DELETE", "GET", "PUT"]),
        ("/api/v1/contacts/x/groups", vec!["GET"]),
        ("/api/v1/contacts/groups/x", vec!["DELETE", "GET", "PUT"]),
        (
            "/api/v1/contacts/groups/groups",
            vec!["DELETE", "GET", "PUT"],
        ),
        ("/api/v1/contacts/bulk-jobs/groups", vec!["GET"]),
        (
            "/api/v1/contacts/groups/x/members",
            vec!["DELETE", "GET", "POST"],
        ),
        ("/api/v1/contacts/bulk-jobs/x/cancel", vec!["POST"]),
        ("/api/v1/contacts/bulk-jobs/x/progress", vec!["GET"]),
    ] {
        // No key is looked at.
        let reply = stack
            .client("nonsense")
            .call(Method::TRACE, path, None, "")
            .await;
        told(&reply, 405, "METHOD_NOT_ALLOWED");
        let mut known: Vec<_> = reply.header("allow").split(", ").collect();
        known.sort_unstable();
        assert_eq!(known, allow, "{path}");
    }
    for path in [
        "/api/v1/contacts/",
        "/api/v1/contacts/x/members",
        "/api/v1/contacts/groups/x/y",
        "/api/v1/contacts/bulk-jobs/x/stop",
        "/api/v1/contacts/x/groups/y",
    ] {
        told(&account.client.get(path).await, 404, "NOT_FOUND");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_call_costs_one_request_and_no_message() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let before = account.usage().await["apiRequestsCount"]
        .as_u64()
        .expect("a number");
    let lina = account.client.contact("Lina", 33_698_765_432).await;
    let group = account.client.group("VIP").await;
    account.client.join(&group, &[&lina]).await;
    account.client.page(CONTACTS).await;
    let refused = account.client.post(BULK_DELETE, &json!({})).await;
    assert_eq!(refused.status, 400);
    // The job itself costs nothing, however many contacts it is about.
    let begun = account
        .client
        .post(BULK_DELETE, &ids(&unknown(1_000)))
        .await;
    assert_eq!(begun.status, 202);
    let after = account.usage().await;
    assert_eq!(after["apiRequestsCount"], before + 7);
    assert_eq!(after["messagesCount"], 0);
}
