//! Stored events of the provider.

use msgflash_messaging::receipt::ports::{Inbox, InboxItem, ReceiptUnits};
use serde_json::json;
use time::Duration;

use crate::stage::{NOW, Stage, fresh};

fn item(seconds: i64) -> InboxItem {
    InboxItem {
        id: fresh(),
        instance: fresh(),
        event: "messages.update".to_owned(),
        data: json!({ "keyId": "3EB0", "text": "é 👋 \" \\" }),
        received_at: NOW + Duration::seconds(seconds),
        tries: 0,
    }
}

#[tokio::test]
async fn events_are_claimed_oldest_first_and_once() {
    let stage = Stage::new().await;
    let items = [item(-1), item(-3), item(-2), item(1)];
    stage.postgres.store(&items).await.expect("stored");
    let mut one = ReceiptUnits::begin(&stage.postgres).await.expect("a unit");
    let claimed = one.inbox().claim(NOW, 2).await.expect("claimed");
    assert_eq!(claimed, [items[1].clone(), items[2].clone()]);
    let mut two = ReceiptUnits::begin(&stage.postgres).await.expect("a unit");
    let rest = two.inbox().claim(NOW, 9).await.expect("claimed");
    assert_eq!(
        rest,
        [items[0].clone()],
        "held ones are skipped, later ones wait"
    );
    one.inbox().remove(&[items[1].id]).await.expect("removed");
    let later = NOW + Duration::seconds(2);
    one.inbox()
        .put_off(items[2].id, later)
        .await
        .expect("put off");
    one.commit().await.expect("committed");
    drop(two);
    assert_eq!(stage.postgres.depth().await.expect("read"), 3);

    let mut again = ReceiptUnits::begin(&stage.postgres).await.expect("a unit");
    let due = again
        .inbox()
        .claim(NOW + Duration::SECOND, 9)
        .await
        .expect("claimed");
    let ids: Vec<_> = due.iter().map(|it| it.id).collect();
    assert_eq!(ids, [items[0].id, items[3].id]);
    let put_off = again.inbox().claim(later, 9).await.expect("claimed");
    let put_off = put_off
        .iter()
        .find(|it| it.id == items[2].id)
        .expect("there");
    assert_eq!(put_off.tries, 1);
}

#[tokio::test]
async fn a_claim_that_is_given_up_leaves_the_event_for_others() {
    let stage = Stage::new().await;
    let items = [item(0)];
    stage.postgres.store(&items).await.expect("stored");
    let mut lost = ReceiptUnits::begin(&stage.postgres).await.expect("a unit");
    assert_eq!(lost.inbox().claim(NOW, 1).await.expect("claimed").len(), 1);
    lost.inbox().remove(&[items[0].id]).await.expect("removed");
    drop(lost);
    let found = tokio::time::timeout(crate::stage::SOON, async {
        loop {
            let mut next = ReceiptUnits::begin(&stage.postgres).await.expect("a unit");
            if let Some(item) = next.inbox().claim(NOW, 1).await.expect("claimed").pop() {
                return item;
            }
        }
    });
    assert_eq!(found.await.expect("it is there again"), items[0]);
}

#[tokio::test]
async fn what_postgres_cannot_hold_is_left_out_of_an_event() {
    let stage = Stage::new().await;
    let mut odd = item(0);
    odd.data = json!({ "a\0": ["b\0c", { "d": "\0", "e": "\\u0000" }], "n": 1 });
    stage.postgres.store(&[odd]).await.expect("stored");
    let mut unit = ReceiptUnits::begin(&stage.postgres).await.expect("a unit");
    let claimed = unit.inbox().claim(NOW, 1).await.expect("claimed");
    let expected = json!({ "a": ["bc", { "d": "", "e": "\\u0000" }], "n": 1 });
    assert_eq!(claimed[0].data, expected);
}
