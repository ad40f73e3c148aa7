//! A gateway that is away or ill, and what it tells of messages.

use std::time::Instant;

use blackbox::Dice;
use serde_json::json;

use super::wait;
use crate::stage::Stage;

/// Away and back, warm or by a restart.
pub(super) async fn away(stage: &Stage, dice: &mut Dice, end: Instant) -> usize {
    let mut times = 0;
    while Instant::now() < end {
        wait(dice, 1000, 4000).await;
        if dice.roll(2) == 0 {
            told(stage, "down", json!({})).await;
            wait(dice, 500, 4000).await;
            told(stage, "up", json!({})).await;
        } else {
            let times = json!({ "downMs": 3000, "coldMs": 5000, "wait": true });
            told(stage, "restart", times).await;
        }
        times += 1;
    }
    times
}

async fn told(stage: &Stage, what: &str, body: serde_json::Value) {
    let reply = stage.stack.control(what, body).await;
    assert!(reply.status < 300, "{what}: {reply:?}");
}

/// What a gateway does to one call, by the names of the simulator.
const ILLS: [&str; 15] = [
    "never_answer",
    "never_answer_but_sent",
    "answer_late",
    "answer_twice",
    "send_timeout",
    "send_timeout_but_sent",
    "cut_connection",
    "cut_connection_but_sent",
    "garbage",
    "garbage_but_sent",
    "connection_closed",
    "database_error",
    "not_loaded",
    "license_required",
    "ack_before_answer",
];

pub(super) async fn ill(stage: &Stage, dice: &mut Dice, end: Instant) -> usize {
    let mut times = 0;
    while Instant::now() < end {
        let fault = *dice.pick(&ILLS);
        let calls = 1 + dice.roll(4);
        let mut body = json!({ "fault": fault, "times": calls });
        match fault {
            "send_timeout" | "send_timeout_but_sent" => body["ms"] = json!(1000),
            // At a fifth of it: some come in time, and some when nobody waits any more.
            "answer_late" => body["ms"] = json!(15_000 + dice.roll(20_000)),
            _ => {}
        }
        stage.stack.fault(body).await;
        times += 1;
        wait(dice, 500, 2500).await;
    }
    // What some call met does not wait for one any more.
    let waiting = stage.stack.switchboard().get("/simulator/faults").await;
    let waiting = waiting.json.as_array().map_or(0, Vec::len);
    assert!(waiting < times, "no call met any of them");
    times
}

/// How receipts come, by the names of the simulator.
const RECEIPTS: [&str; 7] = [
    "ack_before_answer",
    "ack_before_send_message",
    "acks_disordered",
    "acks_duplicated",
    "read_without_delivery",
    "server_ack_after_read",
    "lid_acks",
];

pub(super) async fn receipts(stage: &Stage, dice: &mut Dice, end: Instant) -> usize {
    let mut times = 0;
    while Instant::now() < end {
        stage.stack.heal().await;
        let fault = *dice.pick(&RECEIPTS);
        stage.stack.fault(json!({ "fault": fault })).await;
        times += 1;
        wait(dice, 500, 2500).await;
    }
    times
}
