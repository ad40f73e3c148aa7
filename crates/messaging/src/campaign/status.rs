//! How far a campaign is, and which way it may go.

use time::{Duration, OffsetDateTime};

/// The published states of a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CampaignStatus {
    /// Waits for its time.
    Scheduled,
    /// Sends.
    Running,
    /// Stopped by a person.
    Paused,
    /// Stopped because the month's outbound quota is used up.
    PausedQuota,
    /// Stopped because the plan lost campaigns, or the subscription ended.
    PausedPlan,
    /// Everything was sent, or cannot be.
    Completed,
    /// Stopped for good.
    Cancelled,
    /// Cannot go on.
    Failed,
}

impl CampaignStatus {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Scheduled,
        Self::Running,
        Self::Paused,
        Self::PausedQuota,
        Self::PausedPlan,
        Self::Completed,
        Self::Cancelled,
        Self::Failed,
    ];

    /// The published word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::PausedQuota => "paused_quota",
            Self::PausedPlan => "paused_plan",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }

    /// Reads the published word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// Whether nothing comes after it.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled | Self::Failed)
    }

    /// Whether it stopped and may go on.
    pub const fn is_paused(self) -> bool {
        matches!(self, Self::Paused | Self::PausedQuota | Self::PausedPlan)
    }

    /// Whether a campaign in this state may go to `next`.
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Scheduled => !matches!(next, Self::Scheduled | Self::Completed),
            Self::Running => !matches!(next, Self::Running),
            Self::Paused | Self::PausedQuota | Self::PausedPlan => {
                matches!(
                    next,
                    Self::Running | Self::Scheduled | Self::Cancelled | Self::Failed
                )
            }
            Self::Completed | Self::Cancelled | Self::Failed => false,
        }
    }
}

/// How often a campaign runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Once.
    None,
    /// Every day at the same time, UTC.
    Daily,
    /// Every week at the same time, UTC.
    Weekly,
}

impl Repeat {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::None, Self::Daily, Self::Weekly];

    /// The documentation's old misspelling of `none`.
    pub const MISSPELT: &'static str = "noe";

    /// The published word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
        }
    }

    /// Reads the published word, or the misspelt one.
    pub fn parse(word: &str) -> Option<Self> {
        if word == Self::MISSPELT {
            return Some(Self::None);
        }
        Self::ALL.into_iter().find(|repeat| repeat.as_str() == word)
    }

    /// The first planned time after `now` of a campaign that was planned for `planned`: times that
    /// passed meanwhile are left out. `None` when it does not repeat.
    pub fn next(self, planned: OffsetDateTime, now: OffsetDateTime) -> Option<OffsetDateTime> {
        let step = match self {
            Self::None => return None,
            Self::Daily => Duration::DAY,
            Self::Weekly => Duration::WEEK,
        };
        let first = planned + step;
        if first > now {
            return Some(first);
        }
        let missed = (now - first).whole_seconds() / step.whole_seconds() + 1;
        Some(first + step * i32::try_from(missed).unwrap_or(i32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::CampaignStatus as S;
    use super::*;
    use time::macros::datetime;

    #[test]
    fn what_is_final_stays() {
        for from in S::ALL.into_iter().filter(|it| it.is_final()) {
            for to in S::ALL {
                assert!(!from.may_become(to), "{from:?} {to:?}");
            }
        }
    }

    #[test]
    fn the_published_moves_are_the_moves() {
        let moves = |from: S| -> Vec<S> {
            let all = S::ALL.into_iter();
            all.filter(|to| from.may_become(*to)).collect()
        };
        assert_eq!(
            moves(S::Running),
            [
                S::Scheduled,
                S::Paused,
                S::PausedQuota,
                S::PausedPlan,
                S::Completed,
                S::Cancelled,
                S::Failed
            ]
        );
        for paused in [S::Paused, S::PausedQuota, S::PausedPlan] {
            let expected = [S::Scheduled, S::Running, S::Cancelled, S::Failed];
            assert_eq!(moves(paused), expected);
        }
        assert!(S::Scheduled.may_become(S::Running) && S::Scheduled.may_become(S::Paused));
        assert!(!S::Scheduled.may_become(S::Completed));
    }

    #[test]
    fn words_read_back() {
        for status in S::ALL {
            assert_eq!(S::parse(status.as_str()), Some(status));
        }
        for repeat in Repeat::ALL {
            assert_eq!(Repeat::parse(repeat.as_str()), Some(repeat));
        }
        assert_eq!(Repeat::parse("noe"), Some(Repeat::None));
        assert_eq!(Repeat::parse("monthly"), None);
    }

    #[test]
    fn the_next_run_is_planned_from_the_plan_and_missed_ones_are_left_out() {
        let planned = datetime!(2026-04-15 09:00 UTC);
        let late = datetime!(2026-04-15 11:30 UTC);
        let next = |repeat: Repeat, now| repeat.next(planned, now);
        assert_eq!(next(Repeat::None, late), None);
        assert_eq!(
            next(Repeat::Daily, late),
            Some(datetime!(2026-04-16 09:00 UTC))
        );
        assert_eq!(
            next(Repeat::Weekly, late),
            Some(datetime!(2026-04-22 09:00 UTC))
        );
        let away = datetime!(2026-04-18 09:00 UTC);
        assert_eq!(
            next(Repeat::Daily, away),
            Some(datetime!(2026-04-19 09:00 UTC)),
            "the one that is due at this moment was missed"
        );
    }
}
