//! What lists show and what may be asked of them.

use blackbox::Stack;
use serde_json::json;

use super::{LIST, listed};

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_put_on_the_list_found_and_taken_off() {
    let stack = Stack::start().await;
    let client = stack.account("pro").await.client;
    let body = json!({ "phone": "+33 6 12 34 56 78", "reason": " Asked by phone " });
    let added = client.post(LIST, &body).await;
    assert_eq!(added.status, 201, "{added:?}");
    let expected = json!({ "added": 1, "alreadyPresent": 0, "invalid": [] });
    assert_eq!(*added.data(), expected);
    for path in ["/+33612345678", "/%2B33612345678", "/33612345678"] {
        let found = client.get(&format!("{LIST}{path}")).await;
        assert_eq!(found.status, 200, "{found:?}");
        let data = found.data();
        assert_eq!(data["phone"], "+33612345678");
        assert_eq!(data["source"], "manual");
        assert_eq!(data["reason"], "Asked by phone");
        assert!(data["instanceId"].is_null() && data["createdAt"].is_string());
    }
    let again = client.post(LIST, &body).await;
    assert_eq!(again.data()["alreadyPresent"], 1);
    let path = format!("{LIST}/+33612345678");
    let removed = client.delete(&path).await;
    assert_eq!(
        (removed.status, removed.data()),
        (200, &json!({ "deleted": true }))
    );
    for reply in [client.get(&path).await, client.delete(&path).await] {
        assert_eq!(reply.outcome(), (404, "NOT_FOUND"));
    }
    let nonsense = client.get(&format!("{LIST}/nobody")).await;
    assert_eq!(nonsense.outcome(), (404, "NOT_FOUND"));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_are_taken_at_once_and_what_is_no_number_is_told() {
    let stack = Stack::start().await;
    let client = stack.account("pro").await.client;
    let mut phones: Vec<String> = (0..9_998).map(|n| format!("+3361{n:07}")).collect();
    phones.extend(["0612".to_owned(), phones[0].clone()]);
    let added = client.post(LIST, &json!({ "phones": phones })).await;
    assert_eq!(added.status, 201, "{added:?}");
    let data = added.data();
    assert_eq!(
        (&data["added"], &data["alreadyPresent"]),
        (&json!(9998), &json!(1))
    );
    assert_eq!(data["invalid"][0]["index"], 9998);
    assert_eq!(data["invalid"][0]["phone"], "0612");
    assert!(data["invalid"][0]["reason"].is_string());
    let (mut cursor, mut pages, mut seen) = (String::new(), 0, 0);
    while pages < 4 {
        let page = client.get(&format!("{LIST}?limit=100{cursor}")).await;
        seen += page.data()["suppressions"].as_array().map_or(0, Vec::len);
        let next = page.data()["nextCursor"].as_str().expect("there are more");
        cursor = format!("&cursor={next}");
        pages += 1;
    }
    assert_eq!(seen, 400);
    let one = listed(&client, "?phone=%2B33610000007").await;
    assert_eq!(one.len(), 1);
    assert_eq!(listed(&client, "?source=stop_word").await.len(), 0);
    let foreign = client.get(&format!("{LIST}?source=manual{cursor}")).await;
    assert_eq!(foreign.fields(), ["cursor"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_wrong_is_told_by_its_place_and_nothing_is_kept() {
    let stack = Stack::start().await;
    let client = stack.account("pro").await.client;
    let long = "x".repeat(201);
    let too_many = vec!["+33612345678"; 10_001];
    for (body, fields) in [
        (json!({}), vec!["phone"]),
        (
            json!({ "phone": "+33612345678", "phones": ["+33612345679"] }),
            vec!["phones"],
        ),
        (
            json!({ "phone": "0612", "reason": long }),
            vec!["phone", "reason"],
        ),
        (
            json!({ "phone": 33_612_345_678_u64, "reason": 1 }),
            vec!["phone", "reason"],
        ),
        (json!({ "phones": [] }), vec!["phones"]),
        (json!({ "phones": too_many }), vec!["phones"]),
        (
            json!({ "phones": ["+33612345678", 7, null] }),
            vec!["phones.1", "phones.2"],
        ),
        (json!({ "phones": "+33612345678" }), vec!["phones"]),
    ] {
        let reply = client.post(LIST, &body).await;
        assert_eq!(reply.outcome(), (400, "VALIDATION_ERROR"), "{reply:?}");
        assert_eq!(reply.fields(), fields, "{reply:?}");
    }
    assert!(listed(&client, "").await.is_empty());
    let query = client
        .get(&format!("{LIST}?limit=101&phone=0612&source=spam"))
        .await;
    assert_eq!(query.fields(), ["limit", "phone", "source"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_requests_with_one_key_are_one() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let once = account.client.header("Idempotency-Key", "list-1");
    let body = json!({ "phone": "+33612345678" });
    let first = once.post(LIST, &body).await;
    account.client.delete(&format!("{LIST}/+33612345678")).await;
    let second = once.post(LIST, &body).await;
    assert_eq!((second.status, &second.text), (201, &first.text));
    assert_eq!(second.header("idempotent-replayed"), "true");
    assert!(
        listed(&account.client, "").await.is_empty(),
        "nothing is done twice"
    );
    let other = once.post(LIST, &json!({ "phone": "+33612345679" })).await;
    assert_eq!(other.outcome(), (409, "CONFLICT"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_workspace_has_a_list_and_settings_of_its_own() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let team = account.team(&stack).await.client;
    let stranger = stack.account("pro").await.client;
    account.client.suppress("+33612345678").await;
    let words = json!({ "stopWords": ["basta"] });
    let settings = format!("{LIST}/settings");
    assert_eq!(account.client.put(&settings, &words).await.status, 200);
    for other in [&team, &stranger] {
        assert!(listed(other, "").await.is_empty());
        let path = format!("{LIST}/+33612345678");
        assert_eq!(other.get(&path).await.outcome(), (404, "NOT_FOUND"));
        assert_eq!(other.delete(&path).await.outcome(), (404, "NOT_FOUND"));
        let read = other.get(&settings).await;
        assert_ne!(read.data()["stopWords"], words["stopWords"]);
    }
    assert_eq!(listed(&account.client, "").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_those_of_everybody_until_they_are_changed() {
    let stack = Stack::start().await;
    let client = stack.account("pro").await.client;
    let settings = format!("{LIST}/settings");
    let usual = client.get(&settings).await;
    let words = [
        "stop",
        "unsubscribe",
        "arret",
        "arrêt",
        "salir",
        "sair",
        "parar",
    ];
    let expected = json!({ "stopWords": words, "confirmation": null });
    assert_eq!(*usual.data(), expected);
    let confirming = json!({ "confirmation": "Bye.\nSee you" });
    let set = client.put(&settings, &confirming).await;
    assert_eq!(set.data()["stopWords"], expected["stopWords"]);
    let set = client
        .put(&settings, &json!({ "stopWords": [" Basta ", "Basta"] }))
        .await;
    let expected = json!({ "stopWords": ["Basta"], "confirmation": "Bye.\nSee you" });
    assert_eq!(*set.data(), expected);
    let set = client
        .put(&settings, &json!({ "confirmation": null }))
        .await;
    assert!(set.data()["confirmation"].is_null());
    for (body, fields) in [
        (json!({}), vec![""]),
        (
            json!({ "stopWords": ["ok", "", "!"] }),
            vec!["stopWords.1", "stopWords.2"],
        ),
        (json!({ "stopWords": vec!["a"; 51] }), vec!["stopWords"]),
        (
            json!({ "stopWords": [1], "confirmation": "" }),
            vec!["stopWords.0", "confirmation"],
        ),
        (
            json!({ "confirmation": "x".repeat(1025) }),
            vec!["confirmation"],
        ),
    ] {
        let reply = client.put(&settings, &body).await;
        assert_eq!(reply.outcome(), (400, "VALIDATION_ERROR"), "{reply:?}");
        assert_eq!(reply.fields(), fields, "{reply:?}");
    }
    let read = client.get(&settings).await;
    assert_eq!(read.data()["stopWords"], json!(["Basta"]));
}
