//! `/api/v1/instances` and below.

use std::collections::BTreeSet;

use blackbox::{Stack, eventually};
use msgflash_kernel::Actor;
use serde_json::{Value, json};

const INSTANCES: &str = "/api/v1/instances";

fn members(value: &Value) -> BTreeSet<&str> {
    value
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_has_exactly_its_published_fields() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let first = account.instance(&stack).await;
    let second = account.connected(&stack).await;
    let list = account.client.get(INSTANCES).await;
    let rows = list.data().as_array().expect("a plain array");
    let ids: Vec<_> = rows
        .iter()
        .map(|row| row["id"].as_str().expect("an id").to_owned())
        .collect();
    assert_eq!(
        ids,
        [second.id.to_string(), first.id.to_string()],
        "newest first"
    );
    let published = BTreeSet::from([
        "id",
        "name",
        "waNumber",
        "status",
        "webhook",
        "meta",
        "deletedAt",
        "createdAt",
        "updatedAt",
    ]);
    for row in rows {
        assert_eq!(members(row), published);
        let one = account
            .client
            .get(&format!(
                "{INSTANCES}/{}",
                row["id"].as_str().expect("an id")
            ))
            .await;
        assert_eq!(one.data(), row, "list and detail agree");
        for empty in ["webhook", "meta", "deletedAt"] {
            assert_eq!(row[empty], Value::Null);
        }
        let made = row["createdAt"].as_str().expect("a date");
        assert!(
            made.len() == 24 && made.ends_with('Z') && &made[19..20] == ".",
            "{made}"
        );
    }
    assert_eq!(
        (&rows[0]["status"], &rows[0]["waNumber"]),
        (&json!("connected"), &json!("+33611112222"))
    );
    assert_eq!(
        (&rows[1]["status"], &rows[1]["waNumber"]),
        (&json!("disconnected"), &Value::Null)
    );
    for secret in [
        second.session.as_str(),
        second.webhook_secret.reveal().as_str(),
    ] {
        assert!(
            !list.text.contains(secret),
            "the provider's side is never shown"
        );
    }
    let delete = "UPDATE instances SET deleted_at = now() WHERE id = $1";
    stack.sql(delete, &[&first.id.uuid()]).await;
    assert_eq!(
        account
            .client
            .get(INSTANCES)
            .await
            .data()
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    for below in ["", "/state", "/health"] {
        let gone = account
            .client
            .get(&format!("{INSTANCES}/{}{below}", first.id))
            .await;
        assert_eq!(gone.outcome(), (404, "NOT_FOUND"), "{below}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn state_follows_the_phone_and_refreshes_what_is_stored() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.instance(&stack).await;
    let id = instance.id.to_string();
    let path = format!("{INSTANCES}/{id}/state");
    let state = async |expected: [&str; 2]| {
        eventually(&format!("{expected:?}"), async || {
            let reply = account.client.get(&path).await;
            assert_eq!(reply.status, 200, "{reply:?}");
            assert_eq!(
                members(reply.data()),
                BTreeSet::from(["instanceId", "status", "providerState"])
            );
            assert_eq!(reply.data()["instanceId"], id.as_str());
            let data = reply.data();
            (data["status"] == expected[0] && data["providerState"] == expected[1]).then_some(())
        })
        .await;
        let stored = account.client.get(&format!("{INSTANCES}/{id}")).await;
        assert_eq!(
            stored.data()["status"],
            expected[0],
            "the stored state follows"
        );
    };
    state(["disconnected", "close"]).await;
    let connect = stack
        .server()
        .backend()
        .provision
        .connect(&Actor::owner_of(instance.account), instance.id, None)
        .await;
    connect.expect("the gateway answers");
    state(["connecting", "connecting"]).await;
    stack.scan(&instance.session, "33611112222").await;
    state(["connected", "open"]).await;
    let logout = stack
        .control(
            &format!("instances/{}/drop", instance.session),
            json!({ "code": 401 }),
        )
        .await;
    assert!(logout.status < 300, "{logout:?}");
    state(["disconnected", "close"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missed_event_is_made_good_by_asking() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    let path = format!("{INSTANCES}/{}", instance.id);
    stack
        .sql(
            "UPDATE instances SET status = 'disconnected', wa_number = NULL",
            &[],
        )
        .await;
    assert_eq!(
        account.client.get(&path).await.data()["status"],
        "disconnected",
        "stored, not asked"
    );
    let state = account.client.get(&format!("{path}/state")).await;
    assert_eq!(
        (&state.data()["status"], &state.data()["providerState"]),
        (&json!("connected"), &json!("open"))
    );
    let stored = account.client.get(&path).await;
    assert_eq!(
        (&stored.data()["status"], &stored.data()["waNumber"]),
        (&json!("connected"), &json!("+33611112222"))
    );
    stack
        .sql("UPDATE instances SET status = 'suspended'", &[])
        .await;
    let state = account.client.get(&format!("{path}/state")).await;
    assert_eq!(
        (&state.data()["status"], &state.data()["providerState"]),
        (&json!("suspended"), &json!("open"))
    );
    assert_eq!(
        account.client.get(&path).await.data()["status"],
        "suspended",
        "asking lifts nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_the_gateway_does_not_know_is_closed() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.instance(&stack).await;
    assert!(stack.control("reset", json!({})).await.status < 300);
    let state = account
        .client
        .get(&format!("{INSTANCES}/{}/state", instance.id))
        .await;
    assert_eq!(state.status, 200, "{state:?}");
    assert_eq!(
        (&state.data()["status"], &state.data()["providerState"]),
        (&json!("disconnected"), &json!("close"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_in_trouble_is_502_and_says_nothing_of_itself() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    let path = format!("{INSTANCES}/{}", instance.id);
    for fault in ["unauthorized", "license_required"] {
        let body = json!({ "fault": fault });
        let added = stack.control("faults", body).await;
        assert!(added.status < 300, "{added:?}");
        let reply = account.client.get(&format!("{path}/state")).await;
        assert_eq!(reply.status, 502, "{fault}: {reply:?}");
        assert!(reply.code().starts_with("PROVIDER_"), "{fault}: {reply:?}");
        for word in [
            "evolution",
            "license",
            "unauthorized",
            "apikey",
            "127.0.0.1",
            &instance.session,
        ] {
            assert!(
                !reply.text.to_lowercase().contains(word),
                "{fault} says {word}: {reply:?}"
            );
        }
    }
    assert!(
        stack
            .control("restart", json!({ "downMs": 3_600_000, "coldMs": 0 }))
            .await
            .status
            < 300
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_away_is_502_and_everything_stored_is_still_read() {
    // Nothing listens on the port of a listener that is gone.
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("an address");
    let url = format!("http://{closed}");
    let stack = Stack::with(&[("evolution_url", &url)]).await;
    let account = stack.account("pro").await;
    let id = uuid::Uuid::parse_str(super::NOBODY).expect("an id");
    stack
        .sql(
            "INSERT INTO instances (id, account_id, name, session, webhook_secret, status, created_at, updated_at) \
             VALUES ($1, $2, 'Shop', 'shop', 'secret', 'connected', now(), now())",
            &[&id, &account.user.uuid()],
        )
        .await;
    let reply = account.client.get(&format!("{INSTANCES}/{id}/state")).await;
    assert_eq!(reply.outcome(), (502, "PROVIDER_UNAVAILABLE"), "{reply:?}");
    assert_eq!(
        reply.json["error"]["message"],
        "Provider temporarily unavailable"
    );
    assert_eq!(
        account
            .client
            .get(&format!("{INSTANCES}/{id}"))
            .await
            .data()["status"],
        "connected"
    );
    assert_eq!(
        account
            .client
            .get(&format!("{INSTANCES}/{id}/health"))
            .await
            .status,
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn health_tells_the_caps_of_its_state() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    let path = format!("{INSTANCES}/{}/health", instance.id);
    let ages = [
        ("0 hours", "new", [10, 30, 10, 30, 30], 0.2, 0.0),
        ("50 hours", "warming", [25, 100, 25, 100, 100], 0.4, 2.1),
        ("20 days", "stable", [200, 1500, 200, 1500, 2000], 0.8, 20.0),
    ];
    for (age, state, caps, ratio, days) in ages {
        let linked = format!("UPDATE instances SET first_connected_at = now() - interval '{age}'");
        stack.sql(&linked, &[]).await;
        let reply = account.client.get(&path).await;
        let data = reply.data();
        let published = [
            "instanceId",
            "safetyState",
            "safetyScore",
            "firstConnectedAt",
            "warmupPolicy",
            "usageWindowSummary",
            "recommendations",
        ];
        assert_eq!(members(data), BTreeSet::from(published));
        assert_eq!(data["instanceId"], instance.id.to_string());
        assert_eq!(data["safetyState"], state);
        assert_eq!(data["warmupPolicy"]["state"], state);
        let score = data["safetyScore"].as_u64().expect("a number");
        assert!(score <= 100);
        let policy = &data["warmupPolicy"];
        let names = [
            "hourlyOutboundCap",
            "dailyOutboundCap",
            "hourlyUniqueRecipientsCap",
            "dailyUniqueRecipientsCap",
            "maxCampaignRecipients",
        ];
        for (name, cap) in names.into_iter().zip(caps) {
            assert_eq!(policy[name], cap, "{state} {name}");
        }
        assert_eq!(policy["maxColdRatio"], ratio);
        let shown = policy["instanceAgeDays"].as_f64().expect("a number");
        assert!((shown - days).abs() < 0.06, "{state}: {shown}");
        assert_eq!(members(policy).len(), 8);
        let window = json!({
            "outbound1h": 0, "outbound24h": 0, "uniqueRecipients1h": 0, "uniqueRecipients24h": 0,
            "inboundReplies24h": 0, "inboundReplies7d": 0,
        });
        assert_eq!(data["usageWindowSummary"], window);
        assert!(data["recommendations"].is_array());
    }
    stack
        .sql("UPDATE instances SET first_connected_at = NULL", &[])
        .await;
    let never = account.client.get(&path).await;
    assert_eq!(never.data()["firstConnectedAt"], Value::Null);
    assert_eq!(never.data()["safetyState"], "new");
    assert_eq!(
        never.data()["warmupPolicy"]["instanceAgeDays"].as_f64(),
        Some(0.0)
    );
}
