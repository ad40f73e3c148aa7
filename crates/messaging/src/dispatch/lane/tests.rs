use msgflash_kernel::Id;
use uuid::Uuid;

use super::*;
use crate::dispatch::QueueEntry;
use crate::testing::{NOW, entry, instance, message};

const FREE: Pace = Pace {
    gap: Duration::ZERO,
    lease: Duration::seconds(120),
    silence: Duration::seconds(30),
    enforces_caps: false,
};

fn lane(pace: Pace) -> Lane {
    let owned = OwnedLane {
        lane: instance().id,
        epoch: 1,
        down_since: None,
    };
    Lane::new(owned, pace, NOW)
}

/// A planned entry: message `number` of a class to recipient `number % 100`.
fn planned(number: u32, class: Class) -> Planned {
    let mut message = message();
    message.id = Id::new(Uuid::from_u128(u128::from(number)));
    let to = format!("+336123{:05}", number % 100);
    Planned {
        entry: QueueEntry {
            message: message.id,
            class,
            phone: Phone::parse(&to).expect("valid"),
            due_at: NOW + Duration::milliseconds(i64::from(number)) - Duration::HOUR,
            ..entry()
        },
        message,
    }
}

fn key(planned: &Planned) -> QueueKey {
    (planned.entry.message, planned.entry.phone)
}

fn numbers(picked: &[Planned]) -> Vec<u128> {
    let number = |it: &Planned| it.entry.message.uuid().as_u128();
    picked.iter().map(number).collect()
}

/// Calls one after the other, a second apart, until nothing is left.
fn order(lane: &mut Lane, pace: Pace) -> Vec<u128> {
    let mut order = vec![];
    let mut now = NOW;
    loop {
        let picked = lane.pick(pace, 9, now);
        let Some(first) = picked.first() else {
            return order;
        };
        assert_eq!(picked.len(), 1, "one call at a time");
        order.extend(numbers(&picked));
        lane.called(pace.gap, now);
        lane.landed(&key(first));
        now += pace.gap;
    }
}

#[test]
fn singles_go_before_scheduled_before_campaigns_each_in_their_order() {
    let pace = Pace::default();
    let mut lane = lane(pace);
    for it in [
        planned(5, Class::Campaign),
        planned(4, Class::Scheduled),
        planned(2, Class::Single),
        planned(3, Class::Scheduled),
        planned(1, Class::Single),
    ] {
        lane.take_in(it);
    }
    assert_eq!(order(&mut lane, pace), [1, 2, 3, 4, 5]);
}

#[test]
fn a_campaign_gets_one_turn_in_twenty() {
    let pace = Pace::default();
    let mut lane = lane(pace);
    for number in 1..=45 {
        lane.take_in(planned(number, Class::Single));
    }
    for number in 51..=55 {
        lane.take_in(planned(number, Class::Campaign));
    }
    let order = order(&mut lane, pace);
    let turns: Vec<_> = (1..)
        .zip(&order)
        .filter(|(turn, number)| *turn <= 47 && **number > 50)
        .map(|(turn, _)| turn)
        .collect();
    assert_eq!(turns, [20, 40]);
    assert_eq!(order.len(), 50);
}

#[test]
fn one_call_a_second_and_the_next_only_after_the_last() {
    let pace = Pace::default();
    let mut lane = lane(pace);
    lane.take_in(planned(1, Class::Single));
    lane.take_in(planned(2, Class::Single));
    let first = lane.pick(pace, 9, NOW);
    lane.called(pace.gap, NOW);
    assert_eq!(numbers(&first), [1]);
    let later = NOW + Duration::seconds(5);
    assert!(lane.pick(pace, 9, later).is_empty(), "its call is open");
    lane.landed(&key(&first[0]));
    let early = NOW + Duration::milliseconds(999);
    assert!(lane.pick(pace, 9, early).is_empty());
    assert_eq!(lane.next_at(), Some(NOW + Duration::SECOND));
    assert_eq!(numbers(&lane.pick(pace, 9, NOW + Duration::SECOND)), [2]);
}

#[test]
fn without_a_pace_calls_run_side_by_side_but_never_two_to_one_recipient() {
    let mut lane = lane(FREE);
    for number in [1, 101, 2, 102, 3] {
        lane.take_in(planned(number, Class::Single));
    }
    let picked = lane.pick(FREE, 9, NOW);
    assert_eq!(numbers(&picked), [1, 2, 3]);
    assert!(lane.pick(FREE, 9, NOW).is_empty());
    lane.landed(&key(&picked[0]));
    assert_eq!(numbers(&lane.pick(FREE, 9, NOW)), [101]);
}

#[test]
fn a_new_owner_waits_one_gap_and_the_first_does_not() {
    let pace = Pace::default();
    let owned = |epoch| OwnedLane {
        lane: instance().id,
        epoch,
        down_since: None,
    };
    for (epoch, at) in [(1, NOW), (2, NOW + pace.gap)] {
        let mut lane = Lane::new(owned(epoch), pace, NOW);
        lane.take_in(planned(1, Class::Single));
        assert_eq!(lane.next_at(), Some(at), "epoch {epoch}");
    }
}

