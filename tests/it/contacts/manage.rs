//! `POST`, `GET`, `PUT` and `DELETE` of contacts, one at a time.

use blackbox::book::{CONTACTS, GROUPS, members};
use blackbox::{Account, Stack, id_of};
use serde_json::{Value, json};

use super::NOBODY;

async fn scene() -> (Stack, Account) {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    (stack, account)
}

fn path(id: &str) -> String {
    format!("{CONTACTS}/{id}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_is_made_read_changed_and_deleted() {
    let (_stack, account) = scene().await;
    let client = &account.client;
    let body = json!({
        "name": "  Lina Moreau ", "phone": "+33698765432", "tags": ["wholesale", "VIP"],
        "meta": { "city": "Lyon", "orders": [1, 2.5, null], "deep": { "a": { "b": true } } },
        "unknown": "ignored", "id": NOBODY, "temperature": "warm",
    });
    let made = client.made_contact(&body).await;
    let mut members: Vec<_> = made.as_object().expect("members").keys().collect();
    members.sort();
    let expected = [
        "createdAt",
        "id",
        "meta",
        "name",
        "phone",
        "tags",
        "temperature",
        "updatedAt",
    ];
    assert_eq!(members, expected);
    assert_eq!(made["name"], "Lina Moreau");
    assert_eq!(made["tags"], json!(["wholesale", "VIP"]));
    assert_eq!(made["meta"], body["meta"]);
    assert_eq!(made["temperature"], Value::Null);
    assert_eq!(made["createdAt"], made["updatedAt"]);
    assert_ne!(made["id"], NOBODY);
    let at = path(&id_of(&made));
    assert_eq!(client.page(&at).await, made);

    let change = json!({ "name": "Lina M.", "tags": ["retail"], "meta": { "zip": "69001" } });
    let changed = client.put(&at, &change).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let changed = changed.data().clone();
    assert_eq!(
        (&changed["name"], &changed["tags"]),
        (&json!("Lina M."), &json!(["retail"]))
    );
    assert_eq!(
        changed["meta"],
        json!({ "zip": "69001" }),
        "replaced, not merged"
    );
    for kept in ["id", "phone", "createdAt"] {
        assert_eq!(changed[kept], made[kept], "{kept}");
    }
    assert!(changed["updatedAt"].as_str() >= made["updatedAt"].as_str());
    assert_eq!(client.page(&at).await, changed);
    let same = client.put(&at, &change).await;
    assert_eq!(same.data(), &changed, "the same again changes nothing");
    let cleared = client.put(&at, &json!({ "meta": null, "tags": [] })).await;
    assert_eq!(
        (
            &cleared.data()["meta"],
            &cleared.data()["tags"],
            &cleared.data()["name"]
        ),
        (&Value::Null, &json!([]), &json!("Lina M."))
    );

    let gone = client.delete(&at).await;
    assert_eq!(
        (gone.status, gone.data()),
        (200, &json!({ "deleted": true }))
    );
    for reply in [
        client.delete(&at).await,
        client.get(&at).await,
        client.put(&at, &change).await,
        client.get(&format!("{at}/groups")).await,
    ] {
        assert_eq!(reply.outcome(), (404, "NOT_FOUND"), "{reply:?}");
    }
    let again = client
        .made_contact(&json!({ "name": "Eve", "phone": "+33698765432" }))
        .await;
    assert_ne!(again["id"], made["id"], "the number is free again");
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_tidied_and_never_guessed() {
    let (_stack, account) = scene().await;
    let client = &account.client;
    let at = path(&client.contact("Lina", 33_600_000_000).await);
    for (written, kept) in [
        ("+33698765432", "+33698765432"),
        ("33698765432", "+33698765432"),
        ("0033698765432", "+33698765432"),
        (" +33 (6) 98.76-54 32 ", "+33698765432"),
        ("[00] 33 6\u{2011}98\u{a0}76\u{2013}54 32", "+33698765432"),
        ("2905012", "+2905012"),
        ("+491512345678901", "+491512345678901"),
        ("+5215512345678", "+5215512345678"),
        ("+1 (555) 010-0010", "+15550100010"),
    ] {
        let changed = client.put(&at, &json!({ "phone": written })).await;
        assert_eq!(changed.status, 200, "{written}: {changed:?}");
        assert_eq!(changed.data()["phone"], kept, "{written}");
    }
    for written in [
        "0698765432",
        "+0698765432",
        "+33 (0) 6 98 76 54 32",
        "+3369876543",
        "+999698765432",
        "123456",
        "1234567890123456",
        "",
        " ",
        "+",
        "++33698765432",
        "33+698765432",
        "+33 6 98 76 54 32 ext 4",
        "tel:+33698765432",
        "+3369876543٢",
        "lina",
    ] {
        let body = json!({ "name": "Ada", "phone": written });
        for reply in [
            client.post(CONTACTS, &body).await,
            client.put(&at, &json!({ "phone": written })).await,
        ] {
            assert_eq!(reply.outcome(), (400, "VALIDATION_ERROR"), "{written}");
            assert_eq!(reply.fields(), ["phone"], "{written}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_there_once_in_a_workspace_however_it_is_written() {
    let (stack, account) = scene().await;
    let client = &account.client;
    let first = client.contact("Lina", 33_698_765_432).await;
    let other = client.contact("Ada", 33_612_345_678).await;
    for written in ["+33698765432", "0033 6 98 76 54 32"] {
        let taken = client
            .post(CONTACTS, &json!({ "name": "Eve", "phone": written }))
            .await;
        assert_eq!(taken.outcome(), (409, "CONFLICT"));
        let taken = client
            .put(&path(&other), &json!({ "phone": written, "name": "X" }))
            .await;
        assert_eq!(taken.outcome(), (409, "CONFLICT"));
    }
    assert_eq!(
        client.page(&path(&first)).await["name"],
        "Lina",
        "not an upsert"
    );
    assert_eq!(
        client.page(&path(&other)).await["name"],
        "Ada",
        "nothing by half"
    );
    let own = client
        .put(&path(&first), &json!({ "phone": "33698765432" }))
        .await;
    assert_eq!(own.status, 200, "its own number");

    let mut calls = tokio::task::JoinSet::new();
    for n in 0..20 {
        let client = client.clone();
        let body = json!({ "name": format!("Racer {n}"), "phone": "+33600000001" });
        calls.spawn(async move { client.post(CONTACTS, &body).await.status });
    }
    let mut statuses = calls.join_all().await;
    statuses.sort_unstable();
    assert_eq!((statuses[0], &statuses[1..]), (201, &[409; 19][..]));
    let kept = stack.count("SELECT count(*) FROM contacts", &[]).await;
    assert_eq!(kept, 3);
    assert_eq!(client.page(CONTACTS).await["total"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn values_have_their_bounds_and_not_a_character_less() {
    let (_stack, account) = scene().await;
    let client = &account.client;
    let at = path(&client.contact("Lina", 33_600_000_000).await);
    let fifty: Vec<_> = (0..50).map(|n| format!("{n:050}")).collect();
    let twice: Vec<_> = fifty.iter().chain(&fifty).collect();
    // {"a":"…"} is eight bytes around the text.
    let meta = |length: usize| json!({ "a": "x".repeat(length - 8) });
    for fine in [
        json!({ "name": "é".repeat(255) }),
        json!({ "name": "👩‍👩‍👧 李小龍 عمر" }),
        json!({ "tags": fifty }),
        json!({ "tags": twice }),
        json!({ "tags": ["é".repeat(50), " a  b ", "50%", "a|b", "a,b", "\"", "VIP", "vip"] }),
        json!({ "meta": meta(16_384) }),
        json!({ "meta": {} }),
        json!({ "meta": { "": { "": [] }, "null": null } }),
    ] {
        let reply = client.put(&at, &fine).await;
        assert_eq!(reply.status, 200, "{fine}: {reply:?}");
        let read = client.page(&at).await;
        assert_eq!(&read, reply.data());
        if fine["meta"].is_object() {
            assert_eq!(read["meta"], fine["meta"]);
        }
    }
    let tags = client.page(&at).await["tags"].clone();
    let expected = json!([
        "é".repeat(50),
        "a  b",
        "50%",
        "a|b",
        "a,b",
        "\"",
        "VIP",
        "vip"
    ]);
    assert_eq!(tags, expected, "trimmed, case and order kept");
    let mut many = fifty.clone();
    many.push("one more".to_owned());
    for (wrong, fields) in [
        (json!({ "name": "é".repeat(256) }), vec!["name"]),
        (json!({ "name": " \u{a0}" }), vec!["name"]),
        (json!({ "name": "a\nb" }), vec!["name"]),
        (json!({ "name": "a\u{0}b" }), vec!["name"]),
        (json!({ "tags": many }), vec!["tags"]),
        (
            json!({ "tags": ["a", "x".repeat(51), "", " ", "b\tc"] }),
            vec!["tags.1", "tags.2", "tags.3", "tags.4"],
        ),
        (json!({ "meta": meta(16_385) }), vec!["meta"]),
        (json!({ "meta": [] }), vec!["meta"]),
        (json!({ "meta": "text" }), vec!["meta"]),
        (json!({ "meta": { "a": "\u{0}" } }), vec!["meta"]),
        (
            json!({ "name": 1, "phone": [], "tags": {}, "meta": 1 }),
            vec!["name", "phone", "tags", "meta"],
        ),
        (
            json!({ "name": true, "phone": "0612", "tags": [1, null], "meta": false }),
            vec!["name", "phone", "tags.0", "tags.1", "meta"],
        ),
        (json!({}), vec![""]),
        (json!({ "unknown": 1 }), vec![""]),
        (
            json!({ "name": null, "phone": null, "tags": null }),
            vec![""],
        ),
    ] {
        let before = client.page(&at).await;
        let reply = client.put(&at, &wrong).await;
        assert_eq!(reply.outcome(), (400, "VALIDATION_ERROR"), "{wrong}");
        assert_eq!(reply.fields(), fields, "{wrong}");
        assert_eq!(client.page(&at).await, before, "{wrong}");
    }
    let both = client
        .post(CONTACTS, &json!({ "tags": [1], "meta": [] }))
        .await;
    assert_eq!(
        both.fields(),
        ["name", "phone", "tags.0", "meta"],
        "all problems at once"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn memberships_and_tags_go_with_their_contact() {
    let (stack, account) = scene().await;
    let client = &account.client;
    let body = json!({ "name": "Lina", "phone": "+33698765432", "tags": ["vip"] });
    let contact = id_of(&client.made_contact(&body).await);
    let other = client.contact("Ada", 33_612_345_678).await;
    let group = client.group("VIP").await;
    client.join(&group, &[&contact, &other]).await;
    assert_eq!(
        client.page(&format!("{CONTACTS}?tag=vip")).await["total"],
        1
    );
    assert_eq!(client.delete(&path(&contact)).await.status, 200);
    let read = client.page(&format!("{GROUPS}/{group}")).await;
    assert_eq!(read["contactCount"], 1);
    let left = client.page(&members(&group)).await;
    assert_eq!(
        (&left["total"], &left["contacts"][0]["id"]),
        (&json!(1), &json!(other))
    );
    let tagged = client.page(&format!("{CONTACTS}?tag=vip")).await;
    assert_eq!(
        (&tagged["total"], &tagged["contacts"]),
        (&json!(0), &json!([]))
    );
    for table in ["contact_tags", "tag_counts"] {
        let rows = stack
            .count(&format!("SELECT count(*) FROM {table}"), &[])
            .await;
        assert_eq!(rows, 0, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_in_paths_are_known_or_not_found() {
    let (_stack, account) = scene().await;
    for id in [
        NOBODY,
        "1",
        "%20",
        "%ff",
        "null",
        "{id}",
        "0197b3c011117000800000000000dead",
    ] {
        for reply in [
            account.client.get(&path(id)).await,
            account.client.get(&format!("{}/groups", path(id))).await,
            account.client.put(&path(id), &json!({ "name": "A" })).await,
            account.client.delete(&path(id)).await,
        ] {
            assert_eq!(reply.outcome(), (404, "NOT_FOUND"), "{id}: {reply:?}");
            assert!(reply.text.contains("Contact not found"), "{reply:?}");
        }
    }
}
