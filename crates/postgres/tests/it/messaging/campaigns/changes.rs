//! What changes between the start of a run and somebody's turn.

use msgflash_kernel::PageRequest;
use msgflash_messaging::campaign::ports::RecipientFilter;

use super::gateway::{Answer, Gateway, Process};
use super::*;

/// A run whose audience is written down, and nothing made yet.
async fn written_down(scene: &Scene) -> CampaignId {
    let id = scene.started().await;
    let runner = scene.runner(scene.postgres(), AT_ONCE);
    // The start, and one slice.
    for _ in 0..2 {
        runner.tick().await.expect("a turn");
    }
    let campaign = scene.read(id).await;
    assert!(campaign.is_expanded() && campaign.counters.made == 0);
    id
}

/// Runs it to its end; answers whom it reached.
async fn finish(scene: &Scene, id: CampaignId) -> Vec<i64> {
    let gateway = Gateway::new(scene, |_, _| Answer::Taken);
    let process = Process::new(scene, &gateway);
    for _ in 0..3 {
        scene.run().await;
        process.send().await;
        scene.clock.advance(Duration::seconds(20));
    }
    assert_eq!(scene.read(id).await.status, CampaignStatus::Completed);
    scene.require_exact(id).await;
    gateway.reached()
}

/// The codes of those who were left out, by number.
async fn left_out(scene: &Scene, id: CampaignId) -> Vec<(i64, Option<String>)> {
    let campaign = scene.read(id).await;
    let filter = RecipientFilter {
        status: Some(msgflash_messaging::campaign::recipient::RecipientStatus::Skipped),
        ..RecipientFilter::default()
    };
    let page = PageRequest {
        limit: 100,
        after: None,
    };
    let page = scene.postgres().recipients(&campaign, &filter, &page).await;
    let lines = page.expect("a page").items.into_iter();
    lines.map(|it| (it.phone.to_i64(), it.code)).collect()
}

fn of(numbers: &[u32]) -> Vec<i64> {
    numbers.iter().map(|n| phone(*n).to_i64()).collect()
}

#[tokio::test]
async fn somebody_with_a_new_number_is_written_to_there() {
    let scene = Scene::new().await;
    let people = scene.contacts(0..3).await;
    let id = written_down(&scene).await;
    scene.renumber(people[1], phone(8)).await;
    assert_eq!(finish(&scene, id).await, of(&[0, 2, 8]));
}

#[tokio::test]
async fn people_who_exchanged_their_numbers_are_both_written_to() {
    let scene = Scene::new().await;
    let people = scene.contacts(0..3).await;
    let id = written_down(&scene).await;
    scene.renumber(people[0], phone(9)).await;
    scene.renumber(people[2], phone(0)).await;
    scene.renumber(people[0], phone(2)).await;
    assert_eq!(finish(&scene, id).await, of(&[0, 1, 2]));
}

#[tokio::test]
async fn numbers_that_were_handed_on_in_a_row_are_each_written_to() {
    let scene = Scene::new().await;
    let people = scene.contacts(0..4).await;
    let id = written_down(&scene).await;
    for n in (0..4).rev() {
        scene.renumber(people[n as usize], phone(n + 1)).await;
    }
    assert_eq!(finish(&scene, id).await, of(&[1, 2, 3, 4]));
}

#[tokio::test]
async fn whoever_took_over_the_number_of_a_deleted_contact_is_written_to() {
    for (stays, goes) in [(0, 2), (2, 0)] {
        let scene = Scene::new().await;
        let people = scene.contacts(0..3).await;
        let id = written_down(&scene).await;
        scene.delete_contact(people[goes]).await;
        scene
            .renumber(people[stays], phone(u32::try_from(goes).expect("small")))
            .await;
        let reached = finish(&scene, id).await;
        let expected = of(&[u32::try_from(goes).expect("small"), 1]);
        assert_eq!(reached.len(), 2, "{reached:?}");
        assert!(
            expected.iter().all(|it| reached.contains(it)),
            "{reached:?}"
        );
        let codes: Vec<_> = left_out(&scene, id)
            .await
            .into_iter()
            .map(|it| it.1)
            .collect();
        assert_eq!(codes, [Some("CONTACT_DELETED".to_owned())]);
    }
}

#[tokio::test]
async fn a_number_that_was_written_to_gets_no_second_copy() {
    let scene = Scene::new().await;
    let people = scene.contacts(0..40).await;
    let id = scene.started().await;
    scene.run_with(Duration::SECOND).await;
    // The first thirty are made. One of them hands its number on to somebody who waits.
    scene.renumber(people[3], phone(90)).await;
    scene.renumber(people[35], phone(3)).await;
    let reached = finish(&scene, id).await;
    let others = (0..40).filter(|n| *n != 35);
    assert_eq!(reached, of(&others.collect::<Vec<_>>()));
    let code = Some("DUPLICATE_RECIPIENT".to_owned());
    assert_eq!(left_out(&scene, id).await, [(phone(35).to_i64(), code)]);
}

#[tokio::test]
async fn whoever_opts_out_or_is_deleted_before_their_turn_is_left_out() {
    let scene = Scene::new().await;
    let people = scene.contacts(0..4).await;
    let id = written_down(&scene).await;
    scene.opt_out(phone(1)).await;
    scene.delete_contact(people[2]).await;
    assert_eq!(finish(&scene, id).await, of(&[0, 3]));
    let out = left_out(&scene, id).await;
    let code = |code: &str| Some(code.to_owned());
    let expected = [
        (phone(1).to_i64(), code("RECIPIENT_OPTED_OUT")),
        (phone(2).to_i64(), code("CONTACT_DELETED")),
    ];
    assert_eq!(out, expected);
    assert_eq!(scene.counters(id).await.skipped, 2);
}

#[tokio::test]
async fn whoever_opts_out_after_their_message_was_made_is_left_out_without_a_call() {
    let scene = Scene::new().await;
    scene.contacts(0..3).await;
    let id = scene.started().await;
    scene.run().await;
    assert_eq!(scene.counters(id).await.made, 3);
    scene.opt_out(phone(1)).await;
    assert_eq!(finish(&scene, id).await, of(&[0, 2]));
    let code = Some("RECIPIENT_OPTED_OUT".to_owned());
    assert_eq!(left_out(&scene, id).await, [(phone(1).to_i64(), code)]);
    let counters = scene.counters(id).await;
    assert_eq!(
        (counters.planned, counters.skipped, counters.made),
        (2, 1, 2)
    );
}
