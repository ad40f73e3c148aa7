//! What account holders were told: listed newest first, and read one by one or all at once.

use std::ops::RangeInclusive;

use blackbox::{Client, Crew, Person, Stack, id_of};
use serde_json::{Value, json};

use super::stack;

const PATH: &str = "/api/notifications";

/// Tells somebody these things, one after the other, and nothing else.
async fn told(stack: &Stack, person: &Person, numbers: RangeInclusive<i32>) {
    let account = person.account.user.uuid();
    let forget = "DELETE FROM notices WHERE account_id = $1";
    stack.sql(forget, &[&account]).await;
    let tell = "INSERT INTO notices (id, account_id, workspace_id, kind, subject, data, at) \
        SELECT ('0197b3c0-5555-7000-8000-' || lpad(n::text, 12, '0'))::uuid, $1::uuid, $1::uuid, \
          'quota_reached', 'Notice ' || n, jsonb_build_object('meter', 'outbound', 'percent', 80, \
          'used', 401, 'limit', 500), now() \
        FROM generate_series($2::int, $3::int) n";
    stack
        .sql(tell, &[&account, numbers.start(), numbers.end()])
        .await;
}

async fn page(client: &Client, query: &str) -> Value {
    let reply = client.get(&format!("{PATH}?{query}")).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.data().clone()
}

fn titles(page: &Value) -> Vec<String> {
    let rows = page["notifications"].as_array().expect("a list").iter();
    rows.map(|it| it["title"].as_str().expect("text").to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_stands_first_and_pages_go_on_where_the_one_before_ended() {
    let stack = stack().await;
    let person = Person::on(&stack, "free").await;
    told(&stack, &person, 1..=5).await;
    let first = page(&person.console, "limit=2").await;
    assert_eq!(titles(&first), ["Notice 5", "Notice 4"]);
    assert_eq!(
        (&first["hasMore"], &first["limit"]),
        (&json!(true), &json!(2))
    );
    // Somebody who comes in between shifts nothing.
    told_more(&stack, &person).await;
    let cursor = first["nextCursor"].as_str().expect("a cursor");
    let rest = page(&person.console, &format!("limit=3&cursor={cursor}")).await;
    assert_eq!(titles(&rest), ["Notice 3", "Notice 2", "Notice 1"]);
    assert_eq!(
        (&rest["hasMore"], &rest["nextCursor"]),
        (&json!(false), &Value::Null)
    );
    let row = &rest["notifications"][0];
    assert_eq!(row["type"], "quota_reached");
    assert_eq!(row["link"], "https://app.shop.test/billing");
    assert_eq!(row["readAt"], Value::Null);
    for member in ["id", "body", "createdAt"] {
        assert!(
            row[member].as_str().is_some_and(|it| !it.is_empty()),
            "{row}"
        );
    }
}

async fn told_more(stack: &Stack, person: &Person) {
    let tell = "INSERT INTO notices (id, account_id, workspace_id, kind, subject, data, at) \
        VALUES ('0197b3c0-5555-7000-8000-000000000099', $1, $1, 'news', 'News', '{}', now())";
    stack.sql(tell, &[&person.account.user.uuid()]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_is_left_out_where_that_is_asked_for() {
    let stack = stack().await;
    let person = Person::on(&stack, "free").await;
    told(&stack, &person, 1..=3).await;
    let all = page(&person.console, "").await;
    let second = id_of(&all["notifications"][1]);
    let read = format!("{PATH}/{second}/read");
    let done = person.console.post_empty(&read).await;
    assert_eq!((done.status, &done.data()["success"]), (200, &json!(true)));
    let before = page(&person.console, "").await;
    assert!(before["notifications"][1]["readAt"].is_string(), "{before}");
    assert_eq!(person.console.post_empty(&read).await.status, 200);
    let after = page(&person.console, "").await;
    assert_eq!(after, before, "the first time stays");
    let unread = page(&person.console, "unread=true&limit=1").await;
    assert_eq!(titles(&unread), ["Notice 3"]);
    let cursor = unread["nextCursor"].as_str().expect("a cursor");
    let rest = page(&person.console, &format!("unread=true&cursor={cursor}")).await;
    assert_eq!(titles(&rest), ["Notice 1"]);
    let other = person.console.get(&format!("{PATH}?cursor={cursor}")).await;
    assert_eq!(other.outcome(), (400, "VALIDATION_ERROR"));
    assert_eq!(other.fields(), ["cursor"], "it is of another list");
    let all = person.console.post_empty(&format!("{PATH}/read-all")).await;
    assert_eq!(all.status, 200, "{all:?}");
    assert!(titles(&page(&person.console, "unread=true").await).is_empty());
    assert_eq!(
        titles(&page(&person.console, "unread=false").await).len(),
        3
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_makes_no_sense_is_refused_with_all_its_problems() {
    let stack = stack().await;
    let person = Person::on(&stack, "free").await;
    let query = format!("{PATH}?limit=101&unread=maybe&cursor=nonsense");
    let refused = person.console.get(&query).await;
    assert_eq!(refused.outcome(), (400, "VALIDATION_ERROR"));
    assert_eq!(refused.fields(), ["limit", "unread", "cursor"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_they_are_decides_the_person_and_no_team() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "max").await;
    told(&stack, &crew.owner, 1..=1).await;
    told(&stack, &crew.admin, 2..=3).await;
    let within = crew.admin.within(&crew.team);
    let seen = page(&within, "").await;
    assert_eq!(titles(&seen), ["Notice 3", "Notice 2"]);
    let theirs = page(&crew.owner.console, "").await;
    let id = id_of(&theirs["notifications"][0]);
    for id in [id.as_str(), "nonsense"] {
        let refused = within.post_empty(&format!("{PATH}/{id}/read")).await;
        assert_eq!(refused.outcome(), (404, "NOT_FOUND"), "{id}");
    }
    let all = within.post_empty(&format!("{PATH}/read-all")).await;
    assert_eq!(all.status, 200, "{all:?}");
    let theirs = page(&crew.owner.console, "unread=true").await;
    assert_eq!(titles(&theirs), ["Notice 1"], "of somebody else");
}
