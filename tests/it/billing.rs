//! Plans, payments, and what becomes of an account as it pays, or does not.

mod away;
mod catalogue;
mod changes;
mod checkout;
mod effects;
mod events;
mod journey;
mod lifecycle;
mod operator;
mod quota;
mod reads;
mod roles;
mod teams;

use blackbox::calendar::now;
use blackbox::fleet::free_address;
use blackbox::till::{Event, Period, Sale};
use blackbox::{Brand, Client, PATIENCE, Person, PlansFile, Reply, Stack, Till};
use msgflash_testkit::until;
use serde_json::{Value, json};

const CHECKOUT: &str = "/api/billing/checkout";
const DOWNGRADE: &str = "/api/billing/downgrade";
const CANCEL: &str = "/api/billing/cancel";
const KEEP: &str = "/api/billing/cancel-scheduled-change";
const SUBSCRIPTION: &str = "/api/billing/subscription";
const PAYMENTS: &str = "/api/billing/payments";
const CONTACTS: &str = "/api/contacts";

/// A server that sells its plans at a payment provider.
struct Shop {
    stack: Stack,
    till: Till,
    plans: PlansFile,
}

impl Shop {
    /// One with the usual plans.
    async fn at(brand: Brand) -> Self {
        Self::with(brand, PlansFile::copied(), &[]).await
    }

    /// One with plans and settings of its own.
    async fn with(brand: Brand, plans: PlansFile, settings: &[(&str, &str)]) -> Self {
        let till = Till::open(brand).await;
        // The same one after a restart, so that sessions stay where they are.
        let (bind, path) = (free_address(), plans.path());
        let usual = [
            ("bind", bind.as_str()),
            ("billing_catalogue", path.as_str()),
        ];
        let all = [&till.settings()[..], &usual[..], settings].concat();
        let stack = Stack::for_people(&all).await;
        Self { stack, till, plans }
    }

    /// Reads the file of plans anew.
    async fn restart(&mut self) {
        let path = self.plans.path();
        self.stack.restart_with("billing_catalogue", &path).await;
    }

    /// Somebody new, on the plan that costs nothing.
    async fn visitor(&self) -> Person {
        Person::on(&self.stack, "free").await
    }

    /// Somebody new who bought a plan for the next thirty days.
    async fn buyer(&self, plan: &str) -> (Person, Sale) {
        let person = self.visitor().await;
        let sale = self.sells(&person, plan).await;
        (person, sale)
    }

    /// Somebody buys a plan for the next thirty days, and the provider tells so.
    async fn sells(&self, person: &Person, plan: &str) -> Sale {
        let sale = self.pays(person, plan).await;
        self.tells(&sale.paid(1, Period::days(0.0, 30.0), now()))
            .await;
        sale
    }

    /// Somebody pays for a plan, and nobody has told yet.
    async fn pays(&self, person: &Person, plan: &str) -> Sale {
        let begun = person.console.post(CHECKOUT, &wants(plan)).await;
        assert_eq!(begun.status, 200, "{begun:?}");
        let url = begun.data()["checkoutUrl"].as_str();
        self.till.pays(url.expect("a page"))
    }

    /// The provider tells, and is heard.
    async fn tells(&self, events: &[Event]) {
        let server = self.stack.anonymous();
        for event in events {
            let heard = event.tell(&server).await;
            assert_eq!(heard.status, 200, "{}: {heard:?}", event.id);
        }
    }

    /// A second period, after the first one: its payment, told now.
    async fn renews(&self, sale: &Sale, number: u32, period: Period) {
        self.tells(&sale.paid(number, period, now())).await;
    }

    async fn age(&self, person: &Person, days: f64) {
        self.stack.age(person.account.user.uuid(), days).await;
    }

    /// How much is stored of something, by a condition.
    async fn stored(&self, what: &str) -> i64 {
        let count = format!("SELECT count(*) FROM {what}");
        self.stack.count(&count, &[]).await
    }
}

/// A body that asks for a plan.
fn wants(plan: &str) -> Value {
    json!({ "planCode": plan })
}

/// What somebody holds, as the console shows it.
async fn held(client: &Client) -> Value {
    let reply = client.get(SUBSCRIPTION).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.data()["subscription"].clone()
}

/// The code of the plan that somebody holds.
async fn plan_of(client: &Client) -> String {
    let held = held(client).await;
    held["plan"]["code"].as_str().expect("a code").to_owned()
}

/// What somebody paid, the newest first.
async fn payments(client: &Client) -> Vec<Value> {
    let reply = client.get(&format!("{PAYMENTS}?limit=100")).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.data()["payments"]
        .as_array()
        .cloned()
        .expect("a list")
}

/// Waits until what somebody holds is like this, and answers it.
async fn until_held(client: &Client, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    until(PATIENCE, what, async || {
        let held = held(client).await;
        if is_so(&held) { Ok(held) } else { Err(held) }
    })
    .await
}

/// Waits until somebody holds a plan, and answers what they hold.
async fn until_on(client: &Client, plan: &str) -> Value {
    until_held(client, &format!("the plan is {plan}"), |it| {
        it["plan"]["code"] == plan
    })
    .await
}

/// Waits until a subscription is in a state, and answers it.
async fn until_it_is(client: &Client, status: &str) -> Value {
    until_held(client, &format!("it is {status}"), |it| {
        it["status"] == status
    })
    .await
}

/// Tries to write something that every plan allows.
async fn writes(client: &Client) -> Reply {
    let contact = json!({ "name": "Lina", "phone": "+33698765432" });
    client.post(CONTACTS, &contact).await
}
