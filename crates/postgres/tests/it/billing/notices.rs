//! What account holders are told.

use msgflash_billing::{
    KeptNotice, Meter, Notice, NoticeKind, NoticeQueue as _, NoticeReader as _, Threshold,
};
use msgflash_kernel::Page;
use serde_json::json;
use tokio::time::timeout;

use super::books::{Books, later};
use crate::stage::{NOW, SOON, fresh};

async fn told(books: &Books, kinds: &[NoticeKind]) -> Vec<Notice> {
    let notice = |kind: &NoticeKind| Notice {
        id: fresh(),
        account: books.account,
        kind: kind.clone(),
        at: NOW,
    };
    let notices: Vec<_> = kinds.iter().map(notice).collect();
    let mut unit = books.unit().await;
    unit.notices().append(&notices).await.expect("appended");
    unit.commit().await.expect("committed");
    notices
}

#[tokio::test]
async fn a_notice_goes_out_by_mail_once_and_is_kept_for_the_console() {
    let books = Books::new().await;
    let kinds = [
        NoticeKind::Expired,
        NoticeKind::PlanChanged {
            from: "max".to_owned(),
            to: "pro".to_owned(),
            suspended: 2,
            revoked: 1,
            disabled: 0,
        },
    ];
    let notices = told(&books, &kinds).await;
    let postgres = books.postgres();
    let claimed = postgres.claim(NOW, later(5), 10).await.expect("claimed");
    assert_eq!(claimed.len(), 2);
    let it = claimed.iter().find(|it| it.id == notices[1].id);
    let it = it.expect("it is one of them");
    assert_eq!((it.kind.as_str(), it.at), ("plan_changed", NOW));
    assert_eq!(
        (it.email.as_str(), it.name.as_str()),
        ("lea@shop.test", "Lea Roy")
    );
    assert_eq!(it.account, books.account);
    assert_eq!(it.subject, kinds[1].subject());
    assert_eq!(it.data, kinds[1].data());
    assert_eq!(it.data["suspendedInstances"], json!(2));

    // Whoever claimed them may die before the first is on its way.
    postgres.mailed(notices[1].id).await.expect("recorded");
    let early = postgres.claim(later(4), later(9), 10).await;
    assert!(early.expect("claimed").is_empty());
    let again = postgres
        .claim(later(5), later(9), 10)
        .await
        .expect("claimed");
    let again: Vec<_> = again.iter().map(|it| it.id).collect();
    assert_eq!(again, [notices[0].id]);
    let mine = format!(
        "notices WHERE workspace_id = '{}' AND read_at IS NULL",
        books.account
    );
    assert_eq!(books.count(&mine).await, 2);
}

#[tokio::test]
async fn two_processes_mail_each_notice_once() {
    let books = Books::new().await;
    told(&books, &[NoticeKind::Expired, NoticeKind::Expired]).await;
    let (one, other) = (books.stage.pool(1), books.stage.pool(1));
    let until = later(5);
    let (one, other) = tokio::join!(one.claim(NOW, until, 2), other.claim(NOW, until, 2));
    let (one, other) = (one.expect("claimed"), other.expect("claimed"));
    assert_eq!(one.len() + other.len(), 2);
}

#[tokio::test]
async fn what_was_told_of_a_meter_is_known_by_account_month_and_meter() {
    let books = Books::new().await;
    let mut unit = books.unit().await;
    let store = unit.notices();
    let (account, meter) = (books.account, Meter::Outbound);
    assert_eq!(
        store.told(account, 202_605, meter).await.expect("read"),
        None
    );
    for threshold in [Threshold::Near, Threshold::Full] {
        let set = store.set_told(account, 202_605, meter, threshold).await;
        set.expect("recorded");
        let told = store.told(account, 202_605, meter).await.expect("read");
        assert_eq!(told, Some(threshold));
    }
    for (account, period, meter) in [
        (fresh(), 202_605, meter),
        (account, 202_606, meter),
        (account, 202_605, Meter::ApiRequests),
    ] {
        let told = store.told(account, period, meter).await;
        assert_eq!(told.expect("read"), None);
    }
}

