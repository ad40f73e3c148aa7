//! What screens begin with: search, first steps and numbers.

use blackbox::{Account, Client, Stack, moment_in};
use msgflash_kernel::{Clock as _, SystemClock};
use serde_json::{Value, json};
use time::Duration;

use super::stack;

fn hits(section: &Value) -> Vec<(String, String)> {
    let hits = section.as_array().expect("a list").iter();
    let told = hits.map(|it| {
        let text = |name: &str| it[name].as_str().unwrap_or_default().to_owned();
        (text("type"), text("title"))
    });
    told.collect()
}

fn one(kind: &str, title: &str) -> Vec<(String, String)> {
    vec![(kind.to_owned(), title.to_owned())]
}

async fn found(client: &Client, query: &str) -> Value {
    let reply = client.get(&format!("/api/search?q={query}")).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.data().clone()
}

/// Somebody with one of each kind.
async fn equipped(stack: &Stack) -> (Account, Client) {
    let account = stack.account("pro").await;
    let client = account.signed_in(stack).await;
    let instance = account.connected(stack).await;
    let rename = json!({ "name": "Lina's shop" });
    let path = format!("/api/instances/{}", instance.id);
    assert_eq!(client.patch(&path, &rename).await.status, 200);
    account.client.contact("Lina Moreau", 33_698_765_432).await;
    account.client.group("Friends of Lina").await;
    account
        .client
        .text(
            &instance,
            "+33612345678",
            "Ask LINA about the 100% discount",
        )
        .await;
    let campaign = json!({
        "name": "Offers of lina", "instanceId": instance.id.to_string(), "type": "text",
        "body": "Hi", "schedule": moment_in(std::time::Duration::from_hours(24)),
        "recipients": { "type": "all" },
    });
    let made = client.post("/api/campaigns", &campaign).await;
    assert_eq!(made.status, 201, "{made:?}");
    (account, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_found_by_its_words_and_only_ones_own() {
    let stack = stack().await;
    let (_, client) = equipped(&stack).await;
    let all = found(&client, "lina").await;
    let sections = &all["sections"];
    assert_eq!(hits(&sections["contacts"]), one("contact", "Lina Moreau"));
    assert_eq!(hits(&sections["groups"]), one("group", "Friends of Lina"));
    let text = "Ask LINA about the 100% discount";
    assert_eq!(hits(&sections["messages"]), one("message", text));
    assert_eq!(hits(&sections["instances"]), one("instance", "Lina's shop"));
    assert_eq!(
        hits(&sections["campaigns"]),
        one("campaign", "Offers of lina")
    );
    assert_eq!((&all["query"], &all["limit"]), (&json!("lina"), &json!(5)));
    let kinds: Vec<_> = hits(&all["results"]).into_iter().map(|it| it.0).collect();
    assert_eq!(
        kinds,
        ["contact", "group", "message", "campaign", "instance"]
    );
    let number = found(&client, "%2B33%206%2011").await;
    assert_eq!(
        hits(&number["sections"]["instances"]),
        one("instance", "Lina's shop")
    );
    // By number, and with signs that mean something elsewhere.
    let by_number = found(&client, "%2B336%2012%2034").await;
    assert_eq!(
        hits(&by_number["sections"]["messages"]),
        one("message", text)
    );
    let literal = found(&client, "100%25").await;
    assert_eq!(hits(&literal["results"]), one("message", text));
    for nothing in ["l_na", "%25%25", "zzz"] {
        assert_eq!(
            found(&client, nothing).await["results"],
            json!([]),
            "{nothing}"
        );
    }
    let other = stack.account("pro").await.signed_in(&stack).await;
    assert_eq!(found(&other, "lina").await["results"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_has_limits() {
    let stack = stack().await;
    let account = stack.account("pro").await;
    let client = account.signed_in(&stack).await;
    for n in 0..7 {
        account.client.group(&format!("Team {n}")).await;
    }
    let few = client.get("/api/search?q=team&limit=3").await;
    assert_eq!(hits(&few.data()["sections"]["groups"]).len(), 3);
    let long = "x".repeat(101);
    for (query, field) in [
        ("", "q"),
        ("?q=", "q"),
        ("?q=x", "q"),
        ("?q=%20x%20", "q"),
        ("?q=a%00b", "q"),
        (&format!("?q={long}"), "q"),
        ("?q=team&limit=21", "limit"),
        ("?q=team&limit=0", "limit"),
    ] {
        let refused = client.get(&format!("/api/search{query}")).await;
        let told = (refused.outcome(), refused.fields().first().copied());
        assert_eq!(told, ((400, "VALIDATION_ERROR"), Some(field)), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn first_steps_are_told_as_they_are_done() {
    let stack = stack().await;
    let account = stack.account("free").await;
    let client = account.signed_in(&stack).await;
    let steps = async || client.get("/api/onboarding").await.data().clone();
    let none = json!({
        "hasInstance": false, "hasConnectedInstance": false, "hasApiKey": true, "hasWebhook": false,
        "hasSentMessage": false, "hasCampaign": false, "currentPlan": "free",
        "canUseCampaigns": true,
    });
    assert_eq!(steps().await, none);
    let instance = account.connected(&stack).await;
    account
        .client
        .endpoint("http://127.0.0.1:9/", &["message.sent"])
        .await;
    let sent = account
        .client
        .text(&instance, "+33612345678", "Hello")
        .await;
    account.client.wait_message(&sent, "read").await;
    let key = format!("/api/api-keys/{}", account.key_id);
    assert_eq!(client.delete(&key).await.status, 200);
    let done = steps().await;
    for step in [
        "hasInstance",
        "hasConnectedInstance",
        "hasWebhook",
        "hasSentMessage",
    ] {
        assert_eq!(done[step], true, "{step}");
    }
    assert_eq!(done["hasApiKey"], false);
    let other = stack.account("free").await.signed_in(&stack).await;
    assert_eq!(*other.get("/api/onboarding").await.data(), none);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_numbers_of_some_days_are_counted_by_day_and_state() {
    let stack = stack().await;
    let account = stack.account("pro").await;
    let client = account.signed_in(&stack).await;
    let instance = account.connected(&stack).await;
    let mut ids = Vec::new();
    for n in 0..4 {
        let to = format!("+3361234567{n}");
        let id = account.client.text(&instance, &to, "Hello").await;
        account.client.wait_message(&id, "read").await;
        ids.push(id);
    }
    // One came as far as the phone, one left, one failed; the last was read.
    for (id, status) in [(&ids[0], 2_i16), (&ids[1], 1), (&ids[2], 4)] {
        let id: uuid::Uuid = id.parse().expect("an id");
        let change = "UPDATE messages SET status = $2 WHERE id = $1";
        assert_eq!(stack.sql(change, &[&id, &status]).await, 1);
    }
    let today = SystemClock.now().date();
    let stats = client.get("/api/dashboard/stats").await;
    let stats = stats.data();
    assert_eq!(
        stats["totals"],
        json!({ "queued": 0, "sent": 3, "delivered": 2, "read": 1, "failed": 1, "received": 0 })
    );
    let series = stats["series"].as_array().expect("days");
    assert_eq!(series.len(), 7);
    assert_eq!(series[6]["date"], today.to_string());
    assert_eq!(
        (&series[6]["sent"], &series[6]["failed"]),
        (&json!(3), &json!(1))
    );
    assert_eq!(series[5]["sent"], 0);
    assert_eq!(stats["instances"]["connected"], 1);
    assert_eq!(stats["campaigns"], json!({ "running": 0, "scheduled": 0 }));
    let campaign = json!({
        "name": "Spring", "instanceId": instance.id.to_string(), "type": "text", "body": "Hi",
        "schedule": moment_in(std::time::Duration::from_hours(24)), "recipients": { "type": "all" },
    });
    let made = client.post("/api/campaigns", &campaign).await;
    assert_eq!(made.status, 201, "{made:?}");
    let now = client.get("/api/dashboard/stats").await;
    assert_eq!(
        now.data()["campaigns"],
        json!({ "running": 0, "scheduled": 1 })
    );
    let steps = client.get("/api/onboarding").await;
    assert_eq!(steps.data()["hasCampaign"], true);
    let before = today - Duration::days(1);
    let path = format!("/api/dashboard/stats?from={before}&to={before}");
    let empty = client.get(&path).await;
    assert_eq!(empty.data()["totals"]["sent"], 0);
    assert_eq!(
        empty.data()["range"],
        json!({ "from": before.to_string(), "to": before.to_string() })
    );
    let other = stack.account("pro").await.signed_in(&stack).await;
    let others = other.get("/api/dashboard/stats").await;
    assert_eq!(others.data()["totals"]["sent"], 0);
    for (query, field) in [
        ("from=yesterday", "from"),
        ("to=2026-13-01", "to"),
        ("from=2026-05-02&to=2026-05-01", "from"),
        ("from=2026-01-01&to=2026-05-01", "from"),
        ("to=-9999-01-01", "to"),
        ("from=-5000-01-01&to=-5000-01-01", "from"),
        ("from=1969-12-31&to=1970-01-01", "from"),
    ] {
        let refused = client.get(&format!("/api/dashboard/stats?{query}")).await;
        let told = (refused.outcome(), refused.fields().first().copied());
        assert_eq!(told, ((400, "VALIDATION_ERROR"), Some(field)), "{query}");
    }
}
