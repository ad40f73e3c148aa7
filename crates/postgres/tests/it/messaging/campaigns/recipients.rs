//! Lists of recipients, page by page.

use msgflash_kernel::{Cursor, PageRequest};
use msgflash_messaging::MessageStatus;
use msgflash_messaging::campaign::ports::RecipientFilter;
use msgflash_messaging::campaign::recipient::{Line, RecipientStatus};

use super::gateway::{Answer, Gateway, Process};
use super::*;

/// All pages of a list; each but the last has something, and they are as long as they may be.
async fn walk(scene: &Scene, id: CampaignId, filter: RecipientFilter, limit: u32) -> Vec<Line> {
    let (mut lines, mut after): (Vec<Line>, Option<Cursor>) = (Vec::new(), None);
    loop {
        let campaign = scene.read(id).await;
        let page = PageRequest { limit, after };
        let page = scene.postgres().recipients(&campaign, &filter, &page).await;
        let page = page.expect("a page");
        assert!(page.items.len() <= limit as usize);
        assert!(page.next.is_none() || page.items.len() == limit as usize);
        lines.extend(page.items);
        after = page.next;
        if after.is_none() {
            return lines;
        }
    }
}

fn phones(lines: &[Line]) -> Vec<i64> {
    lines.iter().map(|it| it.phone.to_i64()).collect()
}

/// Of 60 people, who are written to in order: 20 made, of them 10 sent, 2 failed, 1 opted out since.
async fn in_the_middle() -> (Scene, CampaignId) {
    let scene = Scene::new().await;
    scene.contacts(0..60).await;
    scene.opt_out(phone(50)).await;
    scene.allow(|it| it.outbound = Some(20));
    let id = scene.started().await;
    scene.run().await;
    let gateway = Gateway::new(&scene, |n, _| match n {
        3 | 4 => Answer::Nobody,
        _ => Answer::Taken,
    });
    let process = Process::new(&scene, &gateway);
    let step = process.dispatcher.step(12).await.expect("a step");
    for call in step.calls {
        process.dispatcher.call(call).await.expect("made");
    }
    (scene, id)
}

#[tokio::test]
async fn pages_of_any_length_show_everybody_once_in_order() {
    let (scene, id) = in_the_middle().await;
    for limit in [1, 7, 30, 60, 100] {
        let all = walk(&scene, id, RecipientFilter::default(), limit).await;
        assert_eq!(phones(&all), stored(0..60), "{limit}");
        let newest_first = RecipientFilter {
            newest_first: true,
            ..RecipientFilter::default()
        };
        let mut back = walk(&scene, id, newest_first, limit).await;
        back.reverse();
        assert_eq!(phones(&back), stored(0..60), "{limit}");
    }
}

#[tokio::test]
async fn a_filter_shows_those_in_one_state_and_they_add_up() {
    let (scene, id) = in_the_middle().await;
    let counters = scene.require_exact(id).await;
    let mut seen = 0;
    let of = |status| RecipientStatus::Message(status);
    for (status, expected) in [
        (of(MessageStatus::Queued), counters.queued),
        (of(MessageStatus::Sent), counters.sent),
        (of(MessageStatus::Failed), counters.failed),
        (of(MessageStatus::Cancelled), counters.cancelled),
        (RecipientStatus::Skipped, counters.skipped),
    ] {
        for limit in [1, 9, 100] {
            let filter = RecipientFilter {
                status: Some(status),
                ..RecipientFilter::default()
            };
            let lines = walk(&scene, id, filter, limit).await;
            assert!(lines.iter().all(|it| it.status == status));
            assert_eq!(lines.len() as u64, expected, "{status:?} by {limit}");
        }
        seen += expected;
    }
    assert_eq!((seen, counters.sent, counters.failed), (60, 10, 2));
    let planned_only = RecipientFilter {
        planned_only: true,
        ..RecipientFilter::default()
    };
    let planned = walk(&scene, id, planned_only, 8).await;
    assert_eq!(planned.len(), 59);
}

#[tokio::test]
async fn each_shows_why_and_after_a_cancellation_nobody_is_queued() {
    let (scene, id) = in_the_middle().await;
    let code = |code: &str| Some(code.to_owned());
    scene
        .control()
        .cancel(&scene.actor(), id)
        .await
        .expect("cancelled");
    let lines = walk(&scene, id, RecipientFilter::default(), 100).await;
    let told = |n: usize| (lines[n].status, lines[n].code.clone());
    let of = |status| RecipientStatus::Message(status);
    assert_eq!(told(0), (of(MessageStatus::Sent), None));
    let failed = lines
        .iter()
        .filter(|it| it.status == of(MessageStatus::Failed));
    let codes: Vec<_> = failed.map(|it| it.code.clone()).collect();
    assert_eq!(
        codes,
        [code("INVALID_DESTINATION"), code("INVALID_DESTINATION")]
    );
    let cancelled = (of(MessageStatus::Cancelled), code("CAMPAIGN_CANCELLED"));
    // One whose message was made, and one whose was not.
    assert_eq!((told(15), told(40)), (cancelled.clone(), cancelled));
    assert_eq!(
        told(50),
        (RecipientStatus::Skipped, code("RECIPIENT_OPTED_OUT"))
    );
}

#[tokio::test]
async fn a_walk_goes_on_while_the_campaign_does() {
    let (scene, id) = in_the_middle().await;
    let campaign = scene.read(id).await;
    let queued = RecipientFilter {
        status: Some(RecipientStatus::Message(MessageStatus::Queued)),
        ..RecipientFilter::default()
    };
    let page = |after| PageRequest { limit: 5, after };
    let first = scene
        .postgres()
        .recipients(&campaign, &queued, &page(None))
        .await;
    let first = first.expect("a page");
    // Everybody who waited is cancelled: the list that goes on behind the fifth is empty.
    scene
        .control()
        .cancel(&scene.actor(), id)
        .await
        .expect("cancelled");
    let campaign = scene.read(id).await;
    let next = scene
        .postgres()
        .recipients(&campaign, &queued, &page(first.next))
        .await;
    assert_eq!(next.expect("a page").items, []);
}
