//! What is to be done next for a campaign: a pure decision, made again at every turn.

use time::{Duration, OffsetDateTime};

use super::{Campaign, CampaignStatus};

/// How far messages are made ahead of sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ahead {
    /// The most messages of a campaign that are made and not sent.
    pub most: u64,
    /// How soon a campaign is looked at again that has enough of them, at the earliest.
    pub pause: Duration,
    /// The least time between two calls.
    pub gap: Duration,
    /// How many of those that are made wait for a restriction to end. They are not counted: the others
    /// overtake them.
    pub held: u64,
}

/// A campaign that has enough ahead is looked at again after so long at the latest.
const LONGEST: Duration = Duration::seconds(15);

impl Ahead {
    /// For lanes that wait `gap` between two calls. Few are enough then, and few can be spared: until its
    /// message is made, a recipient gets the contact and the template as they are.
    pub fn of(gap: Duration) -> Self {
        if gap.is_positive() {
            Self {
                most: 30,
                pause: Duration::SECOND,
                gap,
                held: 0,
            }
        } else {
            Self {
                most: 4096,
                pause: Duration::milliseconds(50),
                gap,
                held: 0,
            }
        }
    }

    /// The same while so many wait for a restriction to end.
    #[must_use]
    pub fn beside(self, held: u64) -> Self {
        Self { held, ..self }
    }
}

/// What is done at a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// A run starts.
    Start,
    /// More of the audience is written down.
    Expand,
    /// Messages are made, so many at the most, to be started before this moment.
    Make(u64, Option<OffsetDateTime>),
    /// What is made goes back: its hours are over, until this moment.
    Hold(OffsetDateTime),
    /// What is made goes back, until a person lets it go on.
    Unmake,
    /// It is too late for the rest.
    Late,
    /// Everything is done.
    Complete,
    /// Nothing, until this moment.
    Wait(OffsetDateTime),
    /// What was under way when it ended has come back, or may.
    Sweep,
    /// It was deleted: its recipients are removed.
    Forget,
    /// Nothing, ever.
    Rest,
}

/// Decides it. `now` is the moment of the turn.
pub fn decide(campaign: &Campaign, ahead: Ahead, now: OffsetDateTime) -> Turn {
    match campaign.status {
        CampaignStatus::Scheduled => {
            if campaign.schedule > now {
                return Turn::Wait(campaign.schedule);
            }
            Turn::Start
        }
        CampaignStatus::Running => running(campaign, ahead, now),
        CampaignStatus::PausedQuota => out_of_quota(campaign, now),
        // Whoever took the plan away left what was made.
        CampaignStatus::PausedPlan if campaign.in_flight() > 0 => Turn::Unmake,
        CampaignStatus::Paused | CampaignStatus::PausedPlan => Turn::Rest,
        CampaignStatus::Completed | CampaignStatus::Cancelled | CampaignStatus::Failed => {
            if campaign.counters.queued > 0 {
                Turn::Sweep
            } else if campaign.deleted_at.is_some() {
                Turn::Forget
            } else {
                Turn::Rest
            }
        }
    }
}

/// What was reserved before the month was used up goes out, in its hours; what did not gives its
/// reservation back.
fn out_of_quota(campaign: &Campaign, now: OffsetDateTime) -> Turn {
    if campaign.send_by.is_some_and(|by| by <= now) {
        return Turn::Late;
    }
    let closes = campaign.window.as_ref().map(|it| it.open_until(now));
    match closes {
        Some(None) if campaign.in_flight() > 0 => Turn::Unmake,
        Some(Some(closes)) if campaign.in_flight() > 0 => {
            Turn::Wait(campaign.send_by.map_or(closes, |by| by.min(closes)))
        }
        _ => campaign.send_by.map_or(Turn::Rest, Turn::Wait),
    }
}

