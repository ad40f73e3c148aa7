use msgflash_kernel::{CountingRandom, FixedClock, Id, Secret};
use time::macros::datetime;
use uuid::Uuid;

use super::*;
use crate::ports::{MockDeliveryQueue, MockWebhookSender};

const NOW: OffsetDateTime = datetime!(2026-05-01 0:00 UTC);

fn due(attempts: u32) -> DueDelivery {
    DueDelivery {
        id: Id::new(Uuid::from_u128(1)),
        endpoint: Id::new(Uuid::from_u128(2)),
        url: "https://example.com/hook".into(),
        secret: Secret::new("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX".into()),
        event: Id::new(Uuid::from_u128(3)),
        name: "message.sent".into(),
        body: "{}".into(),
        attempts,
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

#[tokio::test]
async fn a_request_carries_every_published_header_and_its_outcome_is_recorded() {
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
        assert!(header("X-MsgFlash-Signature").starts_with("sha256="));
        assert!(header("webhook-signature").starts_with("v1,"));
        Ok(answer(200))
    });
    let mut store = MockDeliveryQueue::new();
    store.expect_settle().times(1).returning(|attempts, _| {
        assert_eq!(
            (attempts[0].attempts, attempts[0].next),
            (3, Next::Delivered)
        );
        Ok(())
    });
    assert!(deliverer(store, sender).work(due(2)).await.is_ok());
}
