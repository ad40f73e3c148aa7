//! What shutting an account takes with it.

use msgflash_kernel::{Fault as _, FixedClock, MockAnnounce};

use super::*;
use crate::fake::FakeUnits;
use crate::sample::{id, lea, locking, mails};
use crate::session::fixture::NOW;

fn suspending(units: &FakeUnits, told: usize) -> SuspendUser {
    let mut announce = MockAnnounce::new();
    let committed = units.clone();
    announce
        .expect_changed()
        .times(told)
        .withf(move |_| committed.committed())
        .returning(|_| ());
    let clock = Arc::new(FixedClock::at(NOW));
    SuspendUser::new(Arc::new(units.clone()), mails(), clock).announcing(Arc::new(announce))
}

fn suspended() -> User {
    User {
        suspended_at: Some(NOW),
        ..lea()
    }
}

#[tokio::test]
async fn who_is_suspended_is_signed_out_and_told() {
    let units = locking(Some(lea()));
    units.with(|unit| {
        unit.users.expect_update().times(1).returning(|_| Ok(()));
        unit.sessions
            .expect_end_all()
            .times(1)
            .withf(|_, except, why, _| except.is_none() && *why == SessionEnd::Suspended)
            .returning(|_, _, _, _| Ok(3));
        unit.mails
            .expect_queue()
            .times(1)
            .withf(|mail| mail.kind == "account_suspended")
            .returning(|_| Ok(()));
    });
    let user = suspending(&units, 1).suspend(id()).await.expect("done");
    assert_eq!(user.suspended_at, Some(NOW));
}

#[tokio::test]
async fn who_is_reactivated_can_sign_in_again() {
    let units = locking(Some(suspended()));
    units.with(|unit| {
        unit.users
            .expect_update()
            .times(1)
            .withf(|user| user.suspended_at.is_none())
            .returning(|_| Ok(()));
        unit.mails
            .expect_queue()
            .times(1)
            .withf(|mail| mail.kind == "account_reactivated")
            .returning(|_| Ok(()));
    });
    let user = suspending(&units, 1).reactivate(id()).await.expect("done");
    assert_eq!(user.suspended_at, None);
}

#[tokio::test]
async fn once_more_changes_nothing() {
    let units = locking(Some(suspended()));
    suspending(&units, 0).suspend(id()).await.expect("fine");
    let units = locking(Some(lea()));
    suspending(&units, 0).reactivate(id()).await.expect("fine");
}

#[tokio::test]
async fn nobody_cannot_be_suspended() {
    for suspends in [true, false] {
        let units = locking(None);
        let it = suspending(&units, 0);
        let refused = if suspends {
            it.suspend(id()).await
        } else {
            it.reactivate(id()).await
        };
        assert_eq!(refused.expect_err("nobody").code(), "NOT_FOUND");
    }
}
