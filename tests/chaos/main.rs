//! Throws faults at real processes while careful clients use them, and holds everything that happened
//! against everything that was promised. `./run chaos help` says how.

mod check;
mod cutter;
mod faults;
mod history;
mod scenario;
mod stage;
mod traffic;

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use blackbox::{Client, Dice, Stack, text};
use reqwest::Method;

use self::check::Outcome;
use self::history::{Accepted, History};
use self::scenario::{SCENARIOS, Scenario};
use self::stage::{Stage, World};

const HELP: &str = "\
Usage: ./run chaos [short | scenario ...] [--seed N] [--seconds N]

Without a scenario, all of them; with `short` in their place, three of them for 8 seconds each. Each starts a
PostgreSQL, a simulated gateway and several processes of its own, lets careful clients use them while
something goes wrong for so many seconds (30), and then checks what is promised. The exit code is 0 when
nothing was broken.

";

/// So soon after a fault the lanes run again.
const READY: Duration = Duration::from_secs(90);

struct Orders {
    chosen: Vec<&'static Scenario>,
    seed: u64,
    seconds: u64,
}

fn orders() -> Result<Orders, String> {
    let mut orders = Orders {
        chosen: Vec::new(),
        seed: 1,
        seconds: 30,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = |name: &str| {
            let value = words.next().and_then(|value| value.parse().ok());
            value.ok_or_else(|| format!("{name} needs a number"))
        };
        match word.as_str() {
            "--seed" => orders.seed = number("--seed")?,
            "--seconds" => orders.seconds = number("--seconds")?,
            name => match SCENARIOS.iter().find(|it| it.name == name) {
                Some(scenario) => orders.chosen.push(scenario),
                None => return Err(format!("there is no scenario {name:?}")),
            },
        }
    }
    if orders.chosen.is_empty() {
        orders.chosen = SCENARIOS.iter().collect();
    }
    Ok(orders)
}

fn help() -> String {
    let lines = SCENARIOS
        .iter()
        .map(|it| format!("  {:<18} {}\n", it.name, it.about));
    format!("{HELP}{}", lines.collect::<String>())
}

fn say(words: &str) {
    // Whoever closed the pipe does not want to know.
    let _ = writeln!(std::io::stdout(), "{words}");
}

fn main() -> ExitCode {
    if std::env::args().any(|word| matches!(word.as_str(), "help" | "--help" | "-h")) {
        say(&help());
        return ExitCode::SUCCESS;
    }
    let orders = match orders() {
        Ok(orders) => orders,
        Err(problem) => {
            eprintln!("{problem}\n\n{}", help());
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let mut broken = 0;
    for scenario in &orders.chosen {
        let length = Duration::from_secs(orders.seconds);
        let run = || runtime.block_on(run(scenario, orders.seed, length));
        // What panics has said why, and its processes have ended.
        let is_kept = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
            say(&format!(
                "{:<18} BROKEN: it did not come to its end",
                scenario.name
            ));
            false
        });
        broken += usize::from(!is_kept);
    }
    if broken > 0 {
        say(&format!(
            "{broken} of {} broken, seed {}",
            orders.chosen.len(),
            orders.seed
        ));
        return ExitCode::FAILURE;
    }
    say(&format!("nothing broken, seed {}", orders.seed));
    ExitCode::SUCCESS
}

/// One scenario; whether every promise was kept.
async fn run(scenario: &'static Scenario, seed: u64, length: Duration) -> bool {
    if let Some(lack) = scenario.lack() {
        say(&format!("{:<18} skipped: {lack}", scenario.name));
        return true;
    }
    let begun = Instant::now();
    let (mut stage, world) = stage::build(scenario).await;
    let world = Arc::new(world);
    let mut dice = Dice::new(seed);
    let clients = traffic::begin(&world, seed);
    let faults = faults::run(scenario.fault, &mut stage, &world, &mut dice, length).await;
    let ready = ready(&mut stage, &world).await;
    faults::afterwards(scenario.fault, &world).await;
    world.end();
    clients.join_all().await;
    check::settle(&stage, &world).await;
    let mut history = world.note(std::mem::take);
    if scenario.is_seamless && (history.lost > 0 || !history.put_off.is_empty()) {
        let what = format!("{} answers lost, {:?}", history.lost, history.put_off);
        history.wrong(format!("a request failed: {what}"));
    }
    if scenario.fault.happens() && faults == 0 {
        history.wrong("nothing went wrong at all".to_owned());
    }
    let outcome = check::check(&stage, &world, &mut history).await;
    if scenario.is_seamless && outcome.failed > 0 {
        history.wrong(format!("{} failed, and nothing went wrong", outcome.failed));
    }
    report(scenario, &history, &outcome, faults, ready, begun.elapsed());
    history.wrongs.is_empty()
}

/// Waits until the processes are ready and a message sent now leaves by every number; answers how long
/// that took since the fault was over.
async fn ready(stage: &mut Stage, world: &World) -> Duration {
    let begun = Instant::now();
    stage.wait_ready(READY).await;
    let client = Client::new(world.base(), Some(&world.shop.key));
    for (n, lane) in world.lanes.iter().chain([&world.campaigner]).enumerate() {
        let words = format!("probe {n}");
        let to = probed(n);
        let body = text(lane, &to, &words);
        let client = client.header("Idempotency-Key", &words);
        let path = "/api/v1/messages/send";
        let reply = world.insist(&client, Method::POST, path, Some(&body)).await;
        let message = Accepted { words };
        world.note(|history| {
            let id = blackbox::id_of(reply.data());
            history.accepted.insert(id, message)
        });
    }
    for n in 0..=world.lanes.len() {
        let patience = READY.saturating_sub(begun.elapsed());
        left_by(&stage.stack, &probed(n), patience).await;
    }
    begun.elapsed()
}

/// Whom the probe of a lane goes to. Nobody else writes to them: what came earlier would pass for it.
fn probed(lane: usize) -> String {
    format!("+33680{lane:06}")
}

async fn left_by(stack: &Stack, to: &str, patience: Duration) {
    blackbox::within(patience, "every lane runs again within 90 s", async || {
        (!stack.received_by(to).await.is_empty()).then_some(())
    })
    .await;
}

fn report(
    scenario: &Scenario,
    history: &History,
    outcome: &Outcome,
    faults: usize,
    ready: Duration,
    took: Duration,
) {
    let verdict = if history.wrongs.is_empty() {
        "kept".to_owned()
    } else {
        format!("BROKEN ({})", history.wrongs.len())
    };
    let Outcome {
        sent,
        failed,
        stopped,
        cancelled,
        campaigned,
    } = outcome;
    say(&format!(
        "{:<18} {verdict}: {faults} faults; {} accepted: {sent} sent, {failed} failed, {stopped} stopped, {cancelled} cancelled; \
         {campaigned} by {} campaigns; {} promises to stop, {} replays, {} keys revoked, {} over quota; \
         {} answers lost, put off {:?}; ready after {:.1} s; {:.0} s in all",
        scenario.name,
        history.accepted.len(),
        history.campaigns.len(),
        history.bans.len(),
        history.replays,
        history.revoked,
        history.capped,
        history.lost,
        history.put_off,
        ready.as_secs_f64(),
        took.as_secs_f64(),
    ));
}
