//! Two processes, killed at any moment and started again.

use std::collections::BTreeSet;
use std::time::Instant;

use blackbox::fleet::free_address;
use blackbox::{Client, Dice, Program, within};
use msgflash_testkit::{OwnServer, TestDatabase};

use self::excuses::{note_calls, require_excused};
use super::*;

mod excuses;

/// The suite does not wait half a minute for a lane, nor ten for an outcome.
const SHORT: [(&str, &str); 3] = [
    ("worker_silence_seconds", "2"),
    ("send_timeout_seconds", "2"),
    // Long enough for what the gateway tells late.
    ("unknown_patience_seconds", "20"),
];

/// So many calls in a row a fault of the gateway leaves without an answer.
const FAULTS: u64 = 5;

/// One of the processes.
struct Process {
    settings: Vec<(String, String)>,
    program: Option<Program>,
}

impl Process {
    fn new(stack: &Stack, bind: &str) -> Self {
        let mut settings = stack.settings().to_vec();
        settings.retain(|(name, _)| name != "bind");
        settings.push(("bind".to_owned(), bind.to_owned()));
        Self {
            settings,
            program: None,
        }
    }

    async fn start(&mut self) {
        self.program = Some(Program::serve(&self.settings).await);
    }

    fn kill(&mut self) {
        self.program.take().expect("it runs").kill();
    }
}

/// How far the campaign is, without asking a process that may be dead.
struct Watch {
    id: Uuid,
    people: i64,
    patience: Duration,
}

impl Watch {
    /// Recipients of whom it is known what became.
    async fn ended(&self, stack: &Stack) -> i64 {
        let asked = "SELECT sent + failed FROM campaign_counters WHERE campaign_id = $1";
        stack.count(asked, &[&self.id]).await
    }

    async fn until(&self, stack: &Stack, count: i64) {
        let count = count.min(self.people);
        within(self.patience, &format!("{count} have ended"), async || {
            (self.ended(stack).await >= count).then_some(())
        })
        .await;
    }

    async fn until_none(&self, stack: &Stack, what: &str, query: &str) {
        within(self.patience, what, async || {
            (stack.count(query, &[]).await == 0).then_some(())
        })
        .await;
    }
}

/// What happens beside the kills.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Troubles {
    None,
    /// The gateway hangs, answers late and says it cannot serve; and the database crashes.
    All,
}

/// One run.
#[derive(Clone, Copy)]
struct Ordeal {
    people: usize,
    kills: u64,
    /// Where the moments of the kills come from.
    seed: u64,
    troubles: Troubles,
    /// For each wait for something that must happen.
    patience: Duration,
}

async fn killed(server: Option<OwnServer>, ordeal: Ordeal) {
    let Ordeal {
        people,
        kills,
        seed,
        troubles,
        patience,
    } = ordeal;
    let first = free_address();
    let mut settings = SHORT.to_vec();
    settings.push(("bind", &first));
    let mut server = server;
    let database = match &server {
        Some(server) => TestDatabase::of(server),
        None => TestDatabase::create().await,
    };
    let stack = Stack::on(database, &settings).await;
    let unlimited = "UPDATE plans SET monthly_outbound_quota = NULL, \
         monthly_api_request_quota = NULL WHERE code = 'pro'";
    stack.sql(unlimited, &[]).await;
    let mut scene = Scene::on(stack, people).await;
    let soon = json!({ "schedule": moment_in(Duration::from_hours(1)) });
    let id = scene.create(&scene.body_with(&soon)).await;
    scene.stack.stop_server().await;
    // A send now takes 30-160 ms, so that a kill meets some of them under way.
    scene.stack.switch(json!({ "timeScale": 0.2 })).await;
    let watch = Watch {
        id: id.parse().expect("an id"),
        people: i64::try_from(people).expect("small"),
        patience,
    };
    let now = "UPDATE campaigns SET schedule = now(), turn_at = now() WHERE id = $1";
    scene.stack.sql(now, &[&watch.id]).await;
    let mut processes = [
        Process::new(&scene.stack, &first),
        Process::new(&scene.stack, &free_address()),
    ];
    for process in &mut processes {
        process.start().await;
    }
    let mut dice = Dice::new(seed);
    let mut cut_off = BTreeSet::new();
    let begun = Instant::now();
    let share = people as u64 / (kills + 1);
    for kill in 0..kills {
        // Somewhere within the kill's share of the run; the first maybe before anything was sent.
        let moment = kill * share + dice.roll(share);
        let moment = i64::try_from(moment).expect("small");
        watch.until(&scene.stack, moment).await;
        if troubles == Troubles::All {
            trouble(&scene.stack, server.as_mut(), kill, &watch).await;
        }
        let both = dice.roll(3) == 0;
        let which = usize::try_from(dice.roll(2)).expect("small");
        processes[which].kill();
        if both {
            processes[1 - which].kill();
        }
        note_calls(&scene.stack, &mut cut_off).await;
        if both {
            processes[1 - which].start().await;
        }
        processes[which].start().await;
        // The database may have been about to write down a mark of the dead.
        note_calls(&scene.stack, &mut cut_off).await;
        let ended = watch.ended(&scene.stack).await;
        eprintln!(
            "seed {seed}, kill {kill}: {ended} of {people} at {:?}",
            begun.elapsed()
        );
    }
    scene.stack.heal().await;
    let done = "SELECT count(*) FROM campaigns WHERE status <> 'completed'";
    watch
        .until_none(&scene.stack, "the campaign is complete", done)
        .await;
    let took = begun.elapsed().as_secs_f64();
    scene.account.client = Client::new(&scene.stack.base, Some(&scene.account.key));
    let failed = scene.recipients(&id, "failed").await;
    eprintln!(
        "seed {seed}: {people} people, {kills} kills, {took:.1} s, {} failed",
        failed.len()
    );
    let reached = require_excused(&scene, ordeal, &failed, &cut_off).await;
    require_everybody_once(&scene, &watch, reached).await;
}

