//! When a campaign will be done, at the pace of its number.

use time::{Duration, OffsetDateTime};

use super::{Campaign, CampaignStatus, SendWindow};
use crate::safety::{Policy, Window};

/// Caps that sending keeps to, and how much of them is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Messages per hour.
    pub hourly: u64,
    /// Messages per day.
    pub daily: u64,
    /// Messages sent in the last hour.
    pub used_1h: u64,
    /// And in the last day.
    pub used_24h: u64,
}

impl Caps {
    /// Those of a number's state, of which `window` used some. What it accepted and did not send yet is no
    /// use: the messages that a campaign made ahead are among those it still has to send.
    pub fn of(policy: &Policy, window: &Window) -> Self {
        Self {
            hourly: policy.hourly_outbound,
            daily: policy.daily_outbound,
            used_1h: window.sent_1h,
            used_24h: window.sent_24h,
        }
    }

    /// What they are once `time` has passed with nothing sent.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        let kept = |used: u64, span: Duration| if time < span { used } else { 0 };
        Self {
            used_1h: kept(self.used_1h, Duration::HOUR),
            used_24h: kept(self.used_24h, Duration::DAY),
            ..self
        }
    }

    /// How long they hold up the last of so many messages, at most: when what is used up frees again within
    /// its hour or day is not looked at.
    fn time_for(self, count: u64) -> Duration {
        let spans = |used: u64, cap: u64, span: Duration| {
            let full = used.saturating_add(count).saturating_sub(1) / cap.max(1);
            span.saturating_mul(i32::try_from(full).unwrap_or(i32::MAX))
        };
        let by_hour = spans(self.used_1h, self.hourly, Duration::HOUR);
        by_hour.max(spans(self.used_24h, self.daily, Duration::DAY))
    }
}

/// How fast a number sends to the recipients of campaigns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed {
    /// The mean time between two calls: what a lane waits at least, and a random part.
    pub step: Duration,
    /// Caps that sending keeps to.
    pub caps: Option<Caps>,
}

impl Speed {
    /// That of lanes that wait `gap` at least. A campaign waits up to three times longer, by chance.
    pub fn of(gap: Duration, caps: Option<Caps>) -> Self {
        Self {
            step: gap.saturating_mul(5) / 2,
            caps,
        }
    }

    /// How long so many calls take, without regard to hours.
    pub fn time_for(self, count: u64) -> Duration {
        let calls = i32::try_from(count).unwrap_or(i32::MAX);
        let paced = self.step.saturating_mul(calls);
        match self.caps.filter(|_| count > 0) {
            Some(caps) => paced.max(caps.time_for(count)),
            None => paced,
        }
    }
}

/// How far ahead an end is told; what takes longer has none.
const HORIZON: Duration = Duration::days(366);

/// The moment at which `count` messages are sent that begin at `from`, within the hours of `window`.
/// `None` when that is more than a year away.
pub fn end(
    count: u64,
    speed: Speed,
    window: Option<&SendWindow>,
    from: OffsetDateTime,
) -> Option<OffsetDateTime> {
    let mut left = speed.time_for(count);
    let Some(window) = window else {
        return (left <= HORIZON).then(|| from + left);
    };
    let mut now = from;
    while now - from <= HORIZON {
        let (opens, closes) = window.open_at_or_after(now)?;
        now = now.max(opens);
        let open = closes - now;
        if left <= open {
            return Some(now + left);
        }
        left -= open;
        now = closes;
    }
    None
}

/// When a campaign will have written to everybody it plans to; none when that is not known, or is over.
/// Of one whose run has not started the audience is not known.
pub fn of(campaign: &Campaign, speed: Speed, now: OffsetDateTime) -> Option<OffsetDateTime> {
    if campaign.status != CampaignStatus::Running || !campaign.is_expanded() {
        return None;
    }
    let queued = campaign.counters.queued;
    let at = if speed.step.is_zero() && speed.caps.is_none() {
        let started = campaign.run.as_ref()?.started_at;
        let window = campaign.window.as_ref();
        end(queued, observed(campaign, started, now)?, window, now)
    } else {
        end(queued, speed, campaign.window.as_ref(), now)
    }?;
    Some(campaign.send_by.map_or(at, |by| at.min(by)))
}

