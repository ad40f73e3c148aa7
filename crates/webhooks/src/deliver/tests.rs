use msgflash_kernel::{CountingRandom, FixedClock, Id, Secret};
use time::macros::datetime;
use uuid::Uuid;

use super::*;
use crate::ports::{MockDeliveryQueue, MockWebhookSender};

const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
const OLD_SECRET: &str = "whsec_AQECAwQFBgcICQoLDA0ODxAREhMUFRYX";
const NOW: OffsetDateTime = datetime!(2026-05-01 0:00 UTC);

fn due(attempts: u32) -> DueDelivery {
    DueDelivery {
        id: Id::new(Uuid::from_u128(1)),
        endpoint: Id::new(Uuid::from_u128(2)),
        url: "https://example.com/hook".into(),
        secret: Secret::new(SECRET.into()),
        previous_secret: None,
        event: Id::new(Uuid::from_u128(3)),
        name: "message.sent".into(),
        request: None,
        body: Some("{}".into()),
        attempts,
        spent: 0,
        lease: NOW + Duration::from_secs(30),
    }
}

fn deliverer(store: MockDeliveryQueue, sender: MockWebhookSender) -> Deliverer {
    Deliverer::new(
        Arc::new(store),
        Arc::new(sender),
        Arc::new(CountingRandom::default()),
        Arc::new(FixedClock::at(NOW)),
        Schedule::default(),
        Duration::from_secs(10),
    )
}

fn judged(attempts: u32, answer: Result<Response, PostError>) -> Attempt {
    let it = deliverer(MockDeliveryQueue::new(), MockWebhookSender::new());
    it.judge(&due(attempts), answer, NOW)
}

fn answer(status: u16) -> Response {
    Response {
        status,
        excerpt: "text".into(),
        retry_after: None,
    }
}

#[test]
fn any_2xx_delivers_and_everything_else_is_tried_again() {
    for status in [200, 201, 204, 299] {
        assert_eq!(
            judged(0, Ok(answer(status))).next,
            Next::Delivered,
            "{status}"
        );
    }
    for status in [199, 301, 302, 400, 404, 429, 500, 503] {
        let attempt = judged(0, Ok(answer(status)));
        assert!(matches!(attempt.next, Next::Retry(_)), "{status}");
        assert_eq!(attempt.error, Some(format!("HTTP {status}")));
    }
    assert!(matches!(
        judged(0, Err(PostError::Timeout)).next,
        Next::Retry(_)
    ));
}

#[test]
fn the_fifth_failure_is_the_last_and_gone_ends_at_once() {
    assert!(matches!(judged(3, Ok(answer(500))).next, Next::Retry(_)));
    assert_eq!(judged(4, Ok(answer(500))).next, Next::Failed);
    assert_eq!(judged(0, Ok(answer(410))).next, Next::Gone);
}

#[test]
fn a_delivery_taken_up_again_has_all_its_attempts_again() {
    let it = deliverer(MockDeliveryQueue::new(), MockWebhookSender::new());
    let again = DueDelivery { spent: 5, ..due(5) };
    let attempt = it.judge(&again, Ok(answer(500)), NOW);
    assert!(matches!(attempt.next, Next::Retry(_)));
    assert_eq!(attempt.attempts, 6);
    let last = DueDelivery {
        attempts: 9,
        ..again
    };
    assert_eq!(it.judge(&last, Ok(answer(500)), NOW).next, Next::Failed);
}

#[test]
fn only_429_and_503_may_ask_for_a_longer_wait_and_for_an_hour_at_most() {
    let asking = |status, header: &str| Response {
        retry_after: Some(header.to_owned()),
        ..answer(status)
    };
    let minute = Some(NOW + Duration::from_mins(1));
    for status in [429, 503] {
        let attempt = judged(0, Ok(asking(status, "60")));
        assert_eq!(attempt.asked, minute, "{status}");
        assert_eq!(Some(attempt.next), minute.map(Next::Retry), "{status}");
        let dated = judged(0, Ok(asking(status, "Fri, 01 May 2026 00:01:00 GMT")));
        assert_eq!(dated.asked, minute, "{status}");
        let absurd = judged(0, Ok(asking(status, "999999")));
        assert_eq!(absurd.asked, Some(NOW + LONGEST_ASKED), "{status}");
    }
    for status in [200, 400, 500] {
        assert_eq!(judged(0, Ok(asking(status, "60"))).asked, None, "{status}");
    }
}

#[tokio::test]
async fn a_request_carries_every_published_header() {
    let mut sender = MockWebhookSender::new();
    sender.expect_post().times(1).returning(|request| {
        let header = |name: &str| {
            let found = request.headers.iter().find(|(it, _)| *it == name);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        assert_eq!(header("X-MsgFlash-Event"), "message.sent");
        assert_eq!(header("X-MsgFlash-Attempt"), "3");
        assert_eq!(header("X-MsgFlash-Delivery"), due(0).id.to_string());
        assert_eq!(header("webhook-id"), due(0).event.to_string());
        assert_eq!(header("User-Agent"), "MsgFlash-Webhooks/1.0");
        let documented = signing::documented_signature(SECRET, b"{}");
        assert_eq!(header("X-MsgFlash-Signature"), documented);
        let id = due(0).event.to_string();
        let signed = |secret| {
            signing::standard_signature(secret, &id, NOW.unix_timestamp(), b"{}").expect("signed")
        };
        let both = format!("{} {}", signed(SECRET), signed(OLD_SECRET));
        assert_eq!(header("webhook-signature"), both);
        Ok(answer(200))
    });
    let rotated = DueDelivery {
        previous_secret: Some(Secret::new(OLD_SECRET.into())),
        ..due(2)
    };
    let attempt = deliverer(MockDeliveryQueue::new(), sender)
        .post(&rotated)
        .await;
    let attempt = attempt.expect("posted");
    assert_eq!((attempt.attempts, attempt.next), (3, Next::Delivered));
}

#[tokio::test]
async fn nothing_is_posted_that_might_outlive_its_lease() {
    let it = deliverer(MockDeliveryQueue::new(), MockWebhookSender::new());
    let late = DueDelivery {
        lease: NOW + Duration::from_secs(9),
        ..due(0)
    };
    assert_eq!(it.post(&late).await, None);
}

#[tokio::test]
async fn without_its_payload_a_delivery_fails_and_the_receiver_is_not_blamed() {
    let it = deliverer(MockDeliveryQueue::new(), MockWebhookSender::new());
    let empty = DueDelivery {
        body: None,
        ..due(0)
    };
    let attempt = it.post(&empty).await.expect("an end");
    assert_eq!((attempt.next, attempt.posted), (Next::Failed, false));
}
