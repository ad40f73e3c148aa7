//! What a lower plan takes away, and a higher one gives back.

mod back;

use std::time::Duration;

use blackbox::book::GROUPS;
use blackbox::{Brand, Client, Person, PlansFile, eventually, id_of, moment_in};
use msgflash_messaging::Instance;
use serde_json::{Value, json};

use super::{CANCEL, DOWNGRADE, Shop, until_on};

const KEYS: &str = "/api/api-keys";
const HOOKS: &str = "/api/v1/webhooks";
const CAMPAIGNS: &str = "/api/campaigns";

/// Somebody with more of everything than the plan that costs nothing allows.
struct Rich {
    shop: Shop,
    person: Person,
    /// The oldest is loose, the other two are linked.
    instances: Vec<Instance>,
    /// Programs with the second and the third key.
    programs: Vec<Client>,
    /// The ids of two endpoints, the older one first.
    hooks: Vec<String>,
    /// A campaign that starts tomorrow.
    campaign: String,
}

/// Plans of which the one that costs nothing has one of everything, and no campaigns.
fn plans() -> PlansFile {
    let mut plans = PlansFile::copied();
    for limit in ["max_webhook_endpoints", "max_contact_groups"] {
        plans.set("plans.free.limits", limit, "1");
    }
    plans.set("plans.free.features", "campaigns", "false");
    plans
}

impl Rich {
    async fn new() -> Self {
        let shop = Shop::with(Brand::Dodo, plans(), &[]).await;
        let (person, _) = shop.buyer("pro").await;
        let (stack, account) = (&shop.stack, &person.account);
        let mut instances = Vec::new();
        for number in [None, Some("33611112221"), Some("33611112222")] {
            let instance = account.instance(stack).await;
            if let Some(number) = number {
                account.link(stack, &instance, number).await;
            }
            instances.push(instance);
        }
        let mut programs = Vec::new();
        for name in ["Second", "Third"] {
            let made = person.console.post(KEYS, &json!({ "name": name })).await;
            assert_eq!(made.status, 201, "{made:?}");
            let secret = made.data()["secret"].as_str().expect("shown once");
            programs.push(stack.client(secret));
        }
        let mut hooks = Vec::new();
        for n in 0..2 {
            let url = format!("https://hooks.example.com/{n}");
            let made = account.client.endpoint(&url, &["message.sent"]).await;
            hooks.push(id_of(&made));
            account.client.group(&format!("Group {n}")).await;
        }
        account.client.contact("Lina", 33_698_765_432).await;
        let campaign = json!({
            "name": "Spring", "instanceId": instances[1].id.to_string(), "type": "text",
            "body": "Hello", "schedule": moment_in(Duration::from_hours(24)),
            "recipients": { "type": "all" },
        });
        let made = person.console.post(CAMPAIGNS, &campaign).await;
        assert_eq!(made.status, 201, "{made:?}");
        let campaign = id_of(made.data());
        Self {
            shop,
            person,
            instances,
            programs,
            hooks,
            campaign,
        }
    }

    /// The same person, some time after the end of what they paid.
    async fn fallen() -> Self {
        let rich = Box::pin(Self::new()).await;
        Box::pin(rich.falls()).await;
        rich
    }

    async fn falls(&self) {
        let cancelled = self.person.console.post_empty(CANCEL).await;
        assert_eq!(cancelled.status, 200, "{cancelled:?}");
        self.shop.age(&self.person, 30.5).await;
        until_on(&self.person.console, "free").await;
    }

    /// The states of the instances, the oldest first.
    async fn states(&self) -> Vec<String> {
        let mut states = Vec::new();
        for instance in &self.instances {
            let path = format!("/api/instances/{}", instance.id);
            let shown = self.person.console.get(&path).await;
            let state = shown.data()["status"].as_str();
            states.push(state.expect("a state").to_owned());
        }
        states
    }

    /// Whether the endpoints are used, the older one first.
    async fn active(&self) -> Vec<Value> {
        let mut active = Vec::new();
        for hook in &self.hooks {
            let path = format!("{HOOKS}/{hook}");
            let shown = self.person.account.client.get(&path).await;
            active.push(shown.data()["active"].clone());
        }
        active
    }

