//! Whatever happens, in whatever order: after each step the counters are what is there.

use super::gateway::{Answer, Gateway, Process};
use super::*;
use msgflash_messaging::provider::ReceiptRank;

const PEOPLE: u32 = 60;

/// Chance that can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % sides
    }
}

/// A gateway with troubles that depend on the seed alone.
fn troubled(scene: &Scene, seed: u64) -> Arc<Gateway> {
    Gateway::new(scene, move |n, to| {
        // Some numbers have no WhatsApp, always.
        if to.to_i64() % 13 == 0 {
            return Answer::Nobody;
        }
        match Dice(seed ^ n.wrapping_mul(0x5851_F42D_4C95_7F2D)).roll(20) {
            0 | 1 => Answer::Miss,
            2 => Answer::LostAfter,
            3 => Answer::LostBefore,
            4 => Answer::Unlinked,
            _ => Answer::Taken,
        }
    })
}

async fn change_somebody(scene: &Scene, people: &[Uuid], dice: &mut Dice, step: u32) {
    let who = usize::try_from(dice.roll(u64::from(PEOPLE))).expect("small");
    match dice.roll(3) {
        0 => scene.renumber(people[who], phone(1000 + step)).await,
        1 => scene.delete_contact(people[who]).await,
        _ => {
            scene
                .opt_out(phone(u32::try_from(who).expect("small")))
                .await;
        }
    }
}

/// Receipts for some of what was sent, also early and repeated ones.
async fn some_receipts(scene: &Scene, process: &Process, gateway: &Gateway, dice: &mut Dice) {
    let keys = gateway.keys();
    if keys.is_empty() {
        return;
    }
    let rank = match dice.roll(12) {
        0 => ReceiptRank::Error,
        1..=4 => ReceiptRank::Read,
        _ => ReceiptRank::Delivered,
    };
    let some: Vec<String> = (0..5)
        .map(|_| {
            let at = dice.roll(keys.len() as u64);
            keys[usize::try_from(at).expect("small")].clone()
        })
        .collect();
    process.receive(scene, &some, rank).await;
}

async fn random_life(seed: u64, ends_cancelled: bool) {
    let scene = Scene::new().await;
    let people = scene.contacts(0..PEOPLE).await;
    scene.opt_out(phone(7)).await;
    let id = scene.started().await;
    let gateway = troubled(&scene, seed);
    let processes = [
        Process::new(&scene, &gateway),
        Process::new(&scene, &gateway),
    ];
    let mut dice = Dice(seed);
    let (control, actor) = (scene.control(), scene.actor());
    for step in 0..80 {
        let process = &processes[usize::try_from(dice.roll(2)).expect("small")];
        match dice.roll(12) {
            0 => drop(control.pause(&actor, id).await),
            1..=3 => drop(control.resume((&actor, None), id).await),
            4 => change_somebody(&scene, &people, &mut dice, step).await,
            5 => some_receipts(&scene, process, &gateway, &mut dice).await,
            6 => {
                let room = [None, Some(10), Some(1000)];
                let limit = room[usize::try_from(dice.roll(3)).expect("small")];
                scene.allow(|it| it.outbound = limit);
            }
            7 => drop(process.reconciler.tick().await.expect("looked up")),
            8 | 9 => {
                process.dispatcher.wake_all();
                let most = usize::try_from(dice.roll(6)).expect("small");
                let calls = process.dispatcher.step(most).await.expect("a step").calls;
                scene.require_exact(id).await;
                for call in calls {
                    process.dispatcher.call(call).await.expect("made");
                }
            }
            _ => {
                let gap = [AT_ONCE, Duration::SECOND];
                let gap = gap[usize::try_from(dice.roll(2)).expect("small")];
                let runner = scene.runner(scene.postgres(), gap);
                runner.tick().await.expect("a turn");
            }
        }
        scene.require_exact(id).await;
        scene.clock.advance(Duration::seconds(
            i64::try_from(dice.roll(20)).expect("small"),
        ));
    }
    scene.allow(|it| it.outbound = None);
    if ends_cancelled {
        drop(control.cancel(&actor, id).await);
    } else {
        drop(control.resume((&actor, None), id).await);
    }
    for _ in 0..90 {
        for process in &processes {
            process.reconciler.tick().await.expect("looked up");
            process.send().await;
        }
        scene.run().await;
        // Refusals may have restricted the number, which passes.
        scene.clock.advance(Duration::minutes(3));
    }
    let campaign = scene.read(id).await;
    let counters = scene.require_exact(id).await;
    assert!(campaign.status.is_final(), "seed {seed}: {campaign:?}");
    assert_eq!(counters.queued, 0, "seed {seed}");
    let reached = gateway.reached().len() as u64;
    let sent = "SELECT count(*) FROM messages WHERE provider_message_id IS NOT NULL";
    let known = scene.numbers(sent, &[]).await[0];
    assert_eq!(
        Ok(reached),
        u64::try_from(known),
        "seed {seed}: what left is known"
    );
}

#[tokio::test]
async fn counters_hold_through_a_random_life() {
    for seed in 1..=6 {
        random_life(seed, false).await;
    }
}

#[tokio::test]
async fn counters_hold_through_a_random_life_that_is_cut_short() {
    for seed in 101..=104 {
        random_life(seed, true).await;
    }
}
