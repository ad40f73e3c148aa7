//! Writing an audience down.

use msgflash_messaging::campaign::audience::{Place, Source};
use msgflash_messaging::campaign::ports::{Expanded, Slice};
use tokio::task::JoinSet;

use super::*;

/// Holds a campaign and writes a slice of its audience down; the unit is still open.
async fn expand(
    scene: &Scene,
    campaign: &Campaign,
    from: Place,
    limit: u32,
) -> (
    Box<dyn msgflash_messaging::campaign::ports::CampaignUnit>,
    Expanded,
) {
    let mut unit = CampaignUnits::begin(scene.postgres())
        .await
        .expect("a unit");
    let held = unit.campaigns().lock(scene.workspace.id, campaign.id);
    let held = held.await.expect("held").expect("there");
    let slice = Slice {
        campaign: &held,
        run: campaign.run.as_ref().expect("a run").id,
        source: Source::Audience(&campaign.audience),
        from,
        made_before: NOW,
        limit,
        base: fresh::<()>().uuid(),
    };
    let expanded = unit.campaigns().expand(slice).await.expect("written");
    (unit, expanded)
}

/// Writes all of it down in slices; answers how many there were, and what they came to.
async fn expand_all(scene: &Scene, campaign: &Campaign, limit: u32) -> (u32, u64, u64) {
    let (mut slices, mut planned, mut skipped) = (0, 0, 0);
    let mut from = Some(Place::START);
    while let Some(place) = from {
        let (unit, expanded) = expand(scene, campaign, place, limit).await;
        unit.commit().await.expect("committed");
        slices += 1;
        planned += expanded.planned;
        skipped += expanded.skipped;
        from = expanded.next;
    }
    (slices, planned, skipped)
}

async fn running(scene: &Scene, audience: Audience) -> Campaign {
    let campaign = Campaign {
        run: Some(msgflash_messaging::campaign::Run {
            id: fresh(),
            started_at: NOW,
            expansion: Some(Place::START),
            made_to: Uuid::nil(),
            made_most: Uuid::nil(),
        }),
        ..scene.campaign(audience)
    };
    scene.add(&campaign).await;
    campaign
}

async fn written(scene: &Scene, campaign: &Campaign) -> Vec<i64> {
    let query = "SELECT phone FROM campaign_recipients WHERE campaign_id = $1 ORDER BY message_id";
    scene.numbers(query, &[&campaign.id.uuid()]).await
}

#[tokio::test]
async fn each_kind_of_audience_is_written_down_in_slices_each_person_once() {
    let scene = Scene::new().await;
    let people = scene.contacts(0..7).await;
    scene.tag("new", &people[1..4]).await;
    scene.tag("vip", &people[2..6]).await;
    let group = scene.group(&[people[6], people[0]]).await;
    let other = Scene::new().await;
    other.contacts(0..3).await;
    let twice = ids(&[people[5], people[3], people[5], fresh::<()>().uuid()]);
    let audiences = [
        (Audience::All, vec![0, 1, 2, 3, 4, 5, 6]),
        (
            Audience::Tags(vec!["new".into(), "none".into(), "vip".into()]),
            vec![1, 2, 3, 4, 5],
        ),
        (Audience::Explicit(twice), vec![3, 5]),
        (Audience::Group(Id::new(group)), vec![0, 6]),
        (Audience::Group(fresh()), vec![]),
    ];
    for (audience, expected) in audiences {
        for limit in [1, 2, 3, 100] {
            let campaign = running(&scene, audience.clone()).await;
            let (_, planned, skipped) = expand_all(&scene, &campaign, limit).await;
            assert_eq!(
                (planned, skipped),
                (expected.len() as u64, 0),
                "{audience:?}"
            );
            let expected: Vec<i64> = expected.iter().map(|n| phone(*n).to_i64()).collect();
            assert_eq!(written(&scene, &campaign).await, expected, "{audience:?}");
        }
    }
}

#[tokio::test]
async fn whoever_was_made_after_the_start_or_opted_out_is_not_written_to() {
    let scene = Scene::new().await;
    scene.contacts(0..4).await;
    let later = NOW + Duration::SECOND;
    scene.contacts_since(later, 4..6).await;
    scene.opt_out(phone(2)).await;
    let campaign = running(&scene, Audience::All).await;
    assert_eq!(expand_all(&scene, &campaign, 3).await, (2, 3, 1));
    assert_eq!(written(&scene, &campaign).await, stored(0..4));
}

#[tokio::test]
async fn a_slice_written_twice_adds_nobody_and_one_that_was_lost_leaves_nothing() {
    let scene = Scene::new().await;
    scene.contacts(0..5).await;
    let campaign = running(&scene, Audience::All).await;
    // The process was killed before its commit.
    let (unit, lost) = expand(&scene, &campaign, Place::START, 3).await;
    drop(unit);
    let (unit, again) = expand(&scene, &campaign, Place::START, 3).await;
    unit.commit().await.expect("committed");
    assert_eq!(again, lost, "as if nothing had been");
    assert_eq!(again.planned, 3);
    let (unit, twice) = expand(&scene, &campaign, Place::START, 3).await;
    unit.commit().await.expect("committed");
    assert_eq!((twice.planned, twice.next), (0, again.next));
    assert_eq!(written(&scene, &campaign).await, stored(0..3));
}

#[tokio::test]
async fn people_of_two_contacts_with_one_number_at_different_times_are_one_recipient() {
    let scene = Scene::new().await;
    let people = scene.contacts(0..3).await;
    let campaign = running(&scene, Audience::All).await;
    let (unit, first) = expand(&scene, &campaign, Place::START, 1).await;
    unit.commit().await.expect("committed");
    // Between two slices the number went from the first contact to the last.
    scene.renumber(people[0], phone(9)).await;
    scene.renumber(people[2], phone(0)).await;
    let (unit, rest) = expand(&scene, &campaign, first.next.expect("more"), 10).await;
    unit.commit().await.expect("committed");
    assert_eq!((rest.planned, rest.skipped), (1, 0));
    assert_eq!(written(&scene, &campaign).await, stored(0..2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn campaigners_side_by_side_make_each_message_once() {
    const PEOPLE: u32 = 6000;
    let scene = Scene::new().await;
    scene.contacts(0..PEOPLE).await;
    let ids = [scene.started().await, scene.started().await];
    let mut processes = JoinSet::new();
    for _ in 0..4 {
        let runner = scene.runner(&scene.stage.pool(3), AT_ONCE);
        processes.spawn(async move {
            let mut idle = 0;
            while idle < 3 {
                let did = runner.tick().await.expect("a turn");
                idle = if did == msgflash_kernel::Tick::Idle {
                    idle + 1
                } else {
                    0
                };
                tokio::task::yield_now().await;
            }
        });
    }
    processes.join_all().await;
    scene.run().await;
    for id in ids {
        let counters = scene.require_exact(id).await;
        assert_eq!((counters.planned, counters.made), (u64::from(PEOPLE), 4000));
        let mut queued = scene.queued(id).await;
        assert_eq!(queued, stored(0..4000), "the first of them, in their order");
        queued.dedup();
        assert_eq!(queued.len(), 4000);
    }
}
