//! A large campaign holds up nobody else, and no single message of its own number.

use std::time::Instant;

use blackbox::burst::left;

use super::*;

/// Singles, each read before the next is sent; answers how long each took to reach the gateway, and to be
/// read.
async fn singles(
    stack: &Stack,
    account: &Account,
    instance: &Instance,
    numbers: std::ops::Range<u32>,
) -> Vec<[Duration; 2]> {
    let mut took = Vec::new();
    for n in numbers {
        let to = format!("+33612340{n:03}");
        let started = Instant::now();
        let id = account.client.text(instance, &to, "Hi").await;
        stack.wait_received(&to[1..], 1).await;
        let received = started.elapsed();
        account.client.wait_message(&id, "read").await;
        took.push([received, started.elapsed()]);
        assert_eq!(stack.received_by(&to).await.len(), 1);
    }
    took
}

/// So many singles of one account alone, and beside a campaign of another: how long each took. A send takes `pause`
/// of what it takes on a phone, so that the campaign lasts.
async fn beside_a_campaign_of(people: usize, count: u32, pause: f64) -> [Vec<[Duration; 2]>; 2] {
    let scene = Scene::new(people).await;
    let other = scene.stack.account("pro").await;
    let instance = other.instance(&scene.stack).await;
    other.link(&scene.stack, &instance, "33611113333").await;
    scene.stack.switch(json!({ "timeScale": pause })).await;
    let alone = singles(&scene.stack, &other, &instance, 0..count).await;
    let id = scene.create(&scene.body()).await;
    let before = scene.wait_sent(&id, 100).await;
    let beside = singles(&scene.stack, &other, &instance, count..2 * count).await;
    let stats = scene.campaign(&id).await["stats"].take();
    let after = number(&stats, "sent");
    assert!(after > before, "the campaign went on meanwhile");
    // Up to 4,096 messages are made ahead. Had each of the singles waited for those that were there before
    // it, the campaign would have ended.
    assert!(after < people as u64, "{before} to {after} of {people}");
    assert_eq!(scene.tell(&id, "cancel").await.status, 200);
    eprintln!("{before} to {after} of {people} meanwhile");
    [alone, beside]
}

#[tokio::test(flavor = "multi_thread")]
async fn singles_of_one_tenant_do_not_wait_for_the_campaign_of_another() {
    let took = beside_a_campaign_of(20_000, 6, 0.2).await;
    assert_eq!(took.map(|it| it.len()), [6; 2]);
}

/// Tells how long they take; that is for a quiet machine, and for people to judge.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures, for some minutes: just fairness"]
async fn fairness() {
    let took = beside_a_campaign_of(200_000, 50, 1.0).await;
    for (what, mut took) in ["alone", "beside a campaign"].into_iter().zip(took) {
        for (place, until) in ["at the gateway", "read"].into_iter().enumerate() {
            took.sort_by_key(|it| it[place]);
            let [median, most] = [took.len() / 2, took.len() - 1].map(|n| took[n][place]);
            eprintln!("{what}, {until}: median {median:?}, at most {most:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn singles_overtake_the_campaign_of_their_own_number() {
    let scene = Scene::with(100, &PACED).await;
    let id = scene.create(&scene.body()).await;
    for n in 0..4 {
        let sent = number(&scene.campaign(&id).await["stats"], "sent");
        scene.wait_sent(&id, sent + 3).await;
        let to = format!("3361234500{n}");
        scene
            .account
            .client
            .text(&scene.instance, &format!("+{to}"), "Hi")
            .await;
        let accepted = left(&scene.stack).await.len();
        scene.stack.wait_received(&to, 1).await;
        let order = left(&scene.stack).await;
        let place = order
            .iter()
            .position(|it| it["asked"].as_str() == Some(&to) || it["number"].as_str() == Some(&to));
        let place = place.expect("it is there");
        // Thirty are made ahead. One call was under way, one in twenty is the campaign's whatever waits,
        // and a slow machine takes some calls' time to hear of the single.
        assert!(
            place <= accepted + 10,
            "{accepted} had left, and it came as number {place}"
        );
    }
    scene.wait(&id, "completed").await;
    assert_eq!(scene.require_once().await, 104);
    scene.require_exact(&id).await;
}
