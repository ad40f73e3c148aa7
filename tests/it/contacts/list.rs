//! `GET /api/v1/contacts`: order, pages, filters, totals, cursors.

use blackbox::book::{CONTACTS, each, escaped};
use blackbox::{Account, Client, Stack, id_of};
use serde_json::{Value, json};

use super::NOBODY;

async fn scene() -> (Stack, Account) {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    (stack, account)
}

async fn tagged(client: &Client, name: &str, phone: u64, tags: &[&str]) -> String {
    let body = json!({ "name": name, "phone": format!("+{phone}"), "tags": tags });
    id_of(&client.made_contact(&body).await)
}

/// The names a query lists, over all its pages.
async fn names(client: &Client, query: &str) -> Vec<String> {
    let pages = client.pages(&format!("{CONTACTS}?{query}")).await;
    each(&pages, "contacts", "name")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_book_is_a_list_without_items() {
    let (_stack, account) = scene().await;
    assert_eq!(
        account.client.page(CONTACTS).await,
        json!({
            "contacts": [], "total": 0, "totalIsExact": true, "limit": 50,
            "sort": "createdAt_desc", "nextCursor": null, "hasMore": false,
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_come_first_page_by_page_while_others_come_and_go() {
    let (_stack, account) = scene().await;
    let client = &account.client;
    let mut made = Vec::new();
    for n in 0..25_u64 {
        made.push(
            client
                .contact(&format!("Person {n}"), 33_600_000_000 + n)
                .await,
        );
    }
    made.reverse();
    let first = client.page(&format!("{CONTACTS}?limit=10")).await;
    assert_eq!(
        (&first["total"], &first["totalIsExact"]),
        (&json!(25), &json!(true))
    );
    assert_eq!(
        (&first["limit"], &first["hasMore"]),
        (&json!(10), &json!(true))
    );
    assert_eq!(first["contacts"].as_array().map(Vec::len), Some(10));
    let cursor = first["nextCursor"].as_str().expect("a cursor");
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    assert!(cursor.bytes().all(safe), "needs no escaping: {cursor}");

    // The one the page ended with goes, and so does one to come; another one comes.
    for gone in [&made[9], &made[14]] {
        let path = format!("{CONTACTS}/{gone}");
        assert_eq!(client.delete(&path).await.status, 200);
    }
    client.contact("New", 33_700_000_000).await;
    let second = client
        .page(&format!("{CONTACTS}?limit=10&cursor={cursor}"))
        .await;
    assert_eq!(
        second["total"], 24,
        "of an unfiltered list it is always up to date"
    );
    let next = second["nextCursor"].as_str().expect("a cursor");
    // The size of a page may change from one to the next.
    let third = client
        .page(&format!("{CONTACTS}?limit=100&cursor={next}"))
        .await;
    assert_eq!(
        (&third["hasMore"], &third["nextCursor"]),
        (&json!(false), &Value::Null)
    );
    let met = each(&[first, second, third], "contacts", "id");
    let mut expected = made.clone();
    expected.remove(14);
    assert_eq!(met, expected, "each once, in order");
    assert_eq!(client.page(CONTACTS).await["limit"], 50, "the default");
}

#[tokio::test(flavor = "multi_thread")]
async fn by_name_means_as_people_read_it() {
    let (_stack, account) = scene().await;
    let client = &account.client;
    let sorted = [
        "ada",
        "Ädam",
        "Élodie",
        "elodie B",
        "ÉLODIE C",
        "Łukasz",
        "Müller",
        "Muller II",
        "Østergaard",
        "Zoé",
    ];
    let mut all: Vec<_> = sorted.to_vec();
    all.rotate_left(4);
    for (n, name) in (0_u64..).zip(all) {
        client.contact(name, 33_600_000_000 + n).await;
    }
    assert_eq!(names(client, "sort=name_asc").await, sorted);
    assert_eq!(
        names(client, "sort=name_asc&limit=3").await,
        sorted,
        "page by page"
    );
    let page = client
        .page(&format!("{CONTACTS}?sort=name_asc&limit=3"))
        .await;
    assert_eq!(
        (&page["sort"], &page["total"]),
        (&json!("name_asc"), &json!(10))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_one_name_are_two() {
    let (_stack, account) = scene().await;
    let mut made = Vec::new();
    for n in 0..5 {
        made.push(account.client.contact("Lina", 33_600_000_000 + n).await);
    }
    let pages = account
        .client
        .pages(&format!("{CONTACTS}?sort=name_asc&limit=2"))
        .await;
    assert_eq!(each(&pages, "contacts", "id"), made, "the older one first");
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_and_groups_narrow_a_list_together() {
    let (_stack, account) = scene().await;
    let client = &account.client;
    tagged(client, "Ada", 33_600_000_001, &["vip", "shop"]).await;
    let lina = tagged(client, "Lina", 33_600_000_002, &["vip"]).await;
    let zoe = tagged(
        client,
        "Zoé",
        33_600_000_003,
        &["shop", "VIP", "50% off & more", "vip"],
    )
    .await;
    let group = client.group("Some").await;
    client.join(&group, &[&lina, &zoe]).await;
    let in_group = format!("groupId={group}");
    let both = format!("{in_group}&tag=shop&tag=vip&search=zo&sort=name_asc");
    for (query, expected) in [
        ("tag=vip", vec!["Zoé", "Lina", "Ada"]),
        ("tag=%20vip%20", vec!["Zoé", "Lina", "Ada"]),
        ("tag=VIP", vec!["Zoé"]),
        ("tag=vi", vec![]),
        ("tag=vip&tag=shop", vec!["Zoé", "Ada"]),
        ("tag=vip&tag=shop&sort=name_asc", vec!["Ada", "Zoé"]),
        ("tag=vip&tag=shop&tag=VIP", vec!["Zoé"]),
        ("tag=vip&tag=nothing", vec![]),
        ("tag=50%25%20off%20%26%20more", vec!["Zoé"]),
        ("tag=vip&tag=&tag=vip", vec!["Zoé", "Lina", "Ada"]),
        ("tag=vip&search=ad", vec!["Ada"]),
        (&*in_group, vec!["Zoé", "Lina"]),
        (&*format!("{in_group}&sort=name_asc"), vec!["Lina", "Zoé"]),
        (&*format!("{in_group}&tag=vip&tag=shop"), vec!["Zoé"]),
        (&*format!("{in_group}&search=lin"), vec!["Lina"]),
        (&*format!("{in_group}&search=ada"), vec![]),
        (&*both, vec!["Zoé"]),
    ] {
        assert_eq!(names(client, query).await, expected, "{query}");
        assert_eq!(
            names(client, &format!("limit=1&{query}")).await,
            expected,
            "{query}"
        );
        let page = client.page(&format!("{CONTACTS}?limit=1&{query}")).await;
        assert_eq!(page["total"], expected.len(), "{query}");
        assert_eq!(page["totalIsExact"], true, "{query}: the book is small");
    }
    for (query, status) in [
        (format!("groupId={NOBODY}"), 404),
        ("groupId=1".to_owned(), 400),
    ] {
        let reply = client.get(&format!("{CONTACTS}?{query}")).await;
        assert_eq!(reply.status, status, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn totals_follow_every_change() {
    let (_stack, account) = scene().await;
    let client = &account.client;
    let total = async |query: &str| {
        let page = client.page(&format!("{CONTACTS}?limit=1&{query}")).await;
        assert_eq!(page["totalIsExact"], true, "{query}");
        page["total"].as_u64().expect("a number")
    };
    let ada = tagged(client, "Ada", 33_600_000_001, &["a", "b"]).await;
    let path = format!("{CONTACTS}/{ada}");
    tagged(client, "Lina", 33_600_000_002, &["a"]).await;
    let group = client.group("G").await;
    let in_group = format!("groupId={group}");
    client.join(&group, &[&ada]).await;
    assert_eq!(
        (total("").await, total("tag=a").await, total("tag=b").await),
        (2, 2, 1)
    );
    assert_eq!(total(&in_group).await, 1);
    client.put(&path, &json!({ "tags": ["b", "c"] })).await;
    assert_eq!(
        (
            total("tag=a").await,
            total("tag=b").await,
            total("tag=c").await
        ),
        (1, 1, 1)
    );
    client.put(&path, &json!({ "name": "Ada L." })).await;
    assert_eq!((total("tag=b").await, total(&in_group).await), (1, 1));
    client.delete(&path).await;
    assert_eq!(
        (
            total("").await,
            total("tag=b").await,
            total(&in_group).await
        ),
        (1, 0, 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_in_a_query_is_told_by_name_and_never_clamped() {
    let (_stack, account) = scene().await;
    let eleven = tags(11);
    let long = "x".repeat(101);
    for (query, fields) in [
        ("limit=0".to_owned(), vec!["limit"]),
        ("limit=101".to_owned(), vec!["limit"]),
        ("limit=-1".to_owned(), vec!["limit"]),
        ("limit=ten".to_owned(), vec!["limit"]),
        ("sort=name_desc".to_owned(), vec!["sort"]),
        ("sort=createdAt".to_owned(), vec!["sort"]),
        (format!("search={long}"), vec!["search"]),
        ("search=%20".to_owned(), vec!["search"]),
        ("search=%CC%81".to_owned(), vec!["search"]),
        (format!("tag={}", &long[..51]), vec!["tag"]),
        ("tag=a%00b".to_owned(), vec!["tag"]),
        (eleven, vec!["tag"]),
        ("groupId=grp_1".to_owned(), vec!["groupId"]),
        ("cursor=x".to_owned(), vec!["cursor"]),
        ("cursor=%00".to_owned(), vec!["cursor"]),
        (
            format!("limit=x&sort=y&groupId=z&tag=%20&search={long}&cursor=?"),
            vec!["limit", "sort", "groupId", "search", "tag"],
        ),
    ] {
        let reply = account.client.get(&format!("{CONTACTS}?{query}")).await;
        assert_eq!(
            reply.outcome(),
            (400, "VALIDATION_ERROR"),
            "{query}: {reply:?}"
        );
        assert_eq!(reply.fields(), fields, "{query}");
    }
    let ten = tags(10);
    for query in [
        "limit=1".to_owned(),
        "limit=100".to_owned(),
        "limit=".to_owned(),
        "sort=".to_owned(),
        "search=&tag=&groupId=&cursor=".to_owned(),
        format!("search={}", escaped(&"é".repeat(100))),
        format!("tag={}", escaped(&"é".repeat(50))),
        ten,
        "page=2&offset=1".to_owned(),
    ] {
        let reply = account.client.get(&format!("{CONTACTS}?{query}")).await;
        assert_eq!(reply.status, 200, "{query}: {reply:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_belongs_to_its_sort_and_its_filters() {
    let (stack, account) = scene().await;
    let client = &account.client;
    let mut made = Vec::new();
    for n in 0..4_u64 {
        made.push(tagged(client, &format!("Ann {n}"), 33_600_000_000 + n, &["a", "b"]).await);
    }
    let (one, two) = (client.group("One").await, client.group("Two").await);
    client.join(&one, &made).await;
    client.join(&two, &made).await;
    let lists = [
        String::new(),
        "sort=name_asc".to_owned(),
        "search=ann".to_owned(),
        "search=ann&sort=name_asc".to_owned(),
        "search=an".to_owned(),
        "tag=a".to_owned(),
        "tag=b".to_owned(),
        "tag=a&tag=b".to_owned(),
        format!("groupId={one}"),
        format!("groupId={two}"),
        format!("groupId={one}&sort=name_asc"),
    ];
    for from in &lists {
        let first = client.page(&format!("{CONTACTS}?limit=1&{from}")).await;
        let cursor = first["nextCursor"].as_str().expect("a cursor").to_owned();
        for to in &lists {
            let reply = client
                .get(&format!("{CONTACTS}?{to}&cursor={cursor}"))
                .await;
            if from == to {
                assert_eq!(reply.status, 200, "{from}: {reply:?}");
                continue;
            }
            assert_eq!(
                reply.outcome(),
                (400, "VALIDATION_ERROR"),
                "{from} with {to}"
            );
            assert_eq!(reply.fields(), ["cursor"], "{from} with {to}");
        }
        for broken in [cursor[1..].to_owned(), cursor.to_lowercase()] {
            let reply = client
                .get(&format!("{CONTACTS}?{from}&cursor={broken}"))
                .await;
            assert_eq!(reply.fields(), ["cursor"], "{from}: {reply:?}");
        }
    }
    // The same list in other words.
    let first = client
        .page(&format!("{CONTACTS}?limit=1&tag=b&tag=a&search=%20ANN"))
        .await;
    let cursor = first["nextCursor"].as_str().expect("a cursor");
    let same = client
        .get(&format!(
            "{CONTACTS}?search=ann&tag=a&tag=b&cursor={cursor}"
        ))
        .await;
    assert_eq!(same.status, 200, "{same:?}");
    // Whatever a stranger does with it, it shows them nothing.
    let other = stack.account("pro").await;
    let first = client.page(&format!("{CONTACTS}?limit=1")).await;
    let cursor = first["nextCursor"].as_str().expect("a cursor");
    let stolen = other
        .client
        .get(&format!("{CONTACTS}?cursor={cursor}"))
        .await;
    assert_eq!(
        (&stolen.data()["contacts"], &stolen.data()["total"]),
        (&json!([]), &json!(0))
    );
}

/// So many tags to look for.
fn tags(count: u32) -> String {
    let tags: Vec<_> = (0..count).map(|n| format!("&tag={n}")).collect();
    tags.concat()
}