#[tokio::test]
async fn whoever_asks_what_was_told_waits_for_whoever_is_about_to_tell() {
    let books = Books::new().await;
    let account = books.account;
    let mut first = books.unit().await;
    let store = first.notices();
    let told = store.told(account, 202_605, Meter::Outbound).await;
    assert_eq!(told.expect("read"), None);
    let mut second = books.unit().await;
    let asked = tokio::spawn(async move {
        let told = second.notices().told(account, 202_605, Meter::Outbound);
        told.await
    });
    books.stage.until_somebody_waits().await;
    let set = first
        .notices()
        .set_told(account, 202_605, Meter::Outbound, Threshold::Near);
    set.await.expect("recorded");
    first.commit().await.expect("committed");
    let told = timeout(SOON, asked).await.expect("soon").expect("no panic");
    assert_eq!(told.expect("read"), Some(Threshold::Near));
}

async fn listed(books: &Books, unread: bool, after: Option<&Page<KeptNotice>>) -> Page<KeptNotice> {
    let after = after.and_then(|page| page.next.clone());
    let postgres = books.postgres();
    let page = postgres.list(books.account, unread, after, 2).await;
    page.expect("read")
}

#[tokio::test]
async fn notices_are_listed_the_newest_first_page_by_page() {
    let books = Books::new().await;
    let mut expected: Vec<_> = told(
        &books,
        &[
            NoticeKind::Expired,
            NoticeKind::Expired,
            NoticeKind::Expired,
        ],
    )
    .await
    .iter()
    .map(|it| it.id)
    .collect();
    expected.sort_unstable();
    expected.reverse();
    let first = listed(&books, false, None).await;
    // One that is told meanwhile moves nothing.
    told(&books, &[NoticeKind::Expired]).await;
    let second = listed(&books, false, Some(&first)).await;
    let seen: Vec<_> = first.items.iter().chain(&second.items).collect();
    assert_eq!(seen.iter().map(|it| it.id).collect::<Vec<_>>(), expected);
    assert!(first.next.is_some() && second.next.is_none());
    let kind = NoticeKind::Expired;
    assert_eq!(
        (seen[0].kind.as_str(), &seen[0].subject, seen[0].at),
        (kind.as_str(), &kind.subject(), NOW)
    );
    assert_eq!((&seen[0].data, seen[0].read_at), (&kind.data(), None));
}

#[tokio::test]
async fn what_was_read_stays_read_since_the_first_time() {
    let books = Books::new().await;
    let notices = told(&books, &[NoticeKind::Expired, NoticeKind::Expired]).await;
    let (postgres, id) = (books.postgres(), notices[0].id);
    for minutes in [1, 2] {
        let read = postgres.read(books.account, id, later(minutes)).await;
        assert!(read.expect("recorded"));
    }
    let unread = listed(&books, true, None).await;
    assert_eq!(
        unread.items.iter().map(|it| it.id).collect::<Vec<_>>(),
        [notices[1].id]
    );
    postgres
        .read_all(books.account, later(3))
        .await
        .expect("recorded");
    assert!(listed(&books, true, None).await.items.is_empty());
    let all = listed(&books, false, None).await.items;
    let read = |id| all.iter().find(|it| it.id == id).and_then(|it| it.read_at);
    assert_eq!(read(notices[0].id), Some(later(1)));
    assert_eq!(read(notices[1].id), Some(later(3)));
}

#[tokio::test]
async fn nobody_reads_the_notices_of_another_account() {
    let books = Books::new().await;
    let notices = told(&books, &[NoticeKind::Expired]).await;
    let (postgres, other) = (books.postgres(), fresh());
    let theirs = postgres.list(other, false, None, 10).await;
    assert!(theirs.expect("read").items.is_empty());
    assert!(
        !postgres
            .read(other, notices[0].id, NOW)
            .await
            .expect("read")
    );
    postgres.read_all(other, NOW).await.expect("recorded");
    assert_eq!(listed(&books, true, None).await.items.len(), 1);
}
