use msgflash_kernel::{FixedClock, SequentialIds};

use super::*;
use crate::alarm::MockAlarms;
use crate::instance::ports::{InstanceUnit, InstanceUnits, MockInstanceReader};
use crate::provider::{LinkState, MockWhatsAppProvider};
use crate::testing::{NOW, instance};

struct NoUnits;

#[async_trait::async_trait]
impl InstanceUnits for NoUnits {
    async fn begin(&self) -> Result<Box<dyn InstanceUnit>, StoreError> {
        unreachable!("looking writes nothing")
    }
}

fn signs(alarms: MockAlarms) -> (Arc<Signs>, Arc<FixedClock>) {
    let clock = Arc::new(FixedClock::at(NOW));
    (Arc::new(Signs::new(Arc::new(alarms), clock.clone())), clock)
}

fn expecting(alarm: Alarm, times: usize) -> MockAlarms {
    let mut alarms = MockAlarms::new();
    alarms
        .expect_raise()
        .withf(move |raised, instance| *raised == alarm && instance.is_none())
        .times(times)
        .return_const(());
    alarms
}

#[test]
fn a_refused_key_is_told_once_a_minute_however_many_calls_meet_it() {
    let (signs, clock) = signs(expecting(Alarm::KeyRefused, 2));
    for _ in 0..3 {
        signs.heard(Some("mf-1"), Sign::KeyRefused);
    }
    clock.advance(Duration::MINUTE);
    signs.heard(None, Sign::KeyRefused);
    assert_eq!(signs.suspects().len(), 1);
}

#[test]
fn a_missing_licence_puts_no_session_under_suspicion() {
    let (signs, _) = signs(expecting(Alarm::LicenceRequired, 1));
    signs.heard(Some("mf-1"), Sign::LicenceRequired);
    assert!(signs.suspects().is_empty());
}

#[test]
fn a_socket_counts_as_dead_from_its_first_sign_until_something_goes_through() {
    let (signs, clock) = signs(MockAlarms::new());
    let patience = Duration::MINUTE;
    signs.heard(Some("mf-1"), Sign::DeadSocket);
    signs.heard(Some("mf-2"), Sign::DeadSocket);
    clock.advance(Duration::seconds(59));
    signs.heard(Some("mf-1"), Sign::DeadSocket);
    signs.heard(Some("mf-2"), Sign::Sent);
    assert!(signs.dead_for(patience, clock.now()).is_empty());
    clock.advance(Duration::SECOND);
    assert_eq!(signs.dead_for(patience, clock.now()), ["mf-1"]);
    // Told once; what comes later is a new story.
    assert!(signs.dead_for(patience, clock.now()).is_empty());
}

#[test]
fn a_sign_of_long_ago_is_no_part_of_a_new_story() {
    let (signs, clock) = signs(MockAlarms::new());
    signs.heard(Some("mf-1"), Sign::DeadSocket);
    clock.advance(EPISODE);
    assert!(signs.dead_for(Duration::HOUR, clock.now()).is_empty());
    signs.heard(Some("mf-1"), Sign::DeadSocket);
    assert!(signs.dead_for(Duration::MINUTE, clock.now()).is_empty());
}

async fn looked(
    it: Instance,
    calls: usize,
    state: Result<LinkState, ProviderError>,
) -> Option<Change> {
    let mut provider = MockWhatsAppProvider::new();
    provider.expect_state().times(calls).return_once(|_| state);
    let (signs, clock) = signs(MockAlarms::new());
    let ids = Arc::new(SequentialIds::default());
    let follow = FollowSigns::new(
        signs,
        Arc::new(MockInstanceReader::new()),
        Arc::new(provider),
        Arc::new(RecordConnection::new(Arc::new(NoUnits), clock.clone(), ids)),
        Arc::new(MockAlarms::new()),
        clock,
        Duration::MINUTE,
    );
    follow.look(&it).await
}

#[tokio::test]
async fn only_what_the_gateway_says_twice_is_believed() {
    let it = Instance {
        status: InstanceStatus::Connected,
        ..instance()
    };
    let gone = looked(it.clone(), 1, Err(ProviderError::UnknownSession)).await;
    assert_eq!(gone, Some(Change::Gone));
    let refused = looked(it.clone(), 1, Err(ProviderError::Unauthorized)).await;
    assert_eq!(refused, Some(Change::Connecting));
    for answer in [Ok(LinkState::Open), Err(ProviderError::Unavailable)] {
        assert_eq!(looked(it.clone(), 1, answer).await, None);
    }
}

#[tokio::test]
async fn a_session_that_is_not_in_use_is_not_asked_about() {
    let unlinked = Instance {
        status: InstanceStatus::Disconnected,
        ..instance()
    };
    let waiting = Instance {
        status: InstanceStatus::Connected,
        reconnecting_since: Some(NOW),
        ..instance()
    };
    for it in [unlinked, waiting] {
        assert_eq!(looked(it, 0, Ok(LinkState::Open)).await, None);
    }
}
