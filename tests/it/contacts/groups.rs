//! Groups: making, finding, changing, deleting, and how many there may be.

use blackbox::book::{CONTACTS, GROUPS, each, escaped, members};
use blackbox::{Account, Stack, id_of};
use serde_json::{Value, json};

use super::NOBODY;

async fn scene() -> (Stack, Account) {
    let stack = Stack::start().await;
    let account = stack.account("max").await;
    (stack, account)
}

fn path(id: &str) -> String {
    format!("{GROUPS}/{id}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_made_read_changed_and_deleted() {
    let (_stack, account) = scene().await;
    let client = &account.client;
    let body = json!({
        "name": " Wholesale  ", "description": "Buy\nby the pallet", "color": "#1a7F5A",
        "contactCount": 7, "unknown": 1,
    });
    let made = client.post(GROUPS, &body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.data().clone();
    let mut names: Vec<_> = made.as_object().expect("members").keys().collect();
    names.sort();
    let expected = [
        "color",
        "contactCount",
        "createdAt",
        "description",
        "id",
        "name",
        "updatedAt",
    ];
    assert_eq!(names, expected);
    assert_eq!(
        (&made["name"], &made["contactCount"]),
        (&json!("Wholesale"), &json!(0))
    );
    assert_eq!(made["description"], "Buy\nby the pallet");
    assert_eq!(made["color"], "#1a7F5A");
    let at = path(&id_of(&made));
    assert_eq!(client.page(&at).await, made);

    let changed = client
        .put(&at, &json!({ "name": "WHOLESALE", "color": null }))
        .await;
    assert_eq!(changed.status, 200, "its own name: {changed:?}");
    assert_eq!(
        (&changed.data()["name"], &changed.data()["color"]),
        (&json!("WHOLESALE"), &Value::Null)
    );
    assert_eq!(
        changed.data()["description"],
        made["description"],
        "left out, so kept"
    );
    let cleared = client.put(&at, &json!({ "description": null })).await;
    assert_eq!(cleared.data()["description"], Value::Null);
    let blank = client.put(&at, &json!({ "description": "  " })).await;
    assert_eq!(blank.data()["description"], Value::Null);
    assert_eq!(&client.page(&at).await, blank.data());

    let contact = client.contact("Lina", 33_698_765_432).await;
    client.join(&id_of(&made), &[&contact]).await;
    assert_eq!(client.page(&at).await["contactCount"], 1);
    let gone = client.delete(&at).await;
    assert_eq!(
        (gone.status, gone.data()),
        (200, &json!({ "deleted": true }))
    );
    for reply in [
        client.delete(&at).await,
        client.get(&at).await,
        client.put(&at, &json!({ "name": "A" })).await,
        client.get(&members(&id_of(&made))).await,
        client
            .get(&format!("{CONTACTS}?groupId={}", id_of(&made)))
            .await,
    ] {
        assert_eq!(reply.outcome(), (404, "NOT_FOUND"), "{reply:?}");
    }
    assert_eq!(
        client.get(&format!("{CONTACTS}/{contact}")).await.status,
        200,
        "contacts stay"
    );
    let of = client.page(&format!("{CONTACTS}/{contact}/groups")).await;
    assert_eq!(of, json!({ "groups": [] }));
}

#[tokio::test(flavor = "multi_thread")]
async fn values_have_their_bounds() {
    let (_stack, account) = scene().await;
    let client = &account.client;
    let at = path(&client.group("Group").await);
    for fine in [
        json!({ "name": "é".repeat(100), "description": "é".repeat(255) }),
        json!({ "color": "#000000" }),
        json!({ "color": "#aAfF09" }),
    ] {
        let reply = client.put(&at, &fine).await;
        assert_eq!(reply.status, 200, "{fine}: {reply:?}");
    }
    for (wrong, fields) in [
        (json!({ "name": "" }), vec!["name"]),
        (json!({ "name": "é".repeat(101) }), vec!["name"]),
        (json!({ "name": "a\tb" }), vec!["name"]),
        (
            json!({ "description": "é".repeat(256) }),
            vec!["description"],
        ),
        (json!({ "description": "a\u{0}" }), vec!["description"]),
        (json!({ "color": "red" }), vec!["color"]),
        (json!({ "color": "#fff" }), vec!["color"]),
        (json!({ "color": "1a7f5a" }), vec!["color"]),
        (json!({ "color": "#1a7f5g" }), vec!["color"]),
        (json!({ "color": "" }), vec!["color"]),
        (
            json!({ "name": 1, "description": [], "color": 7 }),
            vec!["name", "description", "color"],
        ),
        (json!({}), vec![""]),
        (json!({ "name": null }), vec![""]),
    ] {
        let reply = client.put(&at, &wrong).await;
        assert_eq!(reply.outcome(), (400, "VALIDATION_ERROR"), "{wrong}");
        assert_eq!(reply.fields(), fields, "{wrong}");
    }
    let made = client
        .post(GROUPS, &json!({ "description": 1, "color": "red" }))
        .await;
    assert_eq!(made.fields(), ["name", "description", "color"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_there_once_in_capitals_or_not() {
    let (_stack, account) = scene().await;
    let client = &account.client;
    client.group("Été VIP").await;
    let other = client.group("Ete VIP").await;
    for name in [
        "Été VIP",
        "ÉTÉ vip",
        "  Été   VIP ",
        "E\u{301}te\u{301} VIP",
    ] {
        let taken = client.post(GROUPS, &json!({ "name": name })).await;
        assert_eq!(taken.outcome(), (409, "CONFLICT"), "{name}");
        let taken = client
            .put(&path(&other), &json!({ "name": name, "color": "#000000" }))
            .await;
        assert_eq!(taken.outcome(), (409, "CONFLICT"), "{name}");
    }
    let read = client.page(&path(&other)).await;
    assert_eq!(
        (&read["name"], &read["color"]),
        (&json!("Ete VIP"), &Value::Null)
    );
    assert_eq!(client.delete(&path(&other)).await.status, 200);
    client.group("ete vip").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_listed_newest_first_and_searched_in_name_and_description() {
    let (_stack, account) = scene().await;
    let client = &account.client;
    assert_eq!(
        client.page(GROUPS).await,
        json!({
            "groups": [], "total": 0, "totalIsExact": true, "limit": 50, "nextCursor": null,
            "hasMore": false,
        })
    );
    let mut made = Vec::new();
    for n in 0..7 {
        made.push(client.group(&format!("Group {n}")).await);
    }
    let body = json!({ "name": "Élite", "description": "Best 5% of buyers" });
    made.push(id_of(client.post(GROUPS, &body).await.data()));
    made.reverse();
    let pages = client.pages(&format!("{GROUPS}?limit=3")).await;
    assert_eq!(each(&pages, "groups", "id"), made);
    assert_eq!(
        (&pages[0]["total"], &pages[0]["limit"]),
        (&json!(8), &json!(3))
    );
    for (search, names) in [
        ("elite", vec!["Élite"]),
        ("BUYERS", vec!["Élite"]),
        ("5%", vec!["Élite"]),
        ("group 5", vec!["Group 5"]),
        ("5", vec!["Élite", "Group 5"]),
        ("nothing", vec![]),
    ] {
        let path = format!("{GROUPS}?limit=1&search={}", escaped(search));
        let pages = client.pages(&path).await;
        assert_eq!(each(&pages, "groups", "name"), names, "{search}");
        assert_eq!(pages[0]["total"], names.len(), "{search}");
    }
    let cursor = pages[0]["nextCursor"].as_str().expect("a cursor");
    for (query, fields) in [
        ("limit=0".to_owned(), vec!["limit"]),
        ("limit=101".to_owned(), vec!["limit"]),
        ("search=%20".to_owned(), vec!["search"]),
        (format!("search={}", "x".repeat(101)), vec!["search"]),
        ("cursor=x".to_owned(), vec!["cursor"]),
        (format!("search=group&cursor={cursor}"), vec!["cursor"]),
        ("limit=x&search=%20".to_owned(), vec!["limit", "search"]),
    ] {
        let reply = client.get(&format!("{GROUPS}?{query}")).await;
        assert_eq!(reply.outcome(), (400, "VALIDATION_ERROR"), "{query}");
        assert_eq!(reply.fields(), fields, "{query}");
    }
    let foreign = client.get(&format!("{CONTACTS}?cursor={cursor}")).await;
    assert_eq!(foreign.fields(), ["cursor"], "of another list");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_bounds_groups_over_all_workspaces_and_under_concurrency() {
    let stack = Stack::start().await;
    stack
        .sql(
            "UPDATE plans SET max_contact_groups = 6 WHERE code = 'pro'",
            &[],
        )
        .await;
    let account = stack.account("pro").await;
    let team = account.team(&stack).await;
    account.client.group("Kept").await;
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..20 {
        let client = if n % 2 == 0 {
            &account.client
        } else {
            &team.client
        };
        let (client, body) = (client.clone(), json!({ "name": format!("Group {n}") }));
        calls.spawn(async move { client.post(GROUPS, &body).await });
    }
    let replies = calls.join_all().await;
    let made = replies.iter().filter(|it| it.status == 201).count();
    assert_eq!(made, 5);
    for reply in replies.iter().filter(|it| it.status != 201) {
        assert_eq!(
            reply.outcome(),
            (403, "MAX_CONTACT_GROUPS_REACHED"),
            "{reply:?}"
        );
    }
    let held = stack
        .count("SELECT count(*) FROM contact_groups", &[])
        .await;
    assert_eq!(held, 6);
    // Full, whatever the name; what is there stays usable, also above a lower limit.
    stack
        .sql(
            "UPDATE plans SET max_contact_groups = 2 WHERE code = 'pro'",
            &[],
        )
        .await;
    let taken = account
        .client
        .post(GROUPS, &json!({ "name": "kept" }))
        .await;
    assert_eq!(taken.outcome(), (403, "MAX_CONTACT_GROUPS_REACHED"));
    let listed = account.client.page(GROUPS).await;
    let kept = each(&[listed], "groups", "id");
    let renamed = account
        .client
        .put(&path(&kept[0]), &json!({ "name": "Renamed" }))
        .await;
    assert_eq!(renamed.status, 200);
    let contact = account.client.contact("Lina", 33_698_765_432).await;
    account.client.join(&kept[0], &[contact]).await;
    stack
        .sql(
            "UPDATE plans SET max_contact_groups = NULL WHERE code = 'pro'",
            &[],
        )
        .await;
    account.client.group("Unlimited").await;
    stack
        .sql(
            "UPDATE plans SET max_contact_groups = 7 WHERE code = 'pro'",
            &[],
        )
        .await;
    let full = account
        .client
        .post(GROUPS, &json!({ "name": "Full" }))
        .await;
    assert_eq!(full.outcome(), (403, "MAX_CONTACT_GROUPS_REACHED"));
    assert_eq!(account.client.delete(&path(&kept[0])).await.status, 200);
    account.client.group("There is room").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_in_paths_are_known_or_not_found() {
    let (_stack, account) = scene().await;
    for id in [NOBODY, "1", "%20", "groups", "members"] {
        for reply in [
            account.client.get(&path(id)).await,
            account.client.put(&path(id), &json!({ "name": "A" })).await,
            account.client.delete(&path(id)).await,
        ] {
            assert_eq!(reply.outcome(), (404, "NOT_FOUND"), "{id}: {reply:?}");
        }
    }
}
