//! Single messages: sent, repeated, scheduled, withdrawn, to people who opt out, with keys that end.

use std::sync::Arc;
use std::time::Duration;

use blackbox::{Client, Dice, id_of, moment_in, text};
use reqwest::Method;
use serde_json::{Value, json};

use super::{TRIES, goes_on};
use crate::history::{Accepted, Ban, Banned, OPTED_OUT, WITHDRAWN, now};
use crate::stage::World;

const SEND: &str = "/api/v1/messages/send";
const SCHEDULE: &str = "/api/v1/messages/schedule";

fn accepted(world: &World, answer: &Value, words: &str) -> String {
    let id = id_of(answer);
    let message = Accepted {
        words: words.to_owned(),
    };
    world.note(|history| history.accepted.insert(id.clone(), message));
    id
}

/// Sends, and sends one in three again with the same key: the answer must be the same.
pub(super) async fn send(world: Arc<World>, mut dice: Dice, who: u64) {
    let mut n = 0;
    while goes_on(&world, &mut dice).await {
        n += 1;
        let words = format!("send {who}-{n}");
        let to = format!("+336{:02}{n:06}", 20 + who);
        let body = text(dice.pick(&world.lanes), &to, &words);
        let key = format!("once-{who}-{n}");
        let client = Client::new(world.base(), Some(&world.shop.key));
        let client = client.header("Idempotency-Key", &key);
        let reply = world.insist(&client, Method::POST, SEND, Some(&body)).await;
        if reply.status != 201 {
            world.note(|history| history.wrong(format!("{words} was refused: {reply:?}")));
            continue;
        }
        accepted(&world, reply.data(), &words);
        if dice.roll(3) == 0 {
            let again = world.insist(&client, Method::POST, SEND, Some(&body)).await;
            world.note(|history| {
                history.replays += 1;
                if (again.status, &again.text) != (201, &reply.text) {
                    history.wrong(format!("repeated: {again:?} instead of {reply:?}"));
                }
            });
        }
    }
}

/// Schedules for soon, and withdraws about when it is due.
pub(super) async fn withdraw(world: Arc<World>, mut dice: Dice, who: u64) {
    let mut n = 0;
    while goes_on(&world, &mut dice).await || (n < TRIES && world.is_untold(WITHDRAWN)) {
        n += 1;
        let words = format!("withdraw {who}-{n}");
        let to = format!("+336{:02}{n:06}", 20 + who);
        let mut body = text(dice.pick(&world.lanes), &to, &words);
        body["scheduledAt"] = json!(moment_in(Duration::from_millis(1500)));
        let key = format!("once-{who}-{n}");
        let client = Client::new(world.base(), Some(&world.shop.key));
        let with_key = client.header("Idempotency-Key", &key);
        let reply = world
            .insist(&with_key, Method::POST, SCHEDULE, Some(&body))
            .await;
        if reply.status != 201 {
            world.note(|history| history.wrong(format!("{words} was refused: {reply:?}")));
            continue;
        }
        let id = accepted(&world, reply.data(), &words);
        tokio::time::sleep(Duration::from_millis(dice.roll(2000))).await;
        let path = format!("/api/v1/messages/{id}/cancel");
        let answer = world.insist(&client, Method::POST, &path, None).await;
        let is_cancelled = match answer.status {
            200 => true,
            // Too late; or an answer that was lost said yes.
            400 => {
                let path = format!("/api/v1/messages/{id}");
                let seen = world.insist(&client, Method::GET, &path, None).await;
                seen.data()["status"] == "cancelled"
            }
            _ => {
                world.note(|history| history.wrong(format!("cancelling: {answer:?}")));
                false
            }
        };
        if is_cancelled {
            let ban = Ban {
                why: WITHDRAWN,
                what: Banned::Words(words),
                from: now(),
                until: None,
            };
            world.note(|history| {
                history.bans.push(ban);
                history.cancelled.insert(id);
            });
        }
    }
}

/// Writes to somebody several times, and puts them on the opt-out list in the middle.
pub(super) async fn opt_out(world: Arc<World>, mut dice: Dice) {
    let mut n = 0;
    while goes_on(&world, &mut dice).await {
        n += 1;
        let digits = format!("33640{n:06}");
        let to = format!("+{digits}");
        let client = Client::new(world.base(), Some(&world.shop.key));
        let mut is_listed = false;
        for part in 0..6 {
            let words = format!("opt out {n}-{part}");
            let body = text(dice.pick(&world.lanes), &to, &words);
            let key = format!("once-opt-out-{n}-{part}");
            let with_key = client.header("Idempotency-Key", &key);
            let reply = world
                .insist(&with_key, Method::POST, SEND, Some(&body))
                .await;
            match reply.status {
                201 => {
                    accepted(&world, reply.data(), &words);
                    if is_listed {
                        world.note(|history| {
                            history.wrong(format!("{words} was accepted after the opt-out"));
                        });
                    }
                }
                422 if is_listed => {}
                _ => world.note(|history| history.wrong(format!("{words}: {reply:?}"))),
            }
            if part == 3 {
                let body = json!({ "phone": to });
                let path = "/api/v1/suppressions";
                let reply = world.insist(&client, Method::POST, path, Some(&body)).await;
                if reply.status >= 300 {
                    world.note(|history| history.wrong(format!("opting out: {reply:?}")));
                    break;
                }
                is_listed = true;
                let ban = Ban {
                    why: OPTED_OUT,
                    what: Banned::Number(digits.clone()),
                    from: now(),
                    until: None,
                };
                world.note(|history| history.bans.push(ban));
            }
        }
    }
}

/// Uses a key, revokes it, and uses it again at every process.
pub(super) async fn revoke(world: Arc<World>, mut dice: Dice) {
    let mut n = 0;
    while goes_on(&world, &mut dice).await {
        let next = world.keys.lock().expect("unpoisoned").pop();
        let Some((id, secret)) = next else { return };
        tokio::time::sleep(Duration::from_millis(dice.roll(2500))).await;
        for is_revoked in [false, true] {
            if is_revoked {
                let path = format!("/api/api-keys/{id}");
                let gone = world
                    .insist(&world.console, Method::DELETE, &path, None)
                    .await;
                // An answer that was lost may have said yes.
                if !matches!(gone.status, 200 | 404) {
                    world.note(|history| history.wrong(format!("revoking: {gone:?}")));
                    return;
                }
            }
            for process in 0..world.bases.len() {
                n += 1;
                let words = format!("key {n}");
                let to = format!("+33650{n:06}");
                let body = text(dice.pick(&world.lanes), &to, &words);
                let client = Client::new(world.base(), Some(&secret));
                let client = client.header("Idempotency-Key", &words);
                let asked = world.insist_at(process, &client, Method::POST, SEND, Some(&body));
                let reply = asked.await;
                if reply.status == 201 {
                    accepted(&world, reply.data(), &words);
                }
                let expected = if is_revoked { 401 } else { 201 };
                if reply.status != expected {
                    let what = format!("{words}, revoked: {is_revoked}: {reply:?}");
                    world.note(|history| history.wrong(what));
                }
            }
        }
        world.note(|history| history.revoked += 1);
    }
}
