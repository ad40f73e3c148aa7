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
    assert_eq!(clock.now(), NOW + ahead);
    // The database is on this machine.
    let off = (clock.now() - SystemClock.now()).abs();
    assert!(off < Duration::seconds(10), "{off}");
    // The machine is set right: what was known of it is wrong until the next look.
    wrong.advance(ahead);
    clock.look(&stage.postgres).await.expect("looked");
    let off = (clock.now() - SystemClock.now()).abs();
    assert!(off < Duration::seconds(10), "{off}");
}
