//! Guidance against bans: how a number's age and behaviour bound what it should send.
//!
//! It advises and never refuses. The caps are the published policy table.

use time::{Duration, OffsetDateTime};

/// Below this many messages a day, a failure rate says nothing.
const MIN_SAMPLE: u64 = 10;

/// What a number did lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Messages accepted for sending in the last hour.
    pub outbound_1h: u64,
    /// And in the last day.
    pub outbound_24h: u64,
    /// Of those of the last hour, the ones that were handed to WhatsApp: neither do they wait, nor did they
    /// end before.
    pub sent_1h: u64,
    /// And of those of the last day.
    pub sent_24h: u64,
    /// Different recipients in the last hour.
    pub recipients_1h: u64,
    /// And in the last day.
    pub recipients_24h: u64,
    /// Messages that came in during the last day.
    pub replies_24h: u64,
    /// And in the last week.
    pub replies_7d: u64,
    /// Messages that failed in the last day.
    pub failed_24h: u64,
}

/// How far a number can be trusted to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SafetyState {
    /// Linked less than a day ago, or never.
    New,
    /// Linked for up to two weeks.
    Warming,
    /// Linked for longer, and few failures.
    Stable,
    /// Over a tenth of the day's messages failed, or more was sent than a cap of its age.
    AtRisk,
    /// Over three tenths of the day's messages failed, or WhatsApp refuses new contacts.
    Restricted,
}

impl SafetyState {
    /// The published word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Warming => "warming",
            Self::Stable => "stable",
            Self::AtRisk => "at_risk",
            Self::Restricted => "restricted",
        }
    }

    /// The caps that go with it.
    pub const fn policy(self) -> Policy {
        let (hourly, daily, recipients, cold) = match self {
            Self::New => (10, 30, 30, 0.2),
            Self::Warming => (25, 100, 100, 0.4),
            Self::Stable => (200, 1500, 2000, 0.8),
            Self::AtRisk => (20, 80, 50, 0.2),
            Self::Restricted => (5, 20, 10, 0.1),
        };
        Policy {
            hourly_outbound: hourly,
            daily_outbound: daily,
            max_campaign_recipients: recipients,
            max_cold_ratio: cold,
        }
    }
}

/// The caps of a state. Caps on different recipients equal those on messages.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    /// Messages per hour.
    pub hourly_outbound: u64,
    /// Messages per day.
    pub daily_outbound: u64,
    /// Recipients of one campaign.
    pub max_campaign_recipients: u64,
    /// Share of recipients never written to.
    pub max_cold_ratio: f64,
}

/// How risky the next message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RiskLevel {
    /// Nothing speaks against it.
    Low,
    /// One thing does.
    Medium,
    /// Several things do, or the number is in trouble.
    High,
}

impl RiskLevel {
    /// The published word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// The guidance for one more message.
#[derive(Clone, Debug, PartialEq)]
pub struct Safety {
    /// How far the number can be trusted.
    pub state: SafetyState,
    /// 0-100, higher is healthier.
    pub score: u8,
    /// How risky the message is.
    pub risk: RiskLevel,
    /// Why; empty when nothing speaks against it.
    pub reasons: Vec<String>,
    /// What to do.
    pub recommendations: Vec<String>,
}

impl Safety {
    /// The published decision: it warns or allows, and never blocks.
    pub fn decision(&self) -> &'static str {
        if self.reasons.is_empty() {
            "allow"
        } else {
            "warn"
        }
    }
}