fn running(campaign: &Campaign, ahead: Ahead, now: OffsetDateTime) -> Turn {
    // Somebody paused it before its time and let it go on after.
    let Some(run) = &campaign.run else {
        return Turn::Start;
    };
    let is_done = campaign.is_expanded() && campaign.counters.queued == 0;
    if is_done && run.started_at < campaign.schedule && campaign.schedule <= now {
        return Turn::Start;
    }
    if campaign.send_by.is_some_and(|by| by <= now) {
        return if campaign.counters.queued > 0 || !campaign.is_expanded() {
            Turn::Late
        } else {
            Turn::Complete
        };
    }
    // The rows of recipients are written down at any hour.
    if !campaign.is_expanded() {
        return Turn::Expand;
    }
    if campaign.counters.queued == 0 {
        return Turn::Complete;
    }
    let closes = match &campaign.window {
        None => None,
        Some(window) => match window.open_at_or_after(now) {
            Some((from, _)) if from > now => return Turn::Hold(from),
            Some((_, until)) => Some(until),
            None => return Turn::Late,
        },
    };
    let until = match (closes, campaign.send_by) {
        (Some(closes), Some(by)) => Some(closes.min(by)),
        (closes, by) => closes.or(by),
    };
    // Half empty is early enough, and makes larger groups.
    let in_flight = campaign.in_flight().saturating_sub(ahead.held);
    if campaign.pending() > 0 && in_flight <= ahead.most / 2 {
        return Turn::Make(ahead.most - in_flight, until);
    }
    // Nothing is to be done before so many calls were made.
    let calls = if campaign.pending() > 0 {
        in_flight - ahead.most / 2
    } else {
        in_flight
    };
    let calls = i32::try_from(calls).unwrap_or(i32::MAX);
    let rest = ahead.gap.saturating_mul(calls);
    let again = now + rest.clamp(ahead.pause, LONGEST);
    Turn::Wait(until.map_or(again, |until| until.min(again)))
}

#[cfg(test)]
mod tests {
    use super::super::audience::Place;
    use super::super::testing::{campaign, running};
    use super::super::{Counters, SendWindow};
    use super::*;
    use crate::testing::NOW;

    const AHEAD: Ahead = Ahead {
        most: 30,
        pause: Duration::SECOND,
        gap: Duration::SECOND,
        held: 0,
    };

    fn turn(campaign: &Campaign) -> Turn {
        decide(campaign, AHEAD, NOW)
    }

    fn of(planned: u64, queued: u64, made: u64) -> Campaign {
        Campaign {
            counters: Counters {
                planned,
                queued,
                sent: planned - queued,
                made,
                ..Counters::default()
            },
            ..running()
        }
    }

    #[test]
    fn a_scheduled_one_starts_at_its_time() {
        let early = Campaign {
            schedule: NOW + Duration::SECOND,
            ..campaign()
        };
        assert_eq!(turn(&early), Turn::Wait(early.schedule));
        let due = Campaign {
            schedule: NOW,
            ..campaign()
        };
        assert_eq!(turn(&due), Turn::Start);
    }

    #[test]
    fn the_audience_is_written_down_before_messages_are_made() {
        let mut it = of(100, 100, 0);
        it.run.as_mut().expect("a run").expansion = Some(Place::START);
        assert_eq!(turn(&it), Turn::Expand);
    }

    #[test]
    fn messages_are_made_when_half_of_what_may_be_ahead_is_sent() {
        assert_eq!(turn(&of(100, 100, 0)), Turn::Make(30, None));
        assert_eq!(turn(&of(100, 86, 30)), Turn::Wait(NOW + AHEAD.pause));
        assert_eq!(turn(&of(100, 85, 30)), Turn::Make(15, None));
        let restricted = AHEAD.beside(20);
        let made = decide(&of(100, 100, 30), restricted, NOW);
        assert_eq!(made, Turn::Make(20, None));
        let all_made = of(100, 3, 100);
        assert_eq!(turn(&all_made), Turn::Wait(NOW + AHEAD.gap * 3));
        let many = of(100, 29, 100);
        assert_eq!(turn(&many), Turn::Wait(NOW + LONGEST));
    }

