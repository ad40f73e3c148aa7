//! The clock all processes agree about.

use std::sync::Arc;

use msgflash_kernel::{Clock as _, FixedClock, SystemClock};
use msgflash_postgres::DatabaseClock;
use time::Duration;

use crate::stage::{NOW, Stage};

#[tokio::test]
async fn a_machine_whose_clock_is_off_shows_the_databases_time() {
    let stage = Stage::new().await;
    let wrong = Arc::new(FixedClock::at(NOW));
    let clock = DatabaseClock::new(wrong.clone());
    assert_eq!(clock.now(), NOW, "its own, until it has looked");
    let ahead = clock.look(&stage.postgres).await.expect("looked");
    // The database is on this machine.
    let off = (clock.now() - SystemClock.now()).abs();
    assert!(off < Duration::seconds(10), "{off}");
    let right = (NOW + ahead - SystemClock.now()).abs();
    assert!(right < Duration::seconds(10), "{right}");
}

#[tokio::test]
async fn a_machine_whose_clock_is_set_shows_the_databases_time_all_along() {
    let stage = Stage::new().await;
    let own = Arc::new(FixedClock::at(NOW));
    let clock = DatabaseClock::new(own.clone());
    clock.look(&stage.postgres).await.expect("looked");
    for step in [Duration::hours(3), Duration::hours(-5)] {
        let before = clock.now();
        own.advance(step);
        let passed = clock.now() - before;
        assert!(
            (Duration::ZERO..Duration::seconds(10)).contains(&passed),
            "{passed}"
        );
    }
}
