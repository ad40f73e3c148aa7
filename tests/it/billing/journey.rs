//! The whole way of somebody who comes, buys, grows, saves and falls back.

use blackbox::calendar::now;
use blackbox::team::token_in;
use blackbox::till::Period;
use blackbox::{Brand, Client, TEAMS, eventually, id_of};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{CHECKOUT, DOWNGRADE, Shop, held, until_held, until_on, wants};

const EMAIL: &str = "lea@shop.test";
const PASSWORD: &str = "Corr3ct-horse";
const HOOKS: &str = "/api/webhooks";

/// Somebody signs up, says that the address is theirs, and signs in.
async fn newcomer(shop: &Shop) -> (Uuid, Client) {
    let nobody = shop.stack.anonymous();
    let order = json!({
        "fullName": "Lea Roy", "email": EMAIL, "phone": "+33612345678", "password": PASSWORD,
    });
    let made = nobody.post("/api/auth/signup", &order).await;
    assert_eq!(made.status, 201, "{made:?}");
    let token = token_in(&shop.stack.mail(EMAIL, "verify_email").await);
    let path = "/api/auth/verify-email";
    let verified = nobody.post(path, &json!({ "token": token })).await;
    assert_eq!(verified.status, 200, "{verified:?}");
    let client = shop.stack.signed_in(EMAIL, PASSWORD).await;
    let me = client.get("/api/auth/me").await;
    let id = id_of(me.data());
    (id.parse().expect("an id"), client)
}

async fn makes_instances(client: &Client, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for n in 0..count {
        let body = json!({ "name": format!("Shop {n}") });
        let made = client.post("/api/instances", &body).await;
        assert_eq!(made.status, 201, "{made:?}");
        ids.push(id_of(made.data()));
    }
    ids
}

/// Makes keys, and answers programs with them.
async fn makes_keys(shop: &Shop, client: &Client, count: usize) -> Vec<Client> {
    let mut programs = Vec::new();
    for n in 0..count {
        let body = json!({ "name": format!("Program {n}") });
        let made = client.post("/api/api-keys", &body).await;
        assert_eq!(made.status, 201, "{made:?}");
        let secret = made.data()["secret"].as_str().expect("shown once");
        programs.push(shop.stack.client(secret));
    }
    programs
}

async fn makes_hooks(client: &Client, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for n in 0..count {
        let url = format!("https://hooks.example.com/{n}");
        let body = json!({ "url": url, "events": ["message.sent"] });
        let made = client.post(HOOKS, &body).await;
        assert_eq!(made.status, 201, "{made:?}");
        ids.push(id_of(made.data()));
    }
    ids
}

async fn makes_teams(client: &Client, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for n in 0..count {
        let invites = json!([{ "email": "guest@shop.test", "role": "admin" }]);
        let body = json!({ "name": format!("Desk {n}"), "invites": invites });
        let made = client.post(TEAMS, &body).await;
        assert_eq!(made.status, 201, "{made:?}");
        ids.push(id_of(made.data()));
    }
    ids
}

async fn state(client: &Client, instance: &str) -> Value {
    let shown = client.get(&format!("/api/instances/{instance}")).await;
    shown.data()["status"].clone()
}

/// Of seven keys the five oldest work, and of sixteen webhooks the fifteen oldest.
async fn assert_pro_keeps(client: &Client, programs: &[Client], hooks: &[String]) {
    let mut opened = Vec::new();
    for program in programs {
        opened.push(program.get("/api/v1/me").await.status);
    }
    assert_eq!(opened, [200, 200, 200, 200, 200, 401, 401]);
    let mut active = Vec::new();
    for hook in hooks {
        let shown = client.get(&format!("{HOOKS}/{hook}")).await;
        active.push(shown.data()["active"] == true);
    }
    assert_eq!(active, [&[true; 15][..], &[false]].concat());
}

