//! Making messages a little ahead, as far as the quota goes.

use msgflash_kernel::Clock as _;

use super::gateway::{Answer, Gateway, Process};
use super::*;

#[tokio::test]
async fn a_campaign_reaches_everybody_once_and_is_complete() {
    let scene = Scene::new().await;
    scene.contacts(0..100).await;
    let id = scene.started().await;
    let gateway = Gateway::new(&scene, |_, _| Answer::Taken);
    let process = Process::new(&scene, &gateway);
    for _ in 0..4 {
        scene.run().await;
        process.send().await;
        scene.require_exact(id).await;
        scene.clock.advance(Duration::SECOND);
    }
    assert_eq!(gateway.reached(), stored(0..100));
    let campaign = scene.read(id).await;
    assert_eq!(campaign.status, CampaignStatus::Completed);
    assert_eq!(campaign.counters.sent, 100);
}

#[tokio::test]
async fn a_lane_with_a_pace_has_few_messages_ahead() {
    let scene = Scene::new().await;
    scene.contacts(0..100).await;
    let id = scene.started().await;
    scene.run_with(Duration::SECOND).await;
    let counters = scene.require_exact(id).await;
    assert_eq!((counters.made, counters.queued), (30, 100));
    assert_eq!(scene.queued(id).await, stored(0..30));
}

#[tokio::test]
async fn who_waits_for_a_restriction_to_end_holds_up_nobody_else() {
    let scene = Scene::new().await;
    scene.contacts(0..100).await;
    let id = scene.started().await;
    scene.run_with(Duration::SECOND).await;
    let later = scene.clock.now() + Duration::HOUR;
    let lane = scene.instance.id.uuid();
    let put_off = "UPDATE queue SET not_before = $2 WHERE instance_id = $1";
    scene.execute(put_off, &[&lane, &later]).await;
    let minute = |scene: &Scene| scene.clock.advance(Duration::MINUTE);
    minute(&scene);
    scene.run_with(Duration::SECOND).await;
    assert_eq!(scene.counters(id).await.made, 30, "another reason to wait");
    let restricted = "UPDATE instances SET restricted_until = $2 WHERE id = $1";
    scene.execute(restricted, &[&lane, &later]).await;
    minute(&scene);
    scene.run_with(Duration::SECOND).await;
    assert_eq!(scene.require_exact(id).await.made, 60);
    minute(&scene);
    scene.run_with(Duration::SECOND).await;
    assert_eq!(scene.counters(id).await.made, 60, "those may go out");
}

#[tokio::test]
async fn exactly_the_quota_is_made_and_nobody_is_passed_over() {
    let scene = Scene::new().await;
    scene.contacts(0..10).await;
    scene.allow(|it| it.outbound = Some(7));
    scene.opt_out(phone(1)).await;
    let id = scene.started().await;
    scene.run().await;
    let campaign = scene.read(id).await;
    assert_eq!(campaign.status, CampaignStatus::PausedQuota);
    let first: Vec<i64> = [0, 2, 3, 4, 5, 6, 7].map(|n| phone(n).to_i64()).into();
    assert_eq!(scene.queued(id).await, first);
    scene.require_exact(id).await;
    // What was reserved goes out, although the campaign waits.
    let gateway = Gateway::new(&scene, |_, _| Answer::Taken);
    let process = Process::new(&scene, &gateway);
    process.send().await;
    assert_eq!(gateway.reached(), first);
    let none = scene.control().resume((&scene.actor(), None), id).await;
    assert!(none.is_err(), "nothing is left");
    scene.allow(|it| it.outbound = Some(100));
    let resumed = scene.control().resume((&scene.actor(), None), id).await;
    resumed.expect("resumed");
    scene.run().await;
    process.send().await;
    scene.clock.advance(Duration::SECOND);
    scene.run().await;
    assert_eq!(gateway.reached().len(), 9);
    let campaign = scene.read(id).await;
    assert_eq!(campaign.status, CampaignStatus::Completed);
    let counters = scene.require_exact(id).await;
    assert_eq!((counters.sent, counters.skipped), (9, 1));
}

#[tokio::test]
async fn a_plan_that_lost_campaigns_takes_back_what_was_not_started() {
    let scene = Scene::new().await;
    scene.contacts(0..50).await;
    let id = scene.started().await;
    scene.run_with(Duration::SECOND).await;
    scene.allow(|it| it.campaigns = false);
    // Its next turn, although enough is made.
    scene.clock.advance(Duration::MINUTE);
    scene.run_with(Duration::SECOND).await;
    let campaign = scene.read(id).await;
    assert_eq!(campaign.status, CampaignStatus::PausedPlan);
    assert_eq!((campaign.counters.made, campaign.counters.queued), (0, 50));
    scene.require_exact(id).await;
    let refused = scene.control().resume((&scene.actor(), None), id).await;
    assert!(refused.is_err(), "campaigns are off");
}

#[tokio::test]
async fn a_number_that_was_deleted_pauses_a_campaign_whose_messages_are_all_made() {
    let scene = Scene::new().await;
    scene.contacts(0..5).await;
    let id = scene.started().await;
    scene.run().await;
    assert_eq!(scene.counters(id).await.made, 5);
    let gone = "UPDATE instances SET deleted_at = now() WHERE id = $1";
    scene.execute(gone, &[&scene.instance.id.uuid()]).await;
    scene.clock.advance(Duration::MINUTE);
    scene.run().await;
    let campaign = scene.read(id).await;
    assert_eq!(campaign.status, CampaignStatus::Paused);
    assert_eq!((campaign.counters.made, campaign.counters.queued), (0, 5));
    scene.require_exact(id).await;
}
