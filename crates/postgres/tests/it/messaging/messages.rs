//! Messages as they are listed, changed and found again.

use msgflash_kernel::{Cursor, PageRequest};
use msgflash_messaging::message::ports::{MessageFilter, MessageReader, SettleUnits};
use msgflash_messaging::{InstanceId, Message, MessageId, MessageStatus};
use msgflash_postgres::Postgres;
use serde_json::json;
use time::Duration;

use super::sample::{insert, message, phone, workspace};
use crate::stage::{NOW, Stage, fresh};

async fn page(
    postgres: &Postgres,
    of: &Message,
    filter: &MessageFilter,
    after: Option<Cursor>,
) -> (Vec<MessageId>, Option<Cursor>) {
    let request = PageRequest { limit: 2, after };
    let page = postgres
        .page(of.workspace.id, filter, &request)
        .await
        .expect("a page");
    (page.items.iter().map(|it| it.id).collect(), page.next)
}

#[tokio::test]
async fn a_message_reads_back_as_it_was_written() {
    let stage = Stage::new().await;
    let mut written = message(workspace(), fresh(), phone(1));
    written.scheduled_at = Some(NOW + Duration::HOUR);
    written.meta.insert("title".into(), json!("é \" \\ 👋"));
    written.request_id = Some("r-1".into());
    insert(&stage.postgres, std::slice::from_ref(&written)).await;
    let read = stage
        .postgres
        .find(written.workspace.id, written.id)
        .await
        .expect("read");
    assert_eq!(read.as_ref(), Some(&written));
    let elsewhere = stage
        .postgres
        .find(fresh(), written.id)
        .await
        .expect("read");
    assert_eq!(elsewhere, None, "another workspace has no such message");
}

#[tokio::test]
async fn pages_neither_repeat_nor_skip_when_rows_come_and_go() {
    let stage = Stage::new().await;
    let (workspace, instance) = (workspace(), fresh());
    let old: Vec<_> = (0..5)
        .map(|n| message(workspace, instance, phone(n)))
        .collect();
    insert(&stage.postgres, &old).await;
    let filter = MessageFilter::default();
    let (first, next) = page(&stage.postgres, &old[0], &filter, None).await;
    assert_eq!(first, [old[4].id, old[3].id]);
    insert(&stage.postgres, &[message(workspace, instance, phone(9))]).await;
    // The very row the cursor names may be gone.
    let session = stage.session().await;
    let gone = "DELETE FROM messages WHERE id = $1::text::uuid";
    session
        .execute(gone, &[&old[3].id.to_string()])
        .await
        .expect("deleted");
    let (second, next) = page(&stage.postgres, &old[0], &filter, next).await;
    assert_eq!(second, [old[2].id, old[1].id]);
    let (third, next) = page(&stage.postgres, &old[0], &filter, next).await;
    assert_eq!((third, next), (vec![old[0].id], None));
}

#[tokio::test]
async fn filters_are_walked_like_the_whole_list() {
    let stage = Stage::new().await;
    let (workspace, instance) = (workspace(), fresh());
    let mut all = Vec::new();
    for n in 0..10 {
        let mut it = message(workspace, instance, phone(n % 2));
        it.created_at = NOW + Duration::seconds(i64::from(n));
        if n % 3 == 0 {
            it.status = MessageStatus::Failed;
        }
        all.push(it);
    }
    insert(&stage.postgres, &all).await;
    let cases = [
        MessageFilter {
            status: Some(MessageStatus::Failed),
            ..MessageFilter::default()
        },
        MessageFilter {
            to: Some(phone(1)),
            ..MessageFilter::default()
        },
        MessageFilter {
            instance: Some(instance),
            ..MessageFilter::default()
        },
        MessageFilter {
            inbound: Some(false),
            ..MessageFilter::default()
        },
        MessageFilter {
            from: Some(all[2].created_at),
            until: Some(all[7].created_at),
            ..MessageFilter::default()
        },
    ];
    for filter in cases {
        let fits = |it: &&Message| {
            filter.status.is_none_or(|status| it.status == status)
                && filter.to.is_none_or(|to| it.peer == Some(to))
                && filter.from.is_none_or(|from| it.created_at >= from)
                && filter.until.is_none_or(|until| it.created_at < until)
        };
        let mut expected: Vec<_> = all.iter().filter(fits).map(|it| it.id).collect();
        expected.reverse();
        let (mut met, mut next) = page(&stage.postgres, &all[0], &filter, None).await;
        while let Some(cursor) = next {
            let more = page(&stage.postgres, &all[0], &filter, Some(cursor)).await;
            met.extend(more.0);
            next = more.1;
        }
        assert_eq!(met, expected, "{filter:?}");
    }
}

