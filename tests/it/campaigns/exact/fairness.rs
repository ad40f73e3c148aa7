//! A large campaign holds up nobody else, and no single message of its own number.

use std::time::Instant;

use blackbox::burst::left;

use super::*;

/// Singles to as many numbers, each read before the next is sent; answers how long that took.
async fn singles(stack: &Stack, account: &Account, instance: &Instance, round: u32) -> Duration {
    let started = Instant::now();
    for n in 0..6 {
        let to = format!("+33612340{round}{n:02}");
        let id = account.client.text(instance, &to, "Hi").await;
        account.client.wait_message(&id, "read").await;
        assert_eq!(stack.received_by(&to).await.len(), 1);
    }
    started.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn singles_of_one_tenant_do_not_wait_for_the_campaign_of_another() {
    const PEOPLE: usize = 20_000;
    let scene = Scene::new(PEOPLE).await;
    let other = scene.stack.account("pro").await;
    let instance = other.instance(&scene.stack).await;
    other.link(&scene.stack, &instance, "33611113333").await;
    // A send takes its time, so that the campaign lasts.
    scene.stack.switch(json!({ "timeScale": 0.2 })).await;
    let alone = singles(&scene.stack, &other, &instance, 0).await;
    let id = scene.create(&scene.body()).await;
    let before = scene.wait_sent(&id, 100).await;
    let beside = singles(&scene.stack, &other, &instance, 1).await;
    let stats = scene.campaign(&id).await["stats"].take();
    let after = number(&stats, "sent");
    eprintln!("alone {alone:?}, beside a campaign {beside:?}: {before} to {after} of {PEOPLE}");
    assert!(after > before, "the campaign went on meanwhile");
    // Up to 4,096 messages are made ahead. Had each of the singles waited for those that were there before
    // it, the campaign would have ended. How long they take is for a quiet machine to tell.
    assert!(after < PEOPLE as u64, "{before} to {after} of {PEOPLE}");
    assert_eq!(scene.tell(&id, "cancel").await.status, 200);
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