/// The speed so far: where nothing paces, only that tells.
fn observed(campaign: &Campaign, started: OffsetDateTime, now: OffsetDateTime) -> Option<Speed> {
    let counters = campaign.counters;
    let done = i32::try_from(counters.sent + counters.failed).ok()?;
    (done > 0).then(|| Speed {
        step: (now - started) / done,
        caps: None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::running;
    use super::super::{Counters, SendWindow};
    use super::*;
    use crate::safety::SafetyState;
    use crate::testing::NOW;

    fn paced() -> Speed {
        Speed::of(Duration::SECOND, None)
    }

    /// That of a number that warms up and sent so many in the last hour and day.
    fn capped(used_1h: u64, used_24h: u64) -> Speed {
        let caps = Caps {
            hourly: 25,
            daily: 100,
            used_1h,
            used_24h,
        };
        Speed::of(Duration::SECOND, Some(caps))
    }

    #[test]
    fn a_thousand_messages_take_a_thousand_mean_gaps() {
        let at = end(1000, paced(), None, NOW);
        assert_eq!(at, Some(NOW + Duration::seconds(2500)));
    }

    #[test]
    fn closed_hours_are_not_counted() {
        // It is noon on a Wednesday; three hours are open today, and the rest is for tomorrow.
        let window = SendWindow::parse("09:00", "15:00", "UTC", &[3, 4]).expect("a window");
        let four_hours = 4 * 3600 * 2 / 5;
        let at = end(four_hours, paced(), Some(&window), NOW);
        assert_eq!(at, Some(NOW + Duration::hours(22)), "ten in the morning");
    }

    #[test]
    fn caps_that_are_kept_to_take_whole_hours_and_days() {
        let capped = capped(0, 0);
        assert_eq!(capped.time_for(25), Duration::milliseconds(62_500));
        assert_eq!(capped.time_for(26), Duration::HOUR);
        assert_eq!(capped.time_for(101), Duration::DAY);
    }

    #[test]
    fn what_was_sent_lately_has_used_up_part_of_the_caps() {
        let full = capped(25, 40);
        assert_eq!(full.time_for(0), Duration::ZERO);
        assert_eq!(full.time_for(1), Duration::HOUR);
        assert_eq!(full.time_for(60), Duration::hours(3));
        assert_eq!(full.time_for(61), Duration::DAY);
        let it = Campaign {
            counters: Counters {
                planned: 1,
                queued: 1,
                ..Counters::default()
            },
            ..running()
        };
        assert_eq!(of(&it, full, NOW), Some(NOW + Duration::HOUR));
    }

    #[test]
    fn what_was_sent_counts_for_an_hour_and_for_a_day() {
        let caps = capped(25, 100).caps.expect("there");
        let soon = caps.after(Duration::minutes(59));
        assert_eq!((soon.used_1h, soon.used_24h), (25, 100));
        let later = caps.after(Duration::HOUR);
        assert_eq!((later.used_1h, later.used_24h), (0, 100));
        let tomorrow = caps.after(Duration::DAY);
        assert_eq!((tomorrow.used_1h, tomorrow.used_24h), (0, 0));
    }

    #[test]
    fn what_waits_has_used_up_nothing() {
        let window = Window {
            outbound_1h: 60,
            outbound_24h: 70,
            sent_1h: 25,
            sent_24h: 40,
            ..Window::default()
        };
        let caps = Caps::of(&SafetyState::Warming.policy(), &window);
        assert_eq!(Some(caps), capped(25, 40).caps);
    }

    #[test]
    fn what_takes_more_than_a_year_has_no_end() {
        assert_eq!(end(100_000_000, paced(), None, NOW), None);
    }

    #[test]
    fn only_one_that_runs_has_an_end_and_never_after_its_latest_time() {
        let it = Campaign {
            counters: Counters {
                planned: 100,
                queued: 100,
                ..Counters::default()
            },
            ..running()
        };
        assert_eq!(of(&it, paced(), NOW), Some(NOW + Duration::seconds(250)));
        let by = Campaign {
            send_by: Some(NOW + Duration::seconds(60)),
            ..it.clone()
        };
        assert_eq!(of(&by, paced(), NOW), by.send_by);
        let paused = Campaign {
            status: CampaignStatus::Paused,
            ..it
        };
        assert_eq!(of(&paused, paced(), NOW), None);
    }

    #[test]
    fn without_a_pace_the_speed_so_far_tells() {
        let it = Campaign {
            counters: Counters {
                planned: 100,
                queued: 50,
                sent: 50,
                ..Counters::default()
            },
            ..running()
        };
        let later = NOW + Duration::seconds(10);
        let at = of(&it, Speed::of(Duration::ZERO, None), later);
        assert_eq!(at, Some(later + Duration::seconds(10)));
    }
}