#[tokio::test]
async fn only_what_may_change_is_written_back() {
    let stage = Stage::new().await;
    let written = message(workspace(), fresh(), phone(1));
    insert(&stage.postgres, std::slice::from_ref(&written)).await;
    let mut unit = SettleUnits::begin(&stage.postgres).await.expect("a unit");
    let key = (written.workspace.id, written.id);
    let missing = (fresh(), written.id);
    let mut locked = unit.messages().lock(&[missing, key]).await.expect("locked");
    assert_eq!(
        locked,
        std::slice::from_ref(&written),
        "those not there are left out"
    );
    let mut changed = locked.remove(0);
    changed.fail("No", "CODE", NOW + Duration::SECOND);
    changed.provider_message_id = Some("3EB0".into());
    changed.body = Some("Something else".into());
    unit.messages()
        .update(std::slice::from_ref(&changed))
        .await
        .expect("updated");
    unit.commit().await.expect("committed");
    let read = stage
        .postgres
        .find(written.workspace.id, written.id)
        .await
        .expect("read");
    changed.body.clone_from(&written.body);
    assert_eq!(read, Some(changed));
}

#[tokio::test]
async fn the_workspace_that_wrote_last_is_remembered() {
    let stage = Stage::new().await;
    let owner = stage.user("owner@example.test").await;
    let stranger = stage.user("stranger@example.test").await;
    let team = stage.team(&owner).await;
    let mine = msgflash_kernel::Workspace::personal(owner.id);
    let ours = msgflash_kernel::Workspace::team(team, owner.id);
    let theirs = msgflash_kernel::Workspace::personal(stranger.id);
    let instance: InstanceId = fresh();
    let last = async |peer| {
        let mut unit = SettleUnits::begin(&stage.postgres).await.expect("a unit");
        unit.messages()
            .last_writer(mine.account, instance, peer)
            .await
            .expect("read")
    };
    assert_eq!(last(phone(1)).await, None);
    insert(&stage.postgres, &[message(mine, instance, phone(1))]).await;
    assert_eq!(last(phone(1)).await, Some(mine));
    insert(&stage.postgres, &[message(ours, instance, phone(1))]).await;
    assert_eq!(last(phone(1)).await, Some(ours));
    // Not through another instance, not to another number, not by another account, and not what
    // came in.
    let mut inbound = message(mine, instance, phone(1));
    inbound.inbound = true;
    let others = [
        message(mine, fresh(), phone(1)),
        message(mine, instance, phone(2)),
        message(theirs, instance, phone(1)),
        inbound,
    ];
    insert(&stage.postgres, &others).await;
    assert_eq!(last(phone(1)).await, Some(ours));
    let session = stage.session().await;
    session
        .execute("UPDATE teams SET deleted_at = now()", &[])
        .await
        .expect("deleted");
    assert_eq!(
        last(phone(1)).await,
        Some(mine),
        "a deleted team hears nothing"
    );
}

#[tokio::test]
async fn the_last_question_to_a_number_is_found() {
    let stage = Stage::new().await;
    let (workspace, instance) = (workspace(), fresh());
    let first = message(workspace, instance, phone(1));
    let second = message(workspace, instance, phone(1));
    let mut inbound = message(workspace, instance, phone(1));
    inbound.inbound = true;
    let all = [
        first,
        second.clone(),
        inbound,
        message(workspace, fresh(), phone(1)),
    ];
    insert(&stage.postgres, &all).await;
    let mut unit = SettleUnits::begin(&stage.postgres).await.expect("a unit");
    let found = unit
        .messages()
        .last_outbound(workspace.id, instance, phone(1))
        .await;
    assert_eq!(found.expect("read"), Some(second));
}
