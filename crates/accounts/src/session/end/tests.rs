//! Who is signed out, and who hears of it.

use msgflash_kernel::{FixedClock, MockAnnounce};

use super::*;
use crate::fake::FakeUnits;
use crate::sample::{id, lea, locking, session};
use crate::session::fixture::NOW;

fn ending(units: &FakeUnits, told: usize) -> EndSessions {
    let mut announce = MockAnnounce::new();
    let committed = units.clone();
    announce
        .expect_changed()
        .times(told)
        .withf(move |account| *account == account_of(id()) && committed.committed())
        .returning(|_| ());
    let clock = Arc::new(FixedClock::at(NOW));
    EndSessions::new(Arc::new(units.clone()), clock).announcing(Arc::new(announce))
}

#[tokio::test]
async fn signing_out_ends_this_session_once() {
    for ends in [true, false] {
        let units = FakeUnits::default();
        units.with(|unit| {
            unit.sessions
                .expect_end()
                .withf(|id, why, _| *id == session().id && *why == SessionEnd::Logout)
                .returning(move |_, _, _| Ok(ends));
        });
        let done = ending(&units, usize::from(ends)).log_out(&session()).await;
        assert_eq!(done.is_ok(), ends);
        assert_eq!(units.committed(), ends);
    }
}

#[tokio::test]
async fn somebody_can_be_signed_out_everywhere() {
    let units = locking(Some(lea()));
    units.with(|unit| {
        unit.sessions
            .expect_end_all()
            .withf(|user, except, _, _| *user == id() && except.is_none())
            .returning(|_, _, _, _| Ok(3));
    });
    assert_eq!(ending(&units, 1).end_all(id()).await.expect("done"), 3);
}
