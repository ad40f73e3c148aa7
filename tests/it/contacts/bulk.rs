//! Changes of many contacts: how many, and what becomes of each.

use blackbox::book::{BULK_DELETE, CONTACTS, GROUPS, JOBS, ids, members, unknown};
use blackbox::{Account, Reply, Stack};
use reqwest::Method;
use serde_json::{Value, json};

use super::NOBODY;

async fn scene() -> (Stack, Account, String) {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let group = account.client.group("Wholesale").await;
    (stack, account, group)
}

async fn person(account: &Account, n: u64) -> String {
    let name = format!("Person {n}");
    account.client.contact(&name, 33_600_000_000 + n).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_few_are_deleted_at_once_and_the_unknown_ones_named() {
    let (stack, account, group) = scene().await;
    let stranger = stack.account("pro").await;
    let foreign = person(&stranger, 1).await;
    let client = &account.client;
    let (one, two) = (person(&account, 1).await, person(&account, 2).await);
    let kept = person(&account, 3).await;
    client.join(&group, &[&one, &kept]).await;
    let named = [&*one, NOBODY, &*two, &*foreign, &*one, NOBODY];
    let gone = client.post(BULK_DELETE, &ids(&named)).await;
    assert_eq!(gone.status, 200, "{gone:?}");
    assert_eq!(
        gone.data(),
        &json!({ "requested": 6, "deleted": 2, "deletedCount": 2, "notFound": [NOBODY, foreign] })
    );
    assert_eq!(client.page(CONTACTS).await["total"], 1);
    assert_eq!(
        client.page(&format!("{GROUPS}/{group}")).await["contactCount"],
        1
    );
    assert_eq!(
        stranger
            .client
            .get(&format!("{CONTACTS}/{foreign}"))
            .await
            .status,
        200
    );
    let again = client.post(BULK_DELETE, &ids(&[&one])).await;
    assert_eq!(
        again.data(),
        &json!({ "requested": 1, "deleted": 0, "deletedCount": 0, "notFound": [one] })
    );
    assert_eq!(
        client.page(JOBS).await["jobs"],
        json!([]),
        "no job was made of it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ninety_nine_are_done_and_a_hundred_are_a_job() {
    let (_stack, account, group) = scene().await;
    let client = &account.client;
    let one = person(&account, 1).await;
    for (method, path, operation) in [
        (Method::POST, BULK_DELETE.to_owned(), "bulk_delete_contacts"),
        (Method::POST, members(&group), "add_to_group"),
        (Method::DELETE, members(&group), "remove_from_group"),
    ] {
        let send = async |contacts: &[String]| -> Reply {
            let body = ids(contacts).to_string().into_bytes();
            let method = method.clone();
            client
                .call(method, &path, Some(body), "application/json")
                .await
        };
        assert_eq!(send(&unknown(99)).await.status, 200, "{operation}");
        // What counts is how many are sent.
        let accepted = send(&vec![NOBODY.to_owned(); 100]).await;
        assert_eq!(accepted.status, 202, "{operation}: {accepted:?}");
        let mut data = accepted.data().clone();
        let id = data["jobId"].take();
        let id = id.as_str().expect("an id");
        let message = data["message"].take();
        let message = message.as_str().expect("text");
        assert!(
            message.contains(&format!("{JOBS}/{id}/progress")),
            "{message}"
        );
        let mut expected = json!({
            "mode": "async", "jobId": null, "status": "pending", "operation": operation,
            "requestedCount": 100, "progress": 0, "message": null,
        });
        if operation != "bulk_delete_contacts" {
            expected["groupId"] = json!(group);
        }
        assert_eq!(data, expected);
        let done = client.wait_job(id, "done").await;
        assert_eq!(
            (&done["processedCount"], &done["progress"]),
            (&json!(100), &json!(100))
        );
    }
    assert_eq!(client.get(&format!("{CONTACTS}/{one}")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_ids_fit_into_a_body_and_one_more_is_a_clear_refusal() {
    let (_stack, account, group) = scene().await;
    let client = &account.client;
    let most = unknown(10_000);
    let more = unknown(10_001);
    assert!((390_000..400_000).contains(&ids(&most).to_string().len()));
    for (method, path) in [
        (Method::POST, BULK_DELETE.to_owned()),
        (Method::POST, members(&group)),
        (Method::DELETE, members(&group)),
    ] {
        let id = client.begin(method.clone(), &path, &most).await;
        let done = client.wait_job(&id, "done").await;
        assert_eq!(done["processedCount"], 10_000);
        let body = Some(ids(&more).to_string().into_bytes());
        let refused = client.call(method, &path, body, "application/json").await;
        assert_eq!(refused.outcome(), (400, "VALIDATION_ERROR"), "{refused:?}");
        assert_eq!(refused.fields(), ["contactIds"]);
        assert!(refused.text.contains("10000"), "{refused:?}");
    }
    assert_eq!(
        client.page(JOBS).await["jobs"].as_array().map(Vec::len),
        Some(3)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_ids_is_told_by_their_place() {
    let (stack, account, group) = scene().await;
    let client = &account.client;
    let one = person(&account, 1).await;
    client.join(&group, &[&one]).await;
    let many: Vec<_> = (0..5_000).map(|n| json!(n)).collect();
    for (body, fields) in [
        (json!({}), vec!["contactIds"]),
        (json!({ "ids": [one] }), vec!["contactIds"]),
        (json!({ "contactIds": null }), vec!["contactIds"]),
        (json!({ "contactIds": one }), vec!["contactIds"]),
        (json!({ "contactIds": { "0": one } }), vec!["contactIds"]),
        (json!({ "contactIds": [] }), vec!["contactIds"]),
        (
            json!({ "contactIds": [one, "", "cnt_1", 7, null, [one], one.replace('-', "")] }),
            vec![
                "contactIds.1",
                "contactIds.2",
                "contactIds.3",
                "contactIds.4",
                "contactIds.5",
                "contactIds.6",
            ],
        ),
    ] {
        for reply in [
            client.post(BULK_DELETE, &body).await,
            client.post(&members(&group), &body).await,
            client.delete_with(&members(&group), &body).await,
        ] {
            assert_eq!(reply.outcome(), (400, "VALIDATION_ERROR"), "{body}");
            assert_eq!(reply.fields(), fields, "{body}");
        }
    }
    let reply = client
        .post(BULK_DELETE, &json!({ "contactIds": many }))
        .await;
    assert_eq!(
        reply.fields().len(),
        100,
        "an answer is not larger than the question"
    );
    let (contacts, jobs) = (client.page(CONTACTS).await, client.page(JOBS).await);
    assert_eq!((&contacts["total"], &jobs["jobs"]), (&json!(1), &json!([])));
    let left = stack
        .count("SELECT count(*) FROM contact_group_members", &[])
        .await;
    assert_eq!(left, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_does_what_a_call_would_have_done() {
    let (stack, account, group) = scene().await;
    let client = &account.client;
    let own = account.user.uuid();
    let all = stack.fill_book(own, own, 1_300).await;
    let stranger = stack.account("pro").await;
    let foreign = person(&stranger, 1).await;
    client.join(&group, &all[..50]).await;
    // 1,200 are new, 50 are in, 30 unknown, one foreign, and 20 come twice.
    let mut named = all[..1_250].to_vec();
    named.extend(unknown(30));
    named.push(foreign.clone());
    named.extend_from_slice(&all[1_000..1_020]);
    let id = client.begin(Method::POST, &members(&group), &named).await;
    let done = client.wait_job(&id, "done").await;
    assert_eq!(
        done["summary"],
        json!({ "added": 1_200, "alreadyInGroup": 70, "notFound": 31 })
    );
    assert_eq!(
        (&done["requestedCount"], &done["processedCount"]),
        (&json!(1_301), &json!(1_301))
    );
    assert_eq!(
        (&done["groupId"], &done["error"]),
        (&json!(group), &Value::Null)
    );
    assert!(done["completedAt"].is_string());
    assert_eq!(
        client.page(&format!("{GROUPS}/{group}")).await["contactCount"],
        1_250
    );

    let id = client
        .begin(Method::DELETE, &members(&group), &all[..1_280])
        .await;
    let done = client.wait_job(&id, "done").await;
    assert_eq!(
        done["summary"],
        json!({ "removed": 1_250, "notInGroup": 30 })
    );
    assert_eq!(client.page(&members(&group)).await["total"], 0);

    client.join(&group, &all[1_290..]).await;
    let mut named = all[..1_295].to_vec();
    named.push(foreign.clone());
    named.push(all[0].clone());
    let id = client.begin(Method::POST, BULK_DELETE, &named).await;
    let done = client.wait_job(&id, "done").await;
    assert_eq!(done["summary"], json!({ "deleted": 1_295, "notFound": 2 }));
    assert_eq!(done["groupId"], Value::Null);
    assert_eq!(client.page(CONTACTS).await["total"], 5);
    assert_eq!(
        client.page(&format!("{GROUPS}/{group}")).await["contactCount"],
        5
    );
    assert_eq!(
        stranger
            .client
            .get(&format!("{CONTACTS}/{foreign}"))
            .await
            .status,
        200
    );
}
