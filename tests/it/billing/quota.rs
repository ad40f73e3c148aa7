//! People hear in time that a month's allowance is nearly used: once, in the console and by mail.

use std::time::Duration;

use blackbox::{Crew, Person, Stack, within};
use msgflash_messaging::Instance;
use serde_json::{Value, json};

const NOTICES: &str = "/api/notifications";

/// Allowances are looked at now and then, not when something is sent.
const A_LOOK: Duration = Duration::from_mins(1);

/// The mails to an address whose subject says this, the newest first.
pub(super) async fn letters(stack: &Stack, to: &str, words: &str) -> Vec<Value> {
    let reply = stack.anonymous().get("/dev/mailbox").await;
    let mut mails = reply.json["data"].as_array().cloned().unwrap_or_default();
    mails.retain(|it| {
        let subject = it["subject"].as_str().unwrap_or_default();
        it["to"] == to && subject.contains(words)
    });
    mails
}

/// The newest of them, once there is one.
pub(super) async fn letter_to(stack: &Stack, to: &str, words: &str) -> Value {
    within(A_LOOK, &format!("a mail about {words}"), async || {
        letters(stack, to, words).await.into_iter().next()
    })
    .await
}

/// What somebody was told in the console, the newest first.
async fn told(person: &Person, query: &str) -> Vec<Value> {
    let reply = person.console.get(&format!("{NOTICES}{query}")).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let told = reply.data()["notifications"].as_array();
    told.cloned().expect("a list")
}

/// How many notices say this.
async fn said(person: &Person, words: &str) -> usize {
    let told = told(person, "").await;
    let says = |it: &&Value| it["title"].as_str().is_some_and(|it| it.contains(words));
    told.iter().filter(says).count()
}

/// The text of the newest notice about an allowance.
async fn numbers(person: &Person) -> String {
    let told = told(person, "").await;
    let newest = told.iter().find(|it| it["type"] == "quota_reached");
    let body = newest.and_then(|it| it["body"].as_str());
    body.unwrap_or_else(|| panic!("nothing was told: {told:?}"))
        .to_owned()
}

/// Somebody with a linked number, on a plan with so many messages a month.
async fn allowed(stack: &Stack, messages: i32) -> (Person, Instance) {
    let person = Person::on(stack, "pro").await;
    let instance = person.account.connected(stack).await;
    let limit = "UPDATE plans SET monthly_outbound_quota = $1 WHERE code = 'pro'";
    assert_eq!(stack.sql(limit, &[&messages]).await, 1);
    (person, instance)
}