#[test]
fn what_is_known_is_not_taken_in_twice() {
    let mut lane = lane(FREE);
    assert!(lane.take_in(planned(1, Class::Single)));
    assert!(!lane.take_in(planned(1, Class::Single)));
    let picked = lane.pick(FREE, 9, NOW);
    assert!(!lane.take_in(planned(1, Class::Single)), "it is under way");
    lane.landed(&key(&picked[0]));
    assert!(lane.take_in(planned(1, Class::Single)));
}

#[test]
fn reading_goes_on_where_it_stopped_or_a_little_before_and_starts_over_every_ten_seconds() {
    let pace = Pace::default();
    let mut lane = lane(pace);
    let all = lane.marks(pace, false, NOW);
    assert!(all.iter().all(|mark| mark.after.is_none()));
    assert!(lane.marks(pace, false, NOW).is_empty(), "nobody woke it");
    let last = planned(7, Class::Single);
    let (due, message) = (last.entry.due_at, last.entry.message);
    lane.take_in(last);
    let on = lane.marks(pace, false, NOW);
    assert_eq!(on[0].after, Some((due, message)));
    assert_eq!(on[1].after, None);
    // Something that came in meanwhile may be due before.
    let before = Some((due - OVERLAP, MessageId::new(Uuid::nil())));
    lane.wake();
    for poll in [false, true] {
        assert_eq!(lane.marks(pace, poll, NOW)[0].after, before);
    }
    let again = lane.marks(pace, false, NOW + FULL_LOOK);
    assert!(again.iter().all(|mark| mark.after.is_none()));
}

#[test]
fn a_full_lane_reads_nothing() {
    let pace = Pace::default();
    let mut lane = lane(pace);
    for number in 1..=4 {
        lane.take_in(planned(number, Class::Single));
    }
    lane.wake();
    assert!(lane.marks(pace, true, NOW).is_empty());
}

#[test]
fn a_held_lane_waits_until_its_time_or_until_its_link_changes() {
    let pace = Pace::default();
    let mut lane = lane(pace);
    lane.take_in(planned(1, Class::Single));
    lane.see(&instance());
    let until = NOW + Duration::MINUTE;
    lane.await_link(until);
    assert!(lane.pick(pace, 9, NOW).is_empty());
    lane.see(&instance());
    assert!(lane.is_held(NOW), "the link is as it was");
    lane.see(&Instance {
        reconnecting_since: Some(NOW),
        ..instance()
    });
    assert_eq!(numbers(&lane.pick(pace, 9, NOW)), [1]);
}

#[test]
fn a_lane_that_backs_off_does_so_whatever_its_link_looks_like() {
    let pace = Pace::default();
    let mut lane = lane(pace);
    lane.take_in(planned(1, Class::Single));
    lane.see(&instance());
    let until = NOW + Duration::MINUTE;
    lane.back_off(until);
    lane.await_link(NOW + Duration::SECOND);
    lane.see(&Instance {
        reconnecting_since: Some(NOW),
        ..instance()
    });
    assert!(lane.pick(pace, 9, NOW).is_empty());
    assert_eq!(numbers(&lane.pick(pace, 9, until)), [1]);
}

#[test]
fn a_clock_that_steps_back_does_not_silence_a_lane() {
    let pace = Pace::default();
    let mut lane = lane(pace);
    lane.take_in(planned(1, Class::Single));
    lane.called(pace.gap, NOW + Duration::HOUR);
    assert_eq!(numbers(&lane.pick(pace, 9, NOW)), [1]);
}

#[test]
fn singles_are_given_up_when_their_time_is_over_and_campaigns_are_not() {
    let pace = Pace::default();
    let mut lane = lane(pace);
    let patience = Duration::minutes(15);
    let since = |mut it: Planned, minutes| {
        it.entry.ready_since = Some(NOW - Duration::minutes(minutes));
        it
    };
    lane.take_in(since(planned(1, Class::Single), 60));
    lane.take_in(since(planned(2, Class::Single), 5));
    lane.take_in(since(planned(3, Class::Campaign), 60));
    let down = NOW - Duration::minutes(14);
    assert!(lane.overdue(down, patience, NOW).is_empty());
    let down = NOW - Duration::minutes(15);
    assert_eq!(numbers(&lane.overdue(down, patience, NOW)), [1]);
}

#[test]
fn what_a_lost_link_fails_needs_no_pace() {
    let pace = Pace::default();
    let mut lane = lane(pace);
    for number in 1..=4 {
        lane.take_in(planned(number, Class::Single));
    }
    lane.see(&Instance {
        status: InstanceStatus::Disconnected,
        ..instance()
    });
    assert_eq!(lane.pick(pace, 9, NOW).len(), 4);
}

#[test]
fn what_goes_out_again_is_read_before_what_was_read_since() {
    let mut lane = lane(FREE);
    lane.take_in(planned(1, Class::Single));
    let first = lane.pick(FREE, 1, NOW);
    lane.take_in(planned(2, Class::Single));
    lane.landed(&key(&first[0]));
    lane.start_over();
    assert!(lane.pick(FREE, 9, NOW).is_empty(), "it reads first");
    assert!(
        lane.marks(FREE, false, NOW)
            .iter()
            .all(|mark| mark.after.is_none())
    );
    for number in [2, 1] {
        assert!(lane.take_in(planned(number, Class::Single)));
    }
    let picked = lane.pick(FREE, 9, NOW);
    let order: Vec<_> = picked.iter().map(|it| it.entry.message).collect();
    assert_eq!(order[0], first[0].entry.message);
}
