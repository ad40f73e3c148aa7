//! The quota runs out, the plan loses campaigns, the subscription ends.

use super::*;

async fn quota(scene: &Scene, outbound: Option<i32>) {
    let set = "UPDATE plans SET monthly_outbound_quota = $1 WHERE code = 'pro'";
    scene.stack.sql(set, &[&outbound]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_what_is_left_of_the_quota_is_sent_and_the_rest_when_there_is_more() {
    const PEOPLE: usize = 60;
    let scene = Scene::new(PEOPLE).await;
    quota(&scene, Some(25)).await;
    scene
        .account
        .client
        .text(&scene.instance, "+33699999999", "One")
        .await;
    let id = scene.create(&scene.body()).await;
    let paused = scene.wait(&id, "paused_quota").await;
    assert_eq!(paused["stats"]["planned"], PEOPLE);
    scene.wait_sent(&id, 24).await;
    scene.let_others_try(&id).await;
    assert_eq!(scene.require_once().await, 25);
    let stats = scene.require_exact(&id).await;
    assert_eq!((number(&stats, "sent"), number(&stats, "queued")), (24, 36));
    let refused = scene.account.client.post(CAMPAIGNS, &scene.body()).await;
    assert_eq!(refused.outcome(), (429, "MONTHLY_OUTBOUND_QUOTA_EXCEEDED"));
    quota(&scene, Some(40)).await;
    assert_eq!(scene.tell(&id, "resume").await.status, 200);
    scene.wait_sent(&id, 39).await;
    scene.wait(&id, "paused_quota").await;
    assert_eq!(scene.require_once().await, 40);
    quota(&scene, None).await;
    assert_eq!(scene.tell(&id, "resume").await.status, 200);
    scene.wait(&id, "completed").await;
    assert_eq!(scene.require_once().await, PEOPLE + 1);
    let stats = scene.require_exact(&id).await;
    assert_eq!(number(&stats, "sent"), PEOPLE as u64);
}

impl Scene {
    /// It cannot be resumed, however often somebody tries.
    async fn let_others_try(&self, id: &str) {
        for _ in 0..3 {
            let refused = self.tell(id, "resume").await;
            assert_eq!(refused.outcome(), (429, "MONTHLY_OUTBOUND_QUOTA_EXCEEDED"));
        }
        assert_eq!(self.campaign(id).await["status"], "paused_quota");
    }
}

/// What is taken away in the middle pauses it; once it is back, it is resumed by hand and reaches the rest.
async fn taken_away(off: &str, on: &str, refusal: (u16, &str)) {
    const PEOPLE: usize = 80;
    let scene = Scene::with(PEOPLE, &PACED).await;
    let id = scene.create(&scene.body()).await;
    scene.wait_sent(&id, 5).await;
    scene.stack.sql(off, &[]).await;
    scene.wait(&id, "paused_plan").await;
    let reached = eventually("calls under way have ended", async || {
        let stats = scene.campaign(&id).await["stats"].take();
        let reached = scene.require_once().await;
        (number(&stats, "sent") == reached as u64).then_some(reached)
    })
    .await;
    assert!(reached < PEOPLE, "{reached}");
    for _ in 0..3 {
        assert_eq!(scene.tell(&id, "resume").await.outcome(), refusal);
    }
    assert_eq!(scene.campaign(&id).await["status"], "paused_plan");
    assert_eq!(scene.require_once().await, reached);
    scene.require_exact(&id).await;
    scene.stack.sql(on, &[]).await;
    assert_eq!(scene.tell(&id, "resume").await.status, 200);
    scene.wait(&id, "completed").await;
    assert_eq!(scene.require_once().await, PEOPLE);
    scene.require_exact(&id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_loses_campaigns_pauses_what_runs() {
    let set = |to| format!("UPDATE plans SET feature_campaigns = {to} WHERE code = 'pro'");
    let refusal = (403, "CAMPAIGNS_NOT_AVAILABLE_ON_PLAN");
    taken_away(&set("false"), &set("true"), refusal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_ends_pauses_what_runs() {
    let set = |to| format!("UPDATE subscriptions SET status = '{to}'");
    let refusal = (403, "SUBSCRIPTION_INACTIVE");
    taken_away(&set("expired"), &set("active"), refusal).await;
}