async fn sends(person: &Person, instance: &Instance, count: usize) {
    let client = &person.account.client;
    for _ in 0..count {
        let id = client.text(instance, "+33612345678", "Hi").await;
        client.wait_message(&id, "read").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn four_fifths_and_all_of_the_messages_are_told_once_each() {
    let stack = Stack::for_people(&[]).await;
    let (person, instance) = allowed(&stack, 5).await;
    sends(&person, &instance, 4).await;
    let near = letter_to(&stack, person.email(), "80 %").await;
    assert_eq!(near["kind"], "quota_reached");
    let text = near["text"].as_str().expect("text");
    assert!(text.contains("4 of 5 messages"), "{text}");
    assert!(text.contains("https://app.shop.test/billing"), "{text}");
    let body = numbers(&person).await;
    assert!(body.starts_with("4 of 5 messages are used."), "{body}");
    assert_eq!(said(&person, "100 %").await, 0);
    sends(&person, &instance, 1).await;
    let full = letter_to(&stack, person.email(), "100 %").await;
    let text = full["text"].as_str().expect("text");
    assert!(text.contains("5 of 5 messages"), "{text}");
    let body = numbers(&person).await;
    assert!(body.starts_with("5 of 5 messages are used."), "{body}");
    // Somebody else is told after that: by then everybody was looked at once more.
    let (other, theirs) = allowed(&stack, 5).await;
    sends(&other, &theirs, 4).await;
    letter_to(&stack, other.email(), "80 %").await;
    for words in ["80 %", "100 %"] {
        assert_eq!(said(&person, words).await, 1, "{words}");
        let mails = letters(&stack, person.email(), words).await;
        assert_eq!(mails.len(), 1, "{words}");
    }
    assert_eq!(said(&other, "80 %").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_uses_all_at_once_is_told_of_that_alone() {
    let stack = Stack::for_people(&[]).await;
    let (person, instance) = allowed(&stack, 1).await;
    sends(&person, &instance, 1).await;
    letter_to(&stack, person.email(), "100 %").await;
    assert_eq!(said(&person, "80 %").await, 0);
    assert_eq!(said(&person, "100 %").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_programs_are_an_allowance_of_their_own() {
    let stack = Stack::for_people(&[]).await;
    let person = Person::on(&stack, "pro").await;
    let limit = "UPDATE plans SET monthly_api_request_quota = 10 WHERE code = 'pro'";
    assert_eq!(stack.sql(limit, &[]).await, 1);
    for _ in 0..8 {
        let read = person.account.client.get("/api/v1/me").await;
        assert_eq!(read.status, 200, "{read:?}");
    }
    let near = letter_to(&stack, person.email(), "80 %").await;
    let text = near["text"].as_str().expect("text");
    assert!(text.contains("8 of 10 API requests"), "{text}");
    for _ in 0..2 {
        let read = person.account.client.get("/api/v1/me").await;
        assert_eq!(read.status, 200, "{read:?}");
    }
    let full = letter_to(&stack, person.email(), "100 %").await;
    let text = full["text"].as_str().expect("text");
    assert!(text.contains("10 of 10 API requests"), "{text}");
    let body = numbers(&person).await;
    assert!(
        body.starts_with("10 of 10 API requests are used."),
        "{body}"
    );
    for words in ["80 %", "100 %"] {
        assert_eq!(said(&person, words).await, 1, "{words}");
    }
    assert_eq!(said(&person, "messages").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_month_is_told_of_anew() {
    let stack = Stack::for_people(&[]).await;
    let (person, instance) = allowed(&stack, 5).await;
    sends(&person, &instance, 4).await;
    letter_to(&stack, person.email(), "80 %").await;
    stack.next_month(person.account.user.uuid()).await;
    sends(&person, &instance, 4).await;
    within(A_LOOK, "a second mail about 80 %", async || {
        let mails = letters(&stack, person.email(), "80 %").await;
        (mails.len() == 2).then_some(())
    })
    .await;
    assert_eq!(said(&person, "80 %").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_team_uses_is_told_to_its_owner_alone() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let program = crew.program(&stack).await;
    let limit = "UPDATE plans SET monthly_api_request_quota = 10 WHERE code = 'pro'";
    assert_eq!(stack.sql(limit, &[]).await, 1);
    for _ in 0..8 {
        let read = program.get("/api/v1/instances").await;
        assert_eq!(read.status, 200, "{read:?}");
    }
    let near = letter_to(&stack, crew.owner.email(), "80 %").await;
    let text = near["text"].as_str().expect("text");
    assert!(text.contains("8 of 10 API requests"), "{text}");
    assert_eq!(said(&crew.owner, "80 %").await, 1);
    for member in [&crew.admin, &crew.collaborator] {
        assert_eq!(said(member, "80 %").await, 0);
        let mails = letters(&stack, member.email(), "80 %").await;
        assert!(mails.is_empty(), "{mails:?}");
    }
}

/// Somebody who was told twice: their plan was changed, and changed again.
async fn somebody_told(stack: &Stack) -> Person {
    let person = Person::on(stack, "pro").await;
    let desk = &stack.server().backend().billing_desk;
    let account = msgflash_kernel::Id::new(person.account.user.uuid());
    let lower = desk.assign.assign(account, "free").await;
    lower.expect("the plan exists");
    person
}

#[tokio::test(flavor = "multi_thread")]
async fn notices_are_listed_with_all_their_members_the_newest_first() {
    let stack = Stack::for_people(&[]).await;
    let person = somebody_told(&stack).await;
    let listed = told(&person, "").await;
    assert_eq!(listed.len(), 2, "{listed:?}");
    for it in &listed {
        let mut names: Vec<_> = it.as_object().expect("members").keys().collect();
        names.sort();
        let published = ["body", "createdAt", "id", "link", "readAt", "title", "type"];
        assert_eq!(names, published);
        assert_eq!(it["type"], "plan_changed");
        assert_eq!(it["readAt"], Value::Null);
    }
    assert!(listed[0]["createdAt"].as_str() >= listed[1]["createdAt"].as_str());
    let first = person.console.get(&format!("{NOTICES}?limit=1")).await;
    let page = first.data();
    assert_eq!(page["notifications"], json!([listed[0]]));
    let cursor = page["nextCursor"].as_str().expect("there is more");
    let rest = told(&person, &format!("?limit=1&cursor={cursor}")).await;
    assert_eq!(rest, [listed[1].clone()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_is_not_unread_any_more() {
    let stack = Stack::for_people(&[]).await;
    let person = somebody_told(&stack).await;
    let listed = told(&person, "").await;
    let path = format!("{NOTICES}/{}/read", blackbox::id_of(&listed[0]));
    for _ in 0..2 {
        let read = person.console.post_empty(&path).await;
        assert_eq!(read.status, 200, "{read:?}");
    }
    let unread = told(&person, "?unread=true").await;
    assert_eq!(unread, [listed[1].clone()]);
    assert_eq!(told(&person, "").await.len(), 2);
    let all = person
        .console
        .post_empty(&format!("{NOTICES}/read-all"))
        .await;
    assert_eq!(all.status, 200, "{all:?}");
    assert!(told(&person, "?unread=true").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn notices_of_others_are_nobodys() {
    let stack = Stack::for_people(&[]).await;
    let person = somebody_told(&stack).await;
    let other = Person::on(&stack, "free").await;
    assert!(told(&other, "").await.is_empty());
    let theirs = blackbox::id_of(&told(&person, "").await[0]);
    for id in [theirs.as_str(), "0197b3c0-1111-7000-8000-00000000dead", "x"] {
        let path = format!("{NOTICES}/{id}/read");
        let refused = other.console.post_empty(&path).await;
        assert_eq!(refused.outcome(), (404, "NOT_FOUND"), "{id}");
    }
    let all = other
        .console
        .post_empty(&format!("{NOTICES}/read-all"))
        .await;
    assert_eq!(all.status, 200, "{all:?}");
    assert_eq!(told(&person, "?unread=true").await.len(), 2);
}
