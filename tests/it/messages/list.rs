//! Listing messages.

use blackbox::{Client, Stack, text};
use serde_json::Value;

fn ids(page: &Value) -> Vec<String> {
    let list = page["messages"].as_array().cloned().unwrap_or_default();
    list.iter().map(blackbox::id_of).collect()
}

async fn list(client: &Client, query: &str) -> Value {
    let reply = client.get(&format!("/api/v1/messages?{query}")).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.data().clone()
}

fn escaped(text: &str) -> String {
    text.replace('+', "%2B").replace(':', "%3A")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_meets_every_message_once_while_new_ones_come() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.instance(&stack).await;
    let client = &account.client;
    let mut sent = Vec::new();
    for n in 0..25 {
        sent.push(
            client
                .text(&instance, "+33612345678", &format!("{n}"))
                .await,
        );
    }
    sent.reverse();
    let mut met = Vec::new();
    let mut page = list(client, "limit=10").await;
    loop {
        met.extend(ids(&page));
        let next = page["nextCursor"].as_str().map(str::to_owned);
        assert_eq!(page["hasMore"], next.is_some());
        let Some(cursor) = next else { break };
        assert_eq!(ids(&page).len(), 10);
        // Messages that come while walking neither shift nor repeat the rest.
        client.text(&instance, "+33612345678", "new").await;
        page = list(client, &format!("limit=10&cursor={cursor}")).await;
    }
    assert_eq!(met, sent, "newest first, each once");
    assert_eq!(ids(&list(client, "").await).len(), 20, "the default");
    assert_eq!(ids(&list(client, "limit=100").await).len(), 27);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_belongs_to_its_filter() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.instance(&stack).await;
    for n in 0..3 {
        account
            .client
            .text(&instance, "+33612345678", &format!("{n}"))
            .await;
    }
    let page = list(&account.client, "limit=1").await;
    let cursor = page["nextCursor"].as_str().expect("more").to_owned();
    let same = list(&account.client, &format!("limit=2&cursor={cursor}")).await;
    assert_eq!(ids(&same).len(), 2, "another size is the same list");
    for other in ["direction=outbound", "status=failed", "to=%2B33612345678"] {
        let path = format!("/api/v1/messages?limit=1&{other}&cursor={cursor}");
        let reply = account.client.get(&path).await;
        assert_eq!(reply.outcome(), (400, "VALIDATION_ERROR"), "{other}");
        assert_eq!(reply.fields(), ["cursor"]);
    }
    for wrong in ["nonsense", "01900000-0000-7000-8000-000000000000"] {
        let reply = account
            .client
            .get(&format!("/api/v1/messages?cursor={wrong}"))
            .await;
        assert_eq!(reply.outcome(), (400, "VALIDATION_ERROR"), "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_choose_and_combine() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let shop = account.connected(&stack).await;
    let spare = account.instance(&stack).await;
    let client = &account.client;
    let read = client.text(&shop, "+33612345678", "read").await;
    client.wait_message(&read, "read").await;
    let failed = client.text(&spare, "+33612345679", "failed").await;
    client.wait_message(&failed, "failed").await;
    stack
        .phone(
            &shop,
            "inbound",
            serde_json::json!({ "from": "33612345678", "text": "in" }),
        )
        .await;
    let inbound = blackbox::id_of(&client.wait_inbound("in").await);
    let campaign = "01900000-0000-7000-8000-0000000000c1";
    let last = client.text(&shop, "+33612345678", "last").await;
    client.wait_message(&last, "read").await;
    stack
        .sql(
            "UPDATE messages SET campaign_id = $2::text::uuid WHERE id = $1::text::uuid",
            &[&last, &campaign],
        )
        .await;

    let all = [&last, &inbound, &failed, &read].map(Clone::clone);
    assert_eq!(ids(&list(client, "").await), all);
    let created = client.message(&inbound).await["createdAt"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let created = escaped(&created);
    let cases: [(String, &[&String]); 13] = [
        (format!("instanceId={}", spare.id), &[&failed]),
        (format!("instanceId={}", shop.id), &[&last, &inbound, &read]),
        (
            "instanceId=01900000-0000-7000-8000-000000000000".into(),
            &[],
        ),
        ("status=read".into(), &[&last, &read]),
        ("status=received".into(), &[&inbound]),
        ("status=cancelled".into(), &[]),
        ("direction=inbound".into(), &[&inbound]),
        ("direction=outbound".into(), &[&last, &failed, &read]),
        ("to=%2B33612345679".into(), &[&failed]),
        (format!("from={created}"), &[&last, &inbound]),
        (format!("until={created}"), &[&failed, &read]),
        (format!("campaignId={campaign}"), &[&last]),
        (
            format!("status=read&until={created}&instanceId={}", shop.id),
            &[&read],
        ),
    ];
    for (query, expected) in cases {
        let expected: Vec<String> = expected.iter().map(|id| (*id).clone()).collect();
        assert_eq!(ids(&list(client, &query).await), expected, "{query}");
    }
    // A filtered walk is complete, too.
    let page = list(client, "status=read&limit=1").await;
    let cursor = page["nextCursor"].as_str().expect("more");
    let rest = list(client, &format!("status=read&limit=1&cursor={cursor}")).await;
    assert_eq!(
        (ids(&rest), &rest["hasMore"]),
        (vec![read], &Value::Bool(false))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_is_the_listed_message() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    let sent = account
        .client
        .send(&text(&instance, "+33612345678", "Hi"))
        .await;
    let read = account
        .client
        .wait_message(&blackbox::id_of(&sent), "read")
        .await;
    let page = list(&account.client, "").await;
    assert_eq!(page["messages"], Value::Array(vec![read]));
    assert_eq!(
        (&page["nextCursor"], &page["hasMore"]),
        (&Value::Null, &Value::Bool(false))
    );
}
