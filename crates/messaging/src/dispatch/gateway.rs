//! The gateway as a whole: when it is away, one call at a time finds out whether it is back.

use metrics::{counter, gauge};
use time::{Duration, OffsetDateTime};
use tracing::{info, warn};

/// A breaker over all lanes.
#[derive(Debug, Default)]
pub(super) struct Gateway {
    down: Option<Down>,
}

#[derive(Clone, Copy, Debug)]
struct Down {
    since: OffsetDateTime,
    probe_at: OffsetDateTime,
    is_probing: bool,
}

/// Half as long again as it has lasted: a short outage costs seconds and a long one few calls.
pub(super) fn probe_wait(lasted: Duration) -> Duration {
    let half: Duration = lasted / 2;
    half.clamp(Duration::SECOND, Duration::MINUTE)
}

impl Gateway {
    /// Since when nothing gets through.
    pub(super) fn down_since(&self) -> Option<OffsetDateTime> {
        self.down.map(|down| down.since)
    }

    /// How many calls may begin: any number, or one to find out.
    pub(super) fn room(&self, now: OffsetDateTime) -> usize {
        match self.down {
            None => usize::MAX,
            Some(down) => usize::from(!down.is_probing && now >= down.probe_at),
        }
    }

    /// When the next call may find out.
    pub(super) fn probe_at(&self) -> Option<OffsetDateTime> {
        self.down
            .filter(|down| !down.is_probing)
            .map(|down| down.probe_at)
    }

    /// Calls begin.
    pub(super) fn called(&mut self) {
        if let Some(down) = &mut self.down {
            down.is_probing = true;
        }
    }

    /// A call proved that nothing gets through.
    pub(super) fn failed(&mut self, now: OffsetDateTime) {
        let since = self.down.map_or(now, |down| down.since);
        if self.down.is_none() {
            warn!("the gateway is away: sending waits");
            counter!("msgflash_breaker_trips_total", "breaker" => "gateway").increment(1);
            gauge!("msgflash_gateway_down").set(1.0);
        }
        self.down = Some(Down {
            since,
            probe_at: now + probe_wait(now - since),
            is_probing: false,
        });
    }

    /// A call ended without saying anything about the gateway, or was never made.
    pub(super) fn passed(&mut self, now: OffsetDateTime) {
        if let Some(down) = &mut self.down {
            down.is_probing = false;
            down.probe_at = now + probe_wait(now - down.since);
        }
    }

    /// The gateway answered.
    pub(super) fn answered(&mut self) {
        if self.down.take().is_some() {
            info!("the gateway is back: sending goes on");
            gauge!("msgflash_gateway_down").set(0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::NOW;

    #[test]
    fn one_call_at_a_time_asks_whether_the_gateway_is_back() {
        let mut gateway = Gateway::default();
        assert_eq!(gateway.room(NOW), usize::MAX);
        gateway.failed(NOW);
        assert_eq!(gateway.room(NOW), 0);
        let later = NOW + Duration::SECOND;
        assert_eq!(gateway.room(later), 1);
        gateway.called();
        assert_eq!(gateway.room(later), 0);
        gateway.failed(later);
        assert_eq!(gateway.down_since(), Some(NOW));
        gateway.answered();
        assert_eq!(gateway.room(later), usize::MAX);
    }

    #[test]
    fn waits_grow_with_the_outage_up_to_a_minute() {
        let waits = [0, 10, 3600].map(|seconds| probe_wait(Duration::seconds(seconds)));
        assert_eq!(waits, [1, 5, 60].map(Duration::seconds));
    }

    #[test]
    fn a_probe_that_said_nothing_is_repeated() {
        let mut gateway = Gateway::default();
        gateway.failed(NOW);
        gateway.called();
        gateway.passed(NOW + Duration::SECOND);
        assert_eq!(gateway.probe_at(), Some(NOW + Duration::seconds(2)));
    }
}