    async fn campaign(&self) -> Value {
        let path = format!("{CAMPAIGNS}/{}", self.campaign);
        self.person.console.get(&path).await.data()["status"].clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_taken_away_before_the_end() {
    let rich = Rich::new().await;
    let cancelled = rich.person.console.post_empty(CANCEL).await;
    assert_eq!(cancelled.status, 200, "{cancelled:?}");
    assert_eq!(
        rich.states().await,
        ["disconnected", "connected", "connected"]
    );
    assert_eq!(rich.active().await, [true, true]);
    assert_eq!(rich.campaign().await, "scheduled");
    for program in &rich.programs {
        assert_eq!(program.get("/api/v1/me").await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_linked_instances_the_oldest_stays_and_the_others_are_logged_out() {
    let rich = Rich::fallen().await;
    assert_eq!(rich.states().await, ["suspended", "connected", "suspended"]);
    let stack = &rich.shop.stack;
    let path = |of: &Instance| format!("logout/{}", of.session);
    eventually("the newest is logged out at the gateway", async || {
        (!stack.asked(&path(&rich.instances[2])).await.is_empty()).then_some(())
    })
    .await;
    let kept = stack.asked(&path(&rich.instances[1])).await;
    assert!(kept.is_empty(), "{kept:?}");
    let states = rich.states().await;
    assert_eq!(
        states,
        ["suspended", "connected", "suspended"],
        "and stay so"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_away_holds_nothing_up_and_is_told_when_it_is_back() {
    let rich = Box::pin(Rich::new()).await;
    let stack = &rich.shop.stack;
    stack.control("down", json!({})).await;
    let provider = &stack.server().backend().provider;
    eventually("connections from before have ended", async || {
        provider.version().await.is_err().then_some(())
    })
    .await;
    Box::pin(rich.falls()).await;
    assert_eq!(rich.states().await, ["suspended", "connected", "suspended"]);
    assert_eq!(rich.active().await, [true, false]);
    assert_eq!(rich.campaign().await, "paused_plan");
    for program in &rich.programs {
        let refused = program.get("/api/v1/me").await;
        assert_eq!(refused.outcome(), (401, "UNAUTHORIZED"));
    }
    let path = format!("logout/{}", rich.instances[2].session);
    let is_logged_out = async || {
        let asked = stack.asked(&path).await;
        asked.iter().any(|it| it["status"] == 200)
    };
    assert!(!is_logged_out().await, "it is away");
    stack.control("up", json!({})).await;
    eventually("the newest is logged out at the gateway", async || {
        is_logged_out().await.then_some(())
    })
    .await;
    let newest = rich.states().await.pop();
    assert_eq!(newest.as_deref(), Some("suspended"), "and stays so");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_suspended_sends_nothing_and_what_stayed_does() {
    let rich = Rich::fallen().await;
    let client = &rich.person.account.client;
    let send = |instance: &Instance| blackbox::text(instance, "+33612345678", "Hi");
    let path = "/api/v1/messages/send";
    let refused = client.post(path, &send(&rich.instances[2])).await;
    assert_eq!(refused.outcome(), (403, "FORBIDDEN"));
    client.send(&send(&rich.instances[1])).await;
    rich.shop.stack.wait_received("+33612345678", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_plan_suspended_is_not_linked_or_restarted_and_takes_its_place() {
    let rich = Rich::fallen().await;
    let console = &rich.person.console;
    let path = format!("/api/instances/{}/connect", rich.instances[2].id);
    let refused = console.post(&path, &json!({})).await;
    assert_eq!(refused.outcome(), (403, "MAX_INSTANCES_REACHED"));
    let path = format!("/api/instances/{}/restart", rich.instances[2].id);
    let refused = console.post_empty(&path).await;
    assert_eq!(refused.outcome(), (403, "MAX_INSTANCES_REACHED"));
    let another = console
        .post("/api/instances", &json!({ "name": "New" }))
        .await;
    assert_eq!(another.outcome(), (403, "MAX_INSTANCES_REACHED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_keys_open_nothing_any_more() {
    let rich = Rich::fallen().await;
    for program in &rich.programs {
        let refused = program.get("/api/v1/me").await;
        assert_eq!(refused.outcome(), (401, "UNAUTHORIZED"));
    }
    let oldest = rich.person.account.client.get("/api/v1/me").await;
    assert_eq!(oldest.status, 200, "{oldest:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_webhook_is_off_and_cannot_be_switched_on() {
    let rich = Rich::fallen().await;
    assert_eq!(rich.active().await, [true, false]);
    let path = format!("{HOOKS}/{}", rich.hooks[1]);
    let client = &rich.person.account.client;
    let refused = client.patch(&path, &json!({ "active": true })).await;
    assert_eq!(refused.outcome(), (403, "MAX_WEBHOOK_ENDPOINTS_REACHED"));
    assert_eq!(rich.active().await, [true, false]);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_webhooks_of_a_team_go_first_where_they_are_the_newest() {
    let mut plans = PlansFile::copied();
    for limit in ["max_api_keys", "max_webhook_endpoints"] {
        plans.set("plans.pro.limits", limit, "1");
    }
    let shop = Shop::with(Brand::Dodo, plans, &[]).await;
    let (owner, _) = shop.buyer("max").await;
    let own = &owner.account.client;
    let hook = own.endpoint("https://hooks.example.com/own", &["message.sent"]);
    let own_hook = format!("/api/webhooks/{}", id_of(&hook.await));
    let team = id_of(&owner.found("Desk", &[("guest@shop.test", "admin")]).await);
    let key = owner.team_key(&team).await;
    let secret = key["secret"].as_str().expect("shown once");
    let program = shop.stack.client(secret).header("x-team-id", &team);
    let hook = program.endpoint("https://hooks.example.com/team", &["message.sent"]);
    let team_hook = format!("/api/webhooks/{}", id_of(&hook.await));

    let lower = json!({ "plan": "pro" });
    let lowered = owner.console.post(DOWNGRADE, &lower).await;
    assert_eq!(lowered.status, 200, "{lowered:?}");
    shop.age(&owner, 30.1).await;
    until_on(&owner.console, "pro").await;
    let refused = program.get("/api/v1/me").await;
    assert_eq!(refused.outcome(), (401, "UNAUTHORIZED"));
    let kept = own.get("/api/v1/me").await;
    assert_eq!(kept.status, 200, "{kept:?}");
    let within = owner.within(&team);
    for (client, path, active) in [
        (&owner.console, own_hook, true),
        (&within, team_hook, false),
    ] {
        let shown = client.get(&path).await;
        assert_eq!(shown.data()["active"], active, "{shown:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_stay_and_there_is_no_new_one() {
    let rich = Rich::fallen().await;
    let client = &rich.person.account.client;
    assert_eq!(rich.shop.stored("contact_groups").await, 2);
    let another = client.post(GROUPS, &json!({ "name": "Another" })).await;
    assert_eq!(another.outcome(), (403, "MAX_CONTACT_GROUPS_REACHED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn campaigns_pause_where_the_plan_has_none() {
    let rich = Rich::fallen().await;
    assert_eq!(rich.campaign().await, "paused_plan");
    let path = format!("{CAMPAIGNS}/{}/resume", rich.campaign);
    let refused = rich.person.console.post_empty(&path).await;
    assert_eq!(refused.outcome(), (403, "CAMPAIGNS_NOT_AVAILABLE_ON_PLAN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_is_told_what_was_taken_away() {
    let rich = Rich::fallen().await;
    let told = "SELECT data FROM notices WHERE kind = 'plan_changed' AND data->>'to' = 'free'";
    let rows = rich.shop.stack.rows(told, &[]).await;
    assert_eq!(rows.len(), 1);
    let data: Value = rows[0].get(0);
    assert_eq!(
        data,
        json!({
            "from": "pro", "to": "free", "suspendedInstances": 2, "revokedApiKeys": 2,
            "disabledWebhooks": 1,
        })
    );
    let listed = rich.person.console.get("/api/notifications").await;
    assert_eq!(listed.status, 200, "{listed:?}");
    assert!(listed.text.contains("plan_changed"), "{listed:?}");
}
