//! Who a message goes to, and members nobody knows.

use serde_json::json;

use super::{Bench, CARD, least};
use crate::surface::with;

#[tokio::test(flavor = "multi_thread")]
async fn recipients_are_written_in_one_way_and_impossible_ones_are_422() {
    let bench = Bench::start().await;
    for to in [
        "+33612345678",
        "33612345678",
        "0033612345678",
        " +33 (6) 12.34-56 78 ",
        "+33-6[12]345678",
    ] {
        let data = bench
            .accepts(to, &with(least("text"), &json!({ "to": to })))
            .await;
        assert_eq!(data["to"], "+33612345678", "{to}");
    }
    for to in [
        "0612345678",
        "+0612345678",
        "+33 (0) 6 12 34 56 78",
        "+3361234567",
        "+336123456789",
        "+999612345678",
        "12",
        "+1234567890123456",
        "ada",
        "+33a12345678",
        "+",
        "++33612345678",
    ] {
        let reply = bench.send(&with(least("text"), &json!({ "to": to }))).await;
        assert_eq!(
            reply.outcome(),
            (422, "INVALID_DESTINATION"),
            "{to}: {reply:?}"
        );
    }
    for to in [
        json!(null),
        json!(""),
        json!("  "),
        json!(33_612_345_678_u64),
        json!(["+33612345678"]),
    ] {
        bench
            .refuses(
                "no text",
                &with(least("text"), &json!({ "to": to })),
                &["to"],
            )
            .await;
    }
    let unknown = with(
        least("text"),
        &json!({ "more": { "deep": [1] }, "status": "sent", "id": CARD, "userId": CARD }),
    );
    let data = bench.accepts("unknown members", &unknown).await;
    assert_eq!(data["status"], "queued");
    assert_ne!(data["id"], CARD);
    let values =
        json!({ "variables": { "code": "SPRING", "amount": 1500, "vip": true, "x_1": 1.5 } });
    bench
        .accepts("flat variables", &with(least("text"), &values))
        .await;
}
