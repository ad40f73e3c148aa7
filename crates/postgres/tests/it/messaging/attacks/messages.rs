//! Messages that mislead, and messages that cannot be read.

use msgflash_messaging::dispatch::Class;
use msgflash_messaging::dispatch::ports::{LaneStore as _, Mark};
use msgflash_messaging::message::ports::SettleUnits;
use time::Duration;

use super::numbers;
use crate::messaging::sample::{Worker, entry, push};
use crate::stage::{NOW, Stage};

#[tokio::test]
async fn a_message_that_came_in_is_no_witness() {
    let stage = Stage::new().await;
    let lane = numbers(&stage, 1).await[0];
    let mut unit = SettleUnits::begin(&stage.postgres).await.expect("a unit");
    let queue = unit.queue();
    let inbound = entry(lane, 1);
    push(&stage.postgres, std::slice::from_ref(&inbound)).await;
    let session = stage.session().await;
    let received = "UPDATE messages SET inbound = true, status = 6 WHERE id = $1";
    session
        .execute(received, &[&inbound.message.uuid()])
        .await
        .expect("received");
    let left = entry(lane, 2);
    push(&stage.postgres, std::slice::from_ref(&left)).await;
    queue
        .bind_ref(lane, "LEFT", left.workspace, left.message, NOW)
        .await
        .expect("bound");
    let at = NOW + Duration::SECOND;
    queue
        .bind_ref(lane, "CAME-IN", inbound.workspace, inbound.message, at)
        .await
        .expect("bound");
    assert_eq!(
        queue.last_ref(lane, NOW).await.expect("read").as_deref(),
        Some("LEFT")
    );
}

#[tokio::test]
async fn a_message_that_cannot_be_read_holds_up_no_other_lane() {
    let stage = Stage::new().await;
    let lanes = numbers(&stage, 2).await;
    let entries = [entry(lanes[0], 1), entry(lanes[1], 2)];
    push(&stage.postgres, &entries).await;
    // Such as a newer release beside this one accepts during a rolling update.
    let novel = "UPDATE messages SET kind = 'novel' WHERE id = $1";
    stage
        .session()
        .await
        .execute(novel, &[&entries[0].message.uuid()])
        .await
        .expect("written");
    let worker = Worker::new(&stage.postgres).await;
    assert_eq!(worker.lanes.len(), 2);
    let marks = lanes.iter().map(|lane| Mark {
        lane: *lane,
        class: Class::Single,
        after: None,
        limit: 4,
    });
    let marks: Vec<_> = marks.collect();
    let read = stage.postgres.ahead(&marks, NOW).await;
    assert_eq!(read.map(|it| it.len()).map_err(|it| it.to_string()), Ok(1));
}