    #[test]
    fn it_is_complete_when_nothing_is_queued() {
        assert_eq!(turn(&of(100, 0, 100)), Turn::Complete);
        assert_eq!(turn(&of(0, 0, 0)), Turn::Complete);
    }

    #[test]
    fn one_that_was_paused_between_two_runs_starts_the_next_one_when_it_is_late() {
        let paused_for_days = Campaign {
            repeat: super::super::Repeat::Daily,
            schedule: NOW,
            ..of(100, 0, 100)
        };
        let mut it = paused_for_days;
        it.run.as_mut().expect("a run").started_at = NOW - Duration::DAY;
        assert_eq!(turn(&it), Turn::Start);
    }

    #[test]
    fn outside_its_hours_it_holds_and_inside_messages_know_when_to_stop() {
        let hours = |start, end| SendWindow::parse(start, end, "UTC", &[1, 2, 3, 4, 5, 6, 7]).ok();
        // It is noon.
        let open = Campaign {
            window: hours("09:00", "18:00"),
            ..of(100, 100, 0)
        };
        let closes = NOW + Duration::hours(6);
        assert_eq!(turn(&open), Turn::Make(30, Some(closes)));
        let early = Campaign {
            window: hours("14:00", "18:00"),
            ..of(100, 100, 0)
        };
        assert_eq!(turn(&early), Turn::Hold(NOW + Duration::hours(2)));
    }

    #[test]
    fn one_that_ran_out_of_quota_keeps_no_reservation_outside_its_hours() {
        let hours = |start, end| SendWindow::parse(start, end, "UTC", &[1, 2, 3, 4, 5, 6, 7]).ok();
        let out = |window, made| Campaign {
            status: CampaignStatus::PausedQuota,
            window,
            ..of(100, 50, made)
        };
        assert_eq!(turn(&out(None, 60)), Turn::Rest);
        assert_eq!(turn(&out(hours("14:00", "18:00"), 60)), Turn::Unmake);
        assert_eq!(turn(&out(hours("14:00", "18:00"), 50)), Turn::Rest);
        let closes = NOW + Duration::hours(6);
        assert_eq!(turn(&out(hours("09:00", "18:00"), 60)), Turn::Wait(closes));
        let late = Campaign {
            send_by: Some(NOW),
            ..out(None, 60)
        };
        assert_eq!(turn(&late), Turn::Late);
    }

    #[test]
    fn one_that_the_plan_stopped_takes_back_what_is_made() {
        let stopped = |made| Campaign {
            status: CampaignStatus::PausedPlan,
            send_by: Some(NOW),
            ..of(100, 50, made)
        };
        assert_eq!(turn(&stopped(60)), Turn::Unmake);
        assert_eq!(turn(&stopped(50)), Turn::Rest);
    }

    #[test]
    fn what_is_late_is_not_sent() {
        let by = |at| Campaign {
            send_by: Some(at),
            ..of(100, 50, 60)
        };
        assert_eq!(turn(&by(NOW)), Turn::Late);
        let soon = NOW + Duration::minutes(1);
        assert_eq!(turn(&by(soon)), Turn::Make(20, Some(soon)));
    }

    #[test]
    fn what_ended_is_swept_until_nothing_is_queued() {
        let ended = |queued| Campaign {
            status: CampaignStatus::Cancelled,
            ..of(100, queued, 60)
        };
        assert_eq!(turn(&ended(2)), Turn::Sweep);
        assert_eq!(turn(&ended(0)), Turn::Rest);
        let deleted = Campaign {
            deleted_at: Some(NOW),
            ..ended(0)
        };
        assert_eq!(turn(&deleted), Turn::Forget);
    }
}
