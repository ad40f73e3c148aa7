//! Who is in a group, and the groups somebody is in.

use blackbox::book::{CONTACTS, GROUPS, each, ids, members, unknown};
use blackbox::{Account, Stack};
use serde_json::{Value, json};

use super::NOBODY;

async fn scene() -> (Stack, Account, String) {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let group = account.client.group("Wholesale").await;
    (stack, account, group)
}

#[tokio::test(flavor = "multi_thread")]
async fn adding_and_removing_count_what_they_did() {
    let (_stack, account, group) = scene().await;
    let client = &account.client;
    let path = members(&group);
    let lina = client.contact("Lina", 33_698_765_432).await;
    let ada = client.contact("Ada", 33_612_345_678).await;
    let added = client.post(&path, &ids(&[&lina])).await;
    assert_eq!(added.status, 200, "{added:?}");
    assert_eq!(
        added.data(),
        &json!({ "added": 1, "alreadyInGroup": 0, "notFound": 0, "total": 1 })
    );
    let first = client.page(&path).await;
    let mixed = client
        .post(&path, &ids(&[&*lina, &*ada, NOBODY, &*ada]))
        .await;
    assert_eq!(
        mixed.data(),
        &json!({ "added": 1, "alreadyInGroup": 1, "notFound": 1, "total": 3 }),
        "a repeated id counts once"
    );
    let page = client.page(&path).await;
    assert_eq!(
        each(std::slice::from_ref(&page), "contacts", "id"),
        [&*ada, &*lina]
    );
    let kept = &page["contacts"][1];
    assert_eq!(kept, &first["contacts"][0], "the time it was added stays");
    let mut names: Vec<_> = kept.as_object().expect("members").keys().collect();
    names.sort();
    assert_eq!(names, ["addedAt", "id", "name", "phone", "tags"]);
    assert_eq!(
        client.page(&format!("{GROUPS}/{group}")).await["contactCount"],
        2
    );

    let removed = client
        .delete_with(&path, &ids(&[&*lina, NOBODY, &*lina]))
        .await;
    assert_eq!(removed.status, 200, "{removed:?}");
    assert_eq!(removed.data(), &json!({ "removed": 1, "notInGroup": 1 }));
    let again = client.delete_with(&path, &ids(&[&lina])).await;
    assert_eq!(again.data(), &json!({ "removed": 0, "notInGroup": 1 }));
    let left = client.page(&path).await;
    assert_eq!(
        (&left["total"], left["contacts"].as_array().map(Vec::len)),
        (&json!(1), Some(1))
    );
    assert_eq!(
        client.get(&format!("{CONTACTS}/{lina}")).await.status,
        200,
        "it stays a contact"
    );
    let back = client.post(&path, &ids(&[&lina])).await;
    assert_eq!(back.data()["added"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_added_last_come_first_and_can_be_searched() {
    let (_stack, account, group) = scene().await;
    let client = &account.client;
    let path = members(&group);
    assert_eq!(
        client.page(&path).await,
        json!({
            "contacts": [], "total": 0, "totalIsExact": true, "limit": 50, "nextCursor": null,
            "hasMore": false,
        })
    );
    let mut made = Vec::new();
    for (n, name) in (0_u64..).zip(["Élodie", "Lina", "Ada", "Elena", "Zoé"]) {
        made.push(client.contact(name, 33_600_000_000 + n).await);
    }
    // Not in the order they were made, and two at once.
    client.join(&group, &[&made[2]]).await;
    client.join(&group, &[&made[0], &made[1]]).await;
    client.join(&group, &[&made[4]]).await;
    client.join(&group, &[&made[3]]).await;
    let pages = client.pages(&format!("{path}?limit=2")).await;
    let met = each(&pages, "contacts", "name");
    assert_eq!((&*met[0], &*met[1], &*met[4]), ("Elena", "Zoé", "Ada"));
    assert_eq!(met.len(), 5);
    assert_eq!(
        (&pages[0]["total"], &pages[0]["limit"]),
        (&json!(5), &json!(2))
    );
    for (search, names) in [
        ("el", vec!["Elena", "Élodie"]),
        ("%C3%A9L", vec!["Elena", "Élodie"]),
        ("0000001", vec!["Lina"]),
        ("%2B33%206%2000%2000%2000%2002", vec!["Ada"]),
        ("nobody", vec![]),
    ] {
        let pages = client
            .pages(&format!("{path}?limit=1&search={search}"))
            .await;
        assert_eq!(each(&pages, "contacts", "name"), names, "{search}");
        assert_eq!(pages[0]["total"], names.len(), "{search}");
    }
    let cursor = pages[0]["nextCursor"].as_str().expect("a cursor");
    let other = client.group("Other").await;
    for (at, query, fields) in [
        (&path, "limit=0".to_owned(), vec!["limit"]),
        (&path, "limit=101".to_owned(), vec!["limit"]),
        (&path, "search=%20".to_owned(), vec!["search"]),
        (&path, "cursor=x".to_owned(), vec!["cursor"]),
        (&path, format!("search=a&cursor={cursor}"), vec!["cursor"]),
        (&members(&other), format!("cursor={cursor}"), vec!["cursor"]),
    ] {
        let reply = client.get(&format!("{at}?{query}")).await;
        assert_eq!(reply.outcome(), (400, "VALIDATION_ERROR"), "{query}");
        assert_eq!(reply.fields(), fields, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_through_members_survives_who_comes_and_goes() {
    let (_stack, account, group) = scene().await;
    let client = &account.client;
    let path = members(&group);
    let mut made = Vec::new();
    for n in 0..12_u64 {
        let id = client
            .contact(&format!("Person {n}"), 33_600_000_000 + n)
            .await;
        client.join(&group, &[&id]).await;
        made.push(id);
    }
    made.reverse();
    let first = client.page(&format!("{path}?limit=5")).await;
    let cursor = first["nextCursor"].as_str().expect("a cursor");
    client.delete_with(&path, &ids(&[&made[4], &made[6]])).await;
    client.delete(&format!("{CONTACTS}/{}", made[7])).await;
    let new = client.contact("New", 33_700_000_000).await;
    client.join(&group, &[&new]).await;
    let rest = client
        .page(&format!("{path}?limit=100&cursor={cursor}"))
        .await;
    assert_eq!(rest["total"], 10);
    let mut expected = made.clone();
    expected.drain(6..8);
    assert_eq!(each(&[first, rest], "contacts", "id"), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_groups_of_a_contact_come_by_name() {
    let (_stack, account, group) = scene().await;
    let client = &account.client;
    let lina = client.contact("Lina", 33_698_765_432).await;
    let of = format!("{CONTACTS}/{lina}/groups");
    assert_eq!(client.page(&of).await, json!({ "groups": [] }));
    let body = json!({ "name": "abroad", "color": "#000000", "description": "x" });
    let abroad = client.post(GROUPS, &body).await.data()["id"].clone();
    client.group("Empty").await;
    client.join(&group, &[&lina]).await;
    client.join(abroad.as_str().expect("an id"), &[&lina]).await;
    assert_eq!(
        client.page(&of).await,
        json!({ "groups": [
            { "id": abroad, "name": "abroad", "color": "#000000" },
            { "id": group, "name": "Wholesale", "color": Value::Null },
        ] })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_group_is_not_found_and_a_bad_body_comes_first() {
    let (_stack, account, group) = scene().await;
    let client = &account.client;
    let lina = client.contact("Lina", 33_698_765_432).await;
    for id in [NOBODY, "1", "%20"] {
        let path = members(id);
        for reply in [
            client.get(&path).await,
            client.post(&path, &ids(&[&lina])).await,
            client.post(&path, &ids(&unknown(100))).await,
            client.delete_with(&path, &ids(&[&lina])).await,
            client.delete_with(&path, &ids(&unknown(100))).await,
        ] {
            assert_eq!(reply.outcome(), (404, "NOT_FOUND"), "{id}: {reply:?}");
        }
        for reply in [
            client.get(&format!("{path}?limit=0")).await,
            client.post(&path, &json!({})).await,
            client
                .delete_with(&path, &json!({ "contactIds": ["x"] }))
                .await,
        ] {
            assert_eq!(
                reply.outcome(),
                (400, "VALIDATION_ERROR"),
                "{id}: {reply:?}"
            );
        }
    }
    assert_eq!(
        client.delete(&members(&group)).await.fields(),
        [""],
        "it needs a body"
    );
    assert_eq!(
        client.page(&format!("{GROUPS}/{group}")).await["contactCount"],
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_are_exact_whoever_adds_and_removes_at_once() {
    let (_stack, account, group) = scene().await;
    let client = &account.client;
    let mut made = Vec::new();
    for n in 0..20_u64 {
        made.push(
            client
                .contact(&format!("Person {n}"), 33_600_000_000 + n)
                .await,
        );
    }
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..24_usize {
        let (client, path) = (client.clone(), members(&group));
        let some: Vec<_> = made.iter().cycle().skip(n * 7).take(12).cloned().collect();
        calls.spawn(async move {
            let reply = if n % 3 == 2 {
                client.delete_with(&path, &ids(&some)).await
            } else {
                client.post(&path, &ids(&some)).await
            };
            assert_eq!(reply.status, 200, "{reply:?}");
            let count = |name: &str| reply.data()[name].as_i64().unwrap_or_default();
            count("added") - count("removed")
        });
    }
    let balance: i64 = calls.join_all().await.into_iter().sum();
    let read = client.page(&format!("{GROUPS}/{group}")).await;
    assert_eq!(read["contactCount"], balance);
    let page = client.page(&members(&group)).await;
    assert_eq!(
        (&page["total"], page["contacts"].as_array().map(Vec::len)),
        (&json!(balance), usize::try_from(balance).ok())
    );
}