/// The state of a number. What waits has passed no cap: where caps are kept to, it waits because of them.
pub fn state(
    first_connected_at: Option<OffsetDateTime>,
    window: &Window,
    now: OffsetDateTime,
) -> SafetyState {
    let failures = |tenths: u64| {
        window.outbound_24h >= MIN_SAMPLE && window.failed_24h * 10 > window.outbound_24h * tenths
    };
    let by_age = match first_connected_at {
        Some(since) if now - since >= Duration::days(14) => SafetyState::Stable,
        Some(since) if now - since >= Duration::days(1) => SafetyState::Warming,
        _ => SafetyState::New,
    };
    let caps = by_age.policy();
    let passed_caps =
        window.sent_1h > caps.hourly_outbound || window.sent_24h > caps.daily_outbound;
    if failures(3) {
        SafetyState::Restricted
    } else if failures(1) || passed_caps {
        SafetyState::AtRisk
    } else {
        by_age
    }
}

/// The guidance for sending one more message at `now`. `is_restricted` says that WhatsApp refuses
/// messages to new people.
pub fn assess(
    first_connected_at: Option<OffsetDateTime>,
    is_restricted: bool,
    window: &Window,
    now: OffsetDateTime,
) -> Safety {
    let state = if is_restricted {
        SafetyState::Restricted
    } else {
        state(first_connected_at, window, now)
    };
    let policy = state.policy();
    let mut reasons = Vec::new();
    let mut recommendations = Vec::new();
    let (reason, advice) = match state {
        SafetyState::Stable => (None, None),
        SafetyState::New => (
            Some("The number was connected less than a day ago."),
            Some("Write to people who know the number, and only a few of them today."),
        ),
        SafetyState::Warming => (
            Some("The number is in its warm-up period."),
            Some("Raise the volume slowly, starting with people who have written to you."),
        ),
        SafetyState::AtRisk => (
            Some("The number is at risk: many recent messages failed, or a cap was passed."),
            Some("Slow down and check the numbers you write to."),
        ),
        SafetyState::Restricted if is_restricted => (
            Some("WhatsApp refused messages to new people; such messages wait for now."),
            Some("Answer those who write to you, and write to fewer new people afterwards."),
        ),
        SafetyState::Restricted => (
            Some("A large share of recent messages failed; WhatsApp may restrict the number."),
            Some("Stop writing to new people until deliveries recover."),
        ),
    };
    reasons.extend(reason.map(str::to_owned));
    recommendations.extend(advice.map(str::to_owned));
    let caps = [
        (
            "hourly",
            window.outbound_1h,
            window.recipients_1h,
            policy.hourly_outbound,
        ),
        (
            "daily",
            window.outbound_24h,
            window.recipients_24h,
            policy.daily_outbound,
        ),
    ];
    let mut over = false;
    for (span, sent, recipients, cap) in caps {
        if sent >= cap || recipients >= cap {
            over = true;
            reasons.push(format!(
                "This message passes the recommended {span} cap of {cap}."
            ));
        }
    }
    if over {
        recommendations.push("Spread the messages over a longer time.".to_owned());
    }
    let trouble = matches!(state, SafetyState::AtRisk | SafetyState::Restricted);
    let risk = match reasons.len() {
        0 => RiskLevel::Low,
        1 if !trouble => RiskLevel::Medium,
        _ => RiskLevel::High,
    };
    Safety {
        state,
        score: score(state, window, policy),
        risk,
        reasons,
        recommendations,
    }
}

