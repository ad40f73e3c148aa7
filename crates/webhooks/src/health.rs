//! How an endpoint fares: when it is left alone for a while, and when it is switched off.
//!
//! What waits for an endpoint in trouble spends no attempts: one delivery at a time is posted to
//! see whether the receiver is back, after pauses that grow.

use msgflash_kernel::{AccountId, Id, WorkspaceId};
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use crate::delivery::{Attempt, Next};

/// Failures in a row after which an endpoint is in trouble.
pub const TROUBLED_AT: u32 = 10;
/// The first pause.
const SHORTEST_PAUSE: Duration = Duration::seconds(5);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::minutes(5);

/// How an endpoint fares. The default is well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Attempts that failed in a row.
    pub failures: u32,
    /// When the first of them did.
    pub failing_since: Option<OffsetDateTime>,
    /// Nothing is posted before.
    pub paused_until: Option<OffsetDateTime>,
}

/// Why we switched an endpoint off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffReason {
    /// The receiver answered `410 Gone`.
    Gone,
    /// Nothing arrived for days.
    Failing,
}

impl OffReason {
    /// The reason, for people.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Gone => "The receiver answered 410 Gone",
            Self::Failing => "Every attempt failed for too long",
        }
    }

    /// The kind of the notice to the owner.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Gone => "webhook.gone",
            Self::Failing => "webhook.failing",
        }
    }
}

impl Health {
    /// How it fares after these attempts, in the order they ended, and whether that is the end.
    /// `patience` is how long everything may fail.
    pub fn after<'a>(
        self,
        attempts: impl IntoIterator<Item = &'a Attempt>,
        now: OffsetDateTime,
        patience: Duration,
    ) -> (Self, Option<OffReason>) {
        let was_paused = self.paused_until.is_some_and(|until| until > now);
        let was_troubled = self.failures >= TROUBLED_AT;
        let mut health = self;
        let mut reason = None;
        for attempt in attempts.into_iter().filter(|it| it.posted) {
            match attempt.next {
                Next::Delivered => {
                    health = Self::default();
                    continue;
                }
                Next::Gone => reason = Some(OffReason::Gone),
                Next::Retry(_) | Next::Failed => {}
            }
            health.paused_until = health.paused_until.max(attempt.asked);
            // Posts that were under way when the pause began say nothing new.
            if !was_paused || health.failures == 0 {
                health.failures = health.failures.saturating_add(1);
            }
            health.failing_since.get_or_insert(now);
        }
        if !was_troubled {
            // Many may fail together; pauses grow with each probe, not with each of these.
            health.failures = health.failures.min(TROUBLED_AT);
        }
        if health.failures >= TROUBLED_AT && health != self {
            let pause = now + pause(health.failures);
            if !was_paused {
                health.paused_until = health.paused_until.max(Some(pause));
            }
            if health.failing_since.is_some_and(|at| now - at >= patience) {
                reason = reason.or(Some(OffReason::Failing));
            }
        }
        (health, reason)
    }
}

/// The pause before the next probe.
fn pause(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(TROUBLED_AT).min(16);
    (SHORTEST_PAUSE * 2i32.pow(doublings)).min(LONGEST_PAUSE)
}

/// Marker of [`NoticeId`].
pub enum NoticeMark {}
/// The id of a notice.
pub type NoticeId = Id<NoticeMark>;

/// Something the owner of an account is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its id.
    pub id: NoticeId,
    /// Whose it is.
    pub account: AccountId,
    /// Which workspace it is about.
    pub workspace: WorkspaceId,
    /// What kind it is, for programs.
    pub kind: &'static str,
    /// What it says, for people.
    pub subject: String,
    /// What it is about.
    pub data: Value,
    /// When it was raised.
    pub at: OffsetDateTime,
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-05-01 0:00 UTC);
    const PATIENCE: Duration = Duration::days(5);

    fn attempt(next: Next) -> Attempt {
        Attempt {
            id: Id::new(Uuid::from_u128(1)),
            endpoint: Id::new(Uuid::from_u128(2)),
            attempts: 1,
            response_status: None,
            excerpt: None,
            error: None,
            asked: None,
            posted: true,
            next,
        }
    }

    fn failures(count: usize) -> Vec<Attempt> {
        vec![attempt(Next::Failed); count]
    }

    #[test]
    fn ten_failures_in_a_row_bring_a_pause_and_a_success_ends_all_trouble() {
        let (well, _) = Health::default().after(&failures(9), NOW, PATIENCE);
        assert_eq!((well.failures, well.paused_until), (9, None));
        let (troubled, off) = well.after(&failures(1), NOW, PATIENCE);
        assert_eq!(
            troubled.paused_until,
            Some(NOW + Duration::seconds(5)),
            "{troubled:?}"
        );
        assert_eq!(off, None);
        let later = NOW + Duration::seconds(5);
        let (well, _) = troubled.after(&[attempt(Next::Delivered)], later, PATIENCE);
        assert_eq!(well, Health::default());
    }

    #[test]
    fn each_probe_that_fails_doubles_the_pause_up_to_five_minutes() {
        let (mut health, _) = Health::default().after(&failures(40), NOW, PATIENCE);
        let mut now = NOW;
        let mut pauses = Vec::new();
        for _ in 0..9 {
            let until = health.paused_until.expect("a pause");
            pauses.push((until - now).whole_seconds());
            now = until;
            (health, _) = health.after(&failures(1), now, PATIENCE);
        }
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
    }

    #[test]
    fn posts_that_were_under_way_when_the_pause_began_do_not_lengthen_it() {
        let (paused, _) = Health::default().after(&failures(10), NOW, PATIENCE);
        let (same, _) = paused.after(&failures(15), NOW + Duration::seconds(1), PATIENCE);
        assert_eq!(same, paused);
    }

    #[test]
    fn a_receiver_may_ask_to_be_left_alone_at_once() {
        let asked = Some(NOW + Duration::minutes(10));
        let busy = Attempt {
            asked,
            ..attempt(Next::Retry(NOW))
        };
        let (health, _) = Health::default().after(&[busy], NOW, PATIENCE);
        assert_eq!((health.failures, health.paused_until), (1, asked));
    }

    #[test]
    fn only_who_failed_everything_for_the_whole_time_is_switched_off() {
        let (failing, _) = Health::default().after(&failures(10), NOW, PATIENCE);
        let nearly = NOW + PATIENCE - Duration::seconds(1);
        assert_eq!(failing.after(&failures(1), nearly, PATIENCE).1, None);
        let end = NOW + PATIENCE;
        let off = failing.after(&failures(1), end, PATIENCE).1;
        assert_eq!(off, Some(OffReason::Failing));
        // Two failures far apart are no proof.
        let (seldom, _) = Health::default().after(&failures(1), NOW, PATIENCE);
        assert_eq!(seldom.after(&failures(1), end, PATIENCE).1, None);
        let recovered = [attempt(Next::Delivered), attempt(Next::Failed)];
        let (well, off) = failing.after(&recovered, end, PATIENCE);
        assert_eq!((well.failing_since, off), (Some(end), None));
    }

    #[test]
    fn gone_is_the_end_whatever_was_before() {
        let gone = [attempt(Next::Gone)];
        let off = Health::default().after(&gone, NOW, PATIENCE).1;
        assert_eq!(off, Some(OffReason::Gone));
    }

    #[test]
    fn what_never_left_says_nothing_about_the_receiver() {
        let mut kept = failures(20);
        for it in &mut kept {
            it.posted = false;
        }
        let (health, off) = Health::default().after(&kept, NOW, PATIENCE);
        assert_eq!((health, off), (Health::default(), None));
    }
}
