//! What a number did lately, as the guidance sees it.

use msgflash_messaging::instance::ports::InstanceReader as _;
use msgflash_messaging::safety::Window;
use msgflash_messaging::{Message, MessageStatus};
use serde_json::{Map, Value};
use time::Duration;

use super::sample::{insert, message, number, phone};
use crate::stage::{NOW, Stage};

#[tokio::test]
async fn what_waits_or_never_left_is_accepted_and_not_sent() {
    use MessageStatus::{Cancelled, Failed, Queued, Read, Received, Sent};
    let stage = Stage::new().await;
    let (instance, workspace) = number(&stage, "lea@shop.test").await;
    let with = |n: u32, status: MessageStatus, ago: Duration, code: Option<&str>| Message {
        inbound: status == Received,
        status,
        meta: Map::from_iter(code.map(|code| ("code".to_owned(), Value::from(code)))),
        created_at: NOW - ago,
        ..message(workspace, instance.id, phone(n))
    };
    let (recent, old) = (Duration::minutes(5), Duration::hours(5));
    insert(
        &stage.postgres,
        &[
            with(0, Sent, recent, None),
            with(0, Read, old, None),
            with(1, Failed, recent, Some("PROVIDER_ERROR")),
            with(1, Failed, recent, Some("INSTANCE_NOT_CONNECTED")),
            with(1, Failed, old, None),
            with(2, Queued, recent, None),
            with(2, Cancelled, recent, None),
            with(2, Received, recent, None),
            with(3, Sent, Duration::days(2), None),
        ],
    )
    .await;
    let window = stage.postgres.window(instance.id, NOW).await;
    let expected = Window {
        outbound_1h: 5,
        outbound_24h: 7,
        sent_1h: 2,
        sent_24h: 3,
        recipients_1h: 3,
        recipients_24h: 3,
        replies_24h: 1,
        replies_7d: 1,
        failed_24h: 1,
    };
    assert_eq!(window.expect("read"), expected);
}