/// Health from 0 to 100: the state gives the base, answers raise it, nearing the cap and failures
/// lower it.
fn score(state: SafetyState, window: &Window, policy: Policy) -> u8 {
    let base: u64 = match state {
        SafetyState::New => 45,
        SafetyState::Warming => 60,
        SafetyState::Stable => 85,
        SafetyState::AtRisk => 35,
        SafetyState::Restricted => 15,
    };
    let answers = (window.replies_24h * 10 / window.outbound_24h.max(1)).min(10);
    let fullness = (window.outbound_24h * 10 / policy.daily_outbound).min(10);
    let failures = (window.failed_24h * 20 / window.outbound_24h.max(1)).min(20);
    let score = (base + answers)
        .saturating_sub(fullness + failures)
        .min(100);
    u8::try_from(score).expect("bounded by a hundred")
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-05-20 12:00 UTC);

    fn since(days: i64) -> OffsetDateTime {
        NOW - Duration::days(days)
    }

    #[test]
    fn age_makes_a_number_stable() {
        let quiet = Window::default();
        assert_eq!(state(None, &quiet, NOW), SafetyState::New);
        assert_eq!(
            state(Some(NOW - Duration::hours(23)), &quiet, NOW),
            SafetyState::New
        );
        assert_eq!(state(Some(since(1)), &quiet, NOW), SafetyState::Warming);
        assert_eq!(state(Some(since(14)), &quiet, NOW), SafetyState::Stable);
    }

    #[test]
    fn failures_put_it_at_risk() {
        let window = |outbound_24h, failed_24h| Window {
            outbound_24h,
            failed_24h,
            ..Window::default()
        };
        assert_eq!(
            state(Some(since(30)), &window(100, 10), NOW),
            SafetyState::Stable
        );
        assert_eq!(
            state(Some(since(30)), &window(100, 11), NOW),
            SafetyState::AtRisk
        );
        assert_eq!(
            state(Some(since(30)), &window(100, 31), NOW),
            SafetyState::Restricted
        );
        assert_eq!(
            state(Some(since(30)), &window(9, 9), NOW),
            SafetyState::Stable
        );
    }

    #[test]
    fn each_cap_that_was_passed_puts_it_at_risk() {
        let sent = |sent_1h, sent_24h| Window {
            outbound_1h: sent_1h,
            outbound_24h: sent_24h,
            sent_1h,
            sent_24h,
            ..Window::default()
        };
        for (days, hourly, daily) in [(0, 10, 30), (2, 25, 100), (30, 200, 1500)] {
            let linked = Some(since(days));
            let by_age = state(linked, &Window::default(), NOW);
            assert_eq!(state(linked, &sent(hourly, daily), NOW), by_age);
            for over in [sent(hourly + 1, hourly + 1), sent(0, daily + 1)] {
                assert_eq!(state(linked, &over, NOW), SafetyState::AtRisk, "{over:?}");
            }
        }
    }

    #[test]
    fn what_waits_has_passed_no_cap() {
        let waiting = Window {
            outbound_1h: 1000,
            outbound_24h: 5000,
            sent_1h: 200,
            sent_24h: 1500,
            ..Window::default()
        };
        assert_eq!(state(Some(since(30)), &waiting, NOW), SafetyState::Stable);
    }

    #[test]
    fn a_stable_number_within_its_caps_is_allowed() {
        let safety = assess(Some(since(30)), false, &Window::default(), NOW);
        assert_eq!((safety.decision(), safety.risk), ("allow", RiskLevel::Low));
        assert!(safety.recommendations.is_empty());
    }

    #[test]
    fn a_number_whose_first_contacts_are_refused_is_restricted_however_well_it_did() {
        let safety = assess(Some(since(30)), true, &Window::default(), NOW);
        assert_eq!(safety.state, SafetyState::Restricted);
        assert_eq!((safety.decision(), safety.risk), ("warn", RiskLevel::High));
    }

    #[test]
    fn the_message_that_passes_a_cap_is_warned_about() {
        let at_cap = Window {
            outbound_1h: 200,
            outbound_24h: 200,
            ..Window::default()
        };
        let below = Window {
            outbound_1h: 199,
            outbound_24h: 199,
            ..Window::default()
        };
        assert_eq!(
            assess(Some(since(30)), false, &below, NOW).decision(),
            "allow"
        );
        let safety = assess(Some(since(30)), false, &at_cap, NOW);
        assert_eq!(
            (safety.decision(), safety.risk),
            ("warn", RiskLevel::Medium)
        );
        let warming = Window {
            outbound_1h: 25,
            outbound_24h: 25,
            ..Window::default()
        };
        assert_eq!(
            assess(Some(since(3)), false, &warming, NOW).risk,
            RiskLevel::High
        );
    }
}
