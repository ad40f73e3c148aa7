//! What account holders are told.

use msgflash_billing::{Meter, Notice, NoticeKind, NoticeQueue as _, Threshold};
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
    assert_eq!((it.email.as_str(), it.name.as_str()), ("lea@shop.test", "Lea Roy"));
    assert_eq!(it.account, books.account);
    assert_eq!(it.subject, kinds[1].subject());
    assert_eq!(it.data, kinds[1].data());
    assert_eq!(it.data["suspendedInstances"], json!(2));

    // Whoever claimed them may die before the first is on its way.
    postgres.mailed(notices[1].id).await.expect("recorded");
    let early = postgres.claim(later(4), later(9), 10).await;
    assert!(early.expect("claimed").is_empty());
    let again = postgres.claim(later(5), later(9), 10).await.expect("claimed");
    let again: Vec<_> = again.iter().map(|it| it.id).collect();
    assert_eq!(again, [notices[0].id]);
    let mine = format!("notices WHERE workspace_id = '{}' AND read_at IS NULL", books.account);
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
    assert_eq!(store.told(account, 202_605, meter).await.expect("read"), None);
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
    let set = first.notices().set_told(account, 202_605, Meter::Outbound, Threshold::Near);
    set.await.expect("recorded");
    first.commit().await.expect("committed");
    let told = timeout(SOON, asked).await.expect("soon").expect("no panic");
    assert_eq!(told.expect("read"), Some(Threshold::Near));
}