/// What the workspace says is to come: the plan, when, and how.
async fn to_come(client: &Client) -> [Value; 3] {
    let here = client.get("/api/workspace/current").await;
    assert_eq!(here.status, 200, "{here:?}");
    let it = &here.data()["subscription"];
    ["scheduledPlan", "scheduledPlanAt", "scheduledAction"].map(|member| it[member].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn from_signing_up_to_max_to_a_team_to_pro() {
    for brand in Brand::ALL {
        let shop = Shop::at(brand).await;
        let (account, lea) = newcomer(&shop).await;
        assert_eq!(held(&lea).await["plan"]["code"], "free");
        makes_instances(&lea, 1).await;
        let full = lea.post("/api/instances", &json!({ "name": "More" })).await;
        assert_eq!(full.outcome(), (403, "MAX_INSTANCES_REACHED"));

        let begun = lea.post(CHECKOUT, &wants("max")).await;
        assert_eq!(begun.status, 200, "{begun:?}");
        let url = begun.data()["checkoutUrl"].as_str().expect("a page");
        let sale = shop.till.pays(url);
        assert_eq!(held(&lea).await["plan"]["code"], "free", "nobody has told");
        shop.tells(&sale.paid(1, Period::days(0.0, 30.0), now()))
            .await;

        let max = held(&lea).await;
        assert_eq!(max["plan"]["limits"]["maxInstances"], 20);
        let instances = makes_instances(&lea, 6).await;
        let programs = makes_keys(&shop, &lea, 7).await;
        let hooks = makes_hooks(&lea, 16).await;
        let teams = makes_teams(&lea, 3).await;

        let lower = json!({ "plan": "pro" });
        let refused = lea.post(DOWNGRADE, &lower).await;
        assert_eq!(refused.outcome(), (409, "PLAN_CHANGE_BLOCKED_ACTIVE_TEAMS"));
        let named = &refused.json["error"]["details"]["teamIds"];
        assert_eq!(named.as_array().map(Vec::len), Some(3), "{refused:?}");
        let gone = lea.delete(&format!("{TEAMS}/{}", teams[0])).await;
        assert_eq!(gone.status, 204, "{gone:?}");
        let lowered = lea.post(DOWNGRADE, &lower).await;
        assert_eq!(lowered.status, 200, "{lowered:?}");
        assert_eq!(lowered.data()["effectiveAt"], max["currentPeriodEnd"]);
        assert_eq!(held(&lea).await["plan"]["code"], "max", "until then");
        let end = max["currentPeriodEnd"].clone();
        let scheduled = [json!("pro"), end, json!("downgrade")];
        assert_eq!(to_come(&lea).await, scheduled);
        eventually("the provider knows", async || {
            let next = shop.till.charged(&sale.agreement).next;
            (next == Some(brand.product("pro"))).then_some(())
        })
        .await;

        shop.stack.age(account, 30.1).await;
        let pro = until_on(&lea, "pro").await;
        assert_eq!(pro["plan"]["limits"]["maxInstances"], 5);
        assert_eq!(pro["scheduledAction"], Value::Null);
        assert_eq!(to_come(&lea).await, [Value::Null, Value::Null, Value::Null]);
        assert_pro_keeps(&lea, &programs, &hooks).await;
        // Seven in all, of which the two newest have no place any more.
        assert_eq!(state(&lea, &instances[3]).await, "disconnected");
        for newest in &instances[4..] {
            assert_eq!(state(&lea, newest).await, "suspended");
        }
        let more = lea.post("/api/instances", &json!({ "name": "More" })).await;
        assert_eq!(more.outcome(), (403, "MAX_INSTANCES_REACHED"));
        let still = lea.get(TEAMS).await;
        assert!(still.text.contains(&teams[1]), "{still:?}");

        let mut renewal = sale.clone();
        renewal.product = brand.product("pro");
        renewal.amount = 1900;
        shop.renews(&renewal, 2, Period::days(-0.1, 29.9)).await;
        until_held(&lea, "the next month is paid", |it| {
            it["status"] == "active" && it["currentPeriodEnd"] != pro["currentPeriodEnd"]
        })
        .await;
    }
}
