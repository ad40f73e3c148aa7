//! Lists of a book that is larger than what one request looks at.

use blackbox::book::{CONTACTS, each};
use blackbox::{Account, Stack};
use serde_json::{Value, json};

const PEOPLE: usize = 12_000;

/// A book of people, of whom the oldest and two in the middle are called otherwise and tagged.
async fn scene() -> (Stack, Account, Vec<String>) {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let own = account.user.uuid();
    let all = stack.fill_book(own, own, PEOPLE).await;
    let mut rare = Vec::new();
    for (at, name) in [(0, "Xy One"), (5_500, "Xy Two"), (5_501, "Xy Three")] {
        let path = format!("{CONTACTS}/{}", all[at]);
        let change = json!({ "name": name, "tags": ["rare", "few"] });
        assert_eq!(account.client.put(&path, &change).await.status, 200);
        rare.push(all[at].clone());
    }
    rare.reverse();
    (stack, account, rare)
}

fn contacts(page: &Value) -> usize {
    page["contacts"].as_array().map_or(0, Vec::len)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rare_match_may_take_empty_pages_and_comes_once() {
    let (_stack, account, rare) = scene().await;
    let client = &account.client;
    // Two letters: no index helps.
    let first = client.page(&format!("{CONTACTS}?search=xy")).await;
    assert_eq!((contacts(&first), &first["hasMore"]), (0, &json!(true)));
    assert_eq!(
        (&first["total"], &first["totalIsExact"]),
        (&json!(0), &json!(false))
    );
    let pages = client.pages(&format!("{CONTACTS}?search=xy")).await;
    assert_eq!(each(&pages, "contacts", "id"), rare);
    assert!((3..=4).contains(&pages.len()), "{} pages", pages.len());
    // One by one: a page that is full ends at its last match.
    let pages = client.pages(&format!("{CONTACTS}?search=xy&limit=1")).await;
    assert_eq!(each(&pages, "contacts", "id"), rare);
    let by_name = client
        .pages(&format!("{CONTACTS}?search=xy&sort=name_asc"))
        .await;
    assert_eq!(
        each(&by_name, "contacts", "name"),
        ["Xy One", "Xy Three", "Xy Two"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_lists_of_tags_and_groups_tell_needs_no_walk() {
    let (stack, account, rare) = scene().await;
    let client = &account.client;
    let group = client.group("Few").await;
    client.join(&group, &rare).await;
    for query in [
        "tag=rare".to_owned(),
        "tag=rare&tag=few".to_owned(),
        "tag=rare&search=xy".to_owned(),
        format!("groupId={group}"),
        format!("groupId={group}&tag=rare&search=xy"),
    ] {
        let page = client.page(&format!("{CONTACTS}?{query}")).await;
        assert_eq!(
            each(std::slice::from_ref(&page), "contacts", "id"),
            rare,
            "{query}"
        );
        assert_eq!(
            (&page["total"], &page["totalIsExact"]),
            (&json!(3), &json!(true)),
            "{query}"
        );
    }
    let named = format!("{CONTACTS}?tag=rare&sort=name_asc&limit=2");
    let pages = client.pages(&named).await;
    assert_eq!(
        each(&pages, "contacts", "name"),
        ["Xy One", "Xy Three", "Xy Two"]
    );
    assert_eq!(pages.len(), 2);
    // The whole book, exactly, whatever its size.
    let page = client.page(&format!("{CONTACTS}?limit=1")).await;
    assert_eq!(
        (&page["total"], &page["totalIsExact"]),
        (&json!(PEOPLE), &json!(true))
    );
    drop(stack);
}

#[tokio::test(flavor = "multi_thread")]
async fn three_letters_find_the_same_with_and_without_an_index() {
    let (stack, account, _) = scene().await;
    let client = &account.client;
    let with = client.pages(&format!("{CONTACTS}?search=xy+t")).await;
    assert_eq!(each(&with, "contacts", "name"), ["Xy Three", "Xy Two"]);
    let has_index = "SELECT count(*) FROM pg_indexes WHERE indexname = 'contacts_search'";
    if stack.count(has_index, &[]).await > 0 {
        assert_eq!(with.len(), 1, "the index finds them at once");
        assert_eq!(
            (&with[0]["total"], &with[0]["totalIsExact"]),
            (&json!(2), &json!(true))
        );
    }
    stack.sql("DROP INDEX IF EXISTS contacts_search", &[]).await;
    // Another process finds out for itself.
    let mut stack = stack;
    stack.stop_server().await;
    stack.start_server().await;
    let client = stack.client(&account.key);
    let without = client.pages(&format!("{CONTACTS}?search=xy+t")).await;
    assert_eq!(each(&without, "contacts", "name"), ["Xy Three", "Xy Two"]);
}
