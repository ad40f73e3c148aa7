//! The processes, their database, their gateway, and whom they work for.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use blackbox::fleet::free_address;
use blackbox::{Account, Client, Fleet, PlansFile, Receiver, Stack, id_of};
use msgflash_accounts::KeyOrder;
use msgflash_kernel::{Actor, Workspace};
use msgflash_messaging::Instance;
use msgflash_testkit::{OwnServer, RedisServer, TestDatabase};
use serde_json::json;

use crate::cutter::Cutter;
use crate::history::History;
use crate::scenario::Scenario;

/// What the account that is meant to meet its quota may send in a month.
pub(crate) const QUOTA: usize = 40;
/// So many people does each campaign write to.
pub(crate) const PEOPLE: usize = 60;
const LANES: usize = 4;
const KEYS: usize = 8;
/// A receipt may overtake the news that its message left, which is then not told any more.
pub(crate) const OUTCOMES: [&str; 4] = [
    "message.sent",
    "message.delivered",
    "message.read",
    "message.failed",
];

/// Leases are those of daily use: a lane waits up to half a minute for its dead worker. What became of
/// a call is found out sooner than by default.
const SETTINGS: [(&str, &str); 6] = [
    ("send_timeout_seconds", "5"),
    ("unknown_patience_seconds", "20"),
    ("rate_limit_per_second", "100000"),
    ("shutdown_seconds", "25"),
    ("drain_seconds", "1"),
    ("pace_ms", "20"),
];

/// What a key may ask for in a second where rate windows are shared: few enough to be met.
pub(crate) const SHARED_LIMIT: (usize, &str) = (12, "12");

/// How many processes there are.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) apis: usize,
    pub(crate) workers: usize,
}

/// Everything a scenario may lay hands on. Fields drop in this order.
pub(crate) struct Stage {
    pub(crate) fleet: Fleet,
    pub(crate) receiver: Receiver,
    pub(crate) stack: Stack,
    pub(crate) postgres: OwnServer,
    /// Between the processes and the database.
    pub(crate) cutter: Option<Cutter>,
    /// Where the processes share their rate windows.
    pub(crate) redis: Option<RedisServer>,
    _plans: PlansFile,
}

/// What clients need, shared by all of them.
pub(crate) struct World {
    pub(crate) bases: Vec<String>,
    /// Which of them get requests.
    pub(crate) rotation: Vec<AtomicBool>,
    turn: AtomicUsize,
    is_over: AtomicBool,
    pub(crate) shop: Account,
    pub(crate) lanes: Vec<Instance>,
    /// The number campaigns go out by.
    pub(crate) campaigner: Instance,
    pub(crate) capped: Account,
    pub(crate) capped_lane: Instance,
    pub(crate) console: Client,
    /// The shop's webhook whose receiver is well.
    pub(crate) endpoint: String,
    /// Keys of the shop to be revoked: id and secret.
    pub(crate) keys: Mutex<Vec<(String, String)>>,
    pub(crate) history: Mutex<History>,
}

impl World {
    /// Some API process, one in rotation if there is any.
    pub(crate) fn base(&self) -> &str {
        let count = self.bases.len();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let inside =
            (turn..turn + count).find(|n| self.rotation[n % count].load(Ordering::Relaxed));
        &self.bases[inside.unwrap_or(turn) % count]
    }

    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Clients finish what they are at.
    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    pub(crate) fn note<T>(&self, note: impl FnOnce(&mut History) -> T) -> T {
        note(&mut self.history.lock().expect("unpoisoned"))
    }
}