/// Something else goes wrong, for a while.
async fn trouble(stack: &Stack, server: Option<&mut OwnServer>, kill: u64, watch: &Watch) {
    let fault = match kill % 4 {
        0 => json!({ "fault": "never_answer_but_sent", "times": FAULTS }),
        // As often as probes find that out before anybody loses patience.
        1 => json!({ "fault": "license_required", "times": 12 }),
        2 => json!({ "fault": "cut_connection", "times": FAULTS }),
        _ => json!({ "fault": "send_timeout_but_sent", "times": FAULTS, "ms": 1000 }),
    };
    stack.fault(fault).await;
    if kill % 3 == 2
        && let Some(server) = server
    {
        server.crash();
        server.start_again();
    }
    let ended = watch.ended(stack).await;
    watch.until(stack, ended + 1).await;
}

async fn require_everybody_once(scene: &Scene, watch: &Watch, reached: usize) {
    let key = watch.id;
    let id = &key.to_string();
    let stats = scene.require_exact(id).await;
    assert_eq!(number(&stats, "sent"), reached as u64, "what left is known");
    let rows = "SELECT count(*) FROM campaign_recipients WHERE campaign_id = $1";
    let rows = scene.stack.count(rows, &[&key]).await;
    assert_eq!(rows, watch.people);
    let ledger = scene.stack.ledger(&scene.account).await;
    assert_eq!(ledger.reserved, 0);
    assert_eq!(usize::try_from(ledger.used), Ok(reached));
    // The gateway repeats what nobody heard, for as long as it has patience.
    within(watch.patience, "receipts are applied", async || {
        let stats = scene.campaign(id).await["stats"].take();
        let (sent, delivered) = (number(&stats, "sent"), number(&stats, "delivered"));
        (delivered > sent * 8 / 10).then_some(())
    })
    .await;
    scene.require_exact(id).await;
    let told = "SELECT count(*) FROM (SELECT 1 FROM events WHERE name LIKE 'message.%' \
         GROUP BY payload->>'messageId', name HAVING count(*) > 1) twice";
    assert_eq!(
        scene.stack.count(told, &[]).await,
        0,
        "each change is told once"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_it_reaches_everybody_once() {
    let ordeal = Ordeal {
        people: 2400,
        kills: 5,
        seed: 20_261_122,
        troubles: Troubles::None,
        patience: Duration::from_mins(2),
    };
    Box::pin(killed(None, ordeal)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_gateway_and_database_are_in_trouble_it_reaches_everybody_once() {
    let server = OwnServer::start().await;
    let ordeal = Ordeal {
        people: 900,
        kills: 3,
        seed: 7,
        troubles: Troubles::All,
        patience: Duration::from_mins(2),
    };
    Box::pin(killed(Some(server), ordeal)).await;
}

/// The long run: `just soak`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes many minutes"]
async fn soak() {
    let server = OwnServer::start().await;
    let ordeal = Ordeal {
        people: 100_000,
        kills: 10,
        seed: 1,
        troubles: Troubles::All,
        patience: Duration::from_mins(30),
    };
    Box::pin(killed(Some(server), ordeal)).await;
}
