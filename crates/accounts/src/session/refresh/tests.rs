//! One session for another.

use msgflash_kernel::{MockAnnounce, SequentialIds};
use time::Duration;

use super::*;
use crate::fake::FakeUnits;
use crate::sample::{lea, locking, session};
use crate::session::fixture::{NOW, Signing};
use crate::user::User;

fn refreshing(units: &FakeUnits, told: usize) -> RefreshSession {
    let tokens = Signing::new();
    tokens.clock.advance(Duration::DAY);
    let mut announce = MockAnnounce::new();
    announce.expect_changed().times(told).returning(|_| ());
    let ids = Arc::new(SequentialIds::default());
    RefreshSession::new(Arc::new(units.clone()), tokens.tokens, tokens.clock, ids)
        .announcing(Arc::new(announce))
}

#[tokio::test]
async fn the_new_session_lasts_the_full_time_and_the_old_one_is_over() {
    let units = locking(Some(lea()));
    units.with(|unit| {
        unit.sessions
            .expect_end()
            .times(1)
            .withf(|id, why, _| *id == session().id && *why == SessionEnd::Refresh)
            .returning(|_, _, _| Ok(true));
        unit.sessions.expect_insert().times(1).returning(|_| Ok(()));
    });
    let new = refreshing(&units, 1)
        .refresh(&session())
        .await
        .expect("new");
    assert_ne!(new.session.id, session().id);
    assert_eq!(new.session.expires_at, NOW + Duration::days(8));
    assert!(units.committed());
}

#[tokio::test]
async fn a_session_that_is_over_or_shut_out_is_not_made_new() {
    let suspended = User {
        suspended_at: Some(NOW),
        ..lea()
    };
    for (user, ends) in [(Some(lea()), false), (Some(suspended), true), (None, true)] {
        let units = locking(user);
        units.with(|unit| {
            unit.sessions
                .expect_end()
                .returning(move |_, _, _| Ok(ends));
        });
        let refused = refreshing(&units, 0).refresh(&session()).await;
        assert!(matches!(refused, Err(SessionError::Unauthorized)));
        assert!(!units.committed());
    }
}