/// Builds it. Accounts, keys and links are made before the processes take over.
pub(crate) async fn build(scenario: &Scenario) -> (Stage, World) {
    let shape = scenario.shape;
    let postgres = OwnServer::start().await;
    let cutter = if scenario.is_proxied {
        Some(Cutter::before(postgres.url()).await)
    } else {
        None
    };
    let mut plans = PlansFile::copied();
    let free = "plans.free.limits";
    plans.set(free, "monthly_outbound_quota", &QUOTA.to_string());
    plans.set(free, "monthly_api_request_quota", "1000000");
    let catalogue = plans.path();
    // All processes have one public address, as behind a load balancer: tokens name it.
    let bind = free_address();
    let public_url = format!("http://{bind}");
    let mut settings = SETTINGS.to_vec();
    settings.push(("billing_catalogue", &catalogue));
    settings.push(("bind", &bind));
    settings.push(("public_url", &public_url));
    settings.extend(scenario.settings);
    let is_shared = scenario.has_redis || (shape.apis > 1 && RedisServer::is_here());
    let redis = is_shared.then(RedisServer::start).flatten();
    let redis_url = redis.as_ref().map(RedisServer::url);
    settings.extend(redis_url.as_deref().map(|url| ("redis_url", url)));
    if let Some(cutter) = &cutter {
        settings.push(("database_url", cutter.url()));
    }
    let mut stack = Stack::on(TestDatabase::of(&postgres), &settings).await;
    let shop = stack.account("max").await;
    let capped = stack.account("free").await;
    let mut lanes = Vec::new();
    for n in 0..=LANES {
        let instance = shop.instance(&stack).await;
        let number = format!("3361111222{n}");
        shop.link(&stack, &instance, &number).await;
        lanes.push(instance);
    }
    let capped_lane = capped.instance(&stack).await;
    capped.link(&stack, &capped_lane, "33611113333").await;
    let own = shop.user.uuid();
    stack.fill_book(own, own, PEOPLE).await;
    let receiver = Receiver::start().await;
    let endpoint = shop.client.endpoint(&receiver.url, &OUTCOMES).await;
    let keys = keys(&stack, &shop).await;
    let console = shop.signed_in(&stack).await;
    // A send takes 30 to 160 ms, so that a fault meets some of them under way.
    stack.switch(json!({ "timeScale": 0.2 })).await;
    let fleet = Fleet::over(&mut stack, shape.apis, shape.workers).await;
    let bases = fleet.apis.iter().map(|api| api.base.clone()).collect();
    let world = World {
        bases,
        rotation: (0..shape.apis).map(|_| AtomicBool::new(true)).collect(),
        turn: AtomicUsize::new(0),
        is_over: AtomicBool::new(false),
        campaigner: lanes.pop().expect("one more than there are lanes"),
        lanes,
        shop,
        capped,
        capped_lane,
        console,
        endpoint: id_of(&endpoint),
        keys: Mutex::new(keys),
        history: Mutex::default(),
    };
    let stage = Stage {
        fleet,
        receiver,
        stack,
        postgres,
        cutter,
        redis,
        _plans: plans,
    };
    (stage, world)
}

async fn keys(stack: &Stack, account: &Account) -> Vec<(String, String)> {
    let workspace = Workspace::personal(account.user);
    let mut keys = Vec::new();
    for n in 0..KEYS {
        let order = KeyOrder {
            actor: Actor::new(workspace, account.user),
            name: format!("key {n}"),
            cap: None,
        };
        let made = stack.server().backend().create_key.create(order).await;
        let (key, secret) = made.expect("the key is made");
        keys.push((key.id.to_string(), secret.reveal().to_owned()));
    }
    keys
}

impl Stage {
    /// Waits until every process says that it is ready, and answers how long that took.
    pub(crate) async fn wait_ready(&self, patience: Duration) -> Duration {
        let begun = std::time::Instant::now();
        for member in self.fleet.apis.iter().chain(&self.fleet.workers) {
            let probe = Client::new(&member.base, None);
            blackbox::within(patience, "every process is ready", async || {
                (probe.try_get("/readyz").await?.status == 200).then_some(())
            })
            .await;
        }
        begun.elapsed()
    }
}
