//! Numbers whose first contacts WhatsApp refuses: new contacts wait, answers go out.

use std::collections::{BTreeMap, HashMap, HashSet};

use msgflash_kernel::StoreError;
use time::{Duration, OffsetDateTime};

use super::ports::{EntryKey, Planned, StartStore};
use crate::instance::standing::Strangers;
use crate::instance::{Instance, InstanceId};

/// After a restriction one new contact gets a message in so long, until somebody was reached.
pub(super) const PROBE_GAP: Duration = Duration::MINUTE;
/// So many of a lane are put off at once.
const AT_ONCE: u32 = 1000;

/// What the brake did.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Braked {
    /// Entries that were put off, read ahead or not.
    pub(super) held: Vec<EntryKey>,
    /// Lanes whose next call to a new contact is a probe.
    pub(super) probes: Vec<InstanceId>,
}

/// Takes out of `going` what new contacts of restricted numbers would get now, and puts it off in
/// the queue, together with whatever else waits for such contacts: otherwise those who wrote first
/// would wait behind them. Costs nothing while no number is restricted.
pub(super) async fn apply(
    starts: &mut dyn StartStore,
    going: &mut Vec<&Planned>,
    instances: &HashMap<InstanceId, Instance>,
    next_probe: impl Fn(InstanceId) -> Option<OffsetDateTime>,
    now: OffsetDateTime,
) -> Result<Braked, StoreError> {
    let strangers = |lane: InstanceId| instances[&lane].standing.strangers(now);
    let asked: Vec<_> = going
        .iter()
        .map(|it| (it.entry.instance, it.entry.phone))
        .filter(|(lane, _)| strangers(*lane) != Strangers::Welcome)
        .collect();
    if asked.is_empty() {
        return Ok(Braked::default());
    }
    let new: HashSet<_> = starts.strangers(&asked).await?.into_iter().collect();
    let mut until: BTreeMap<InstanceId, OffsetDateTime> = BTreeMap::new();
    let mut probes: Vec<EntryKey> = Vec::new();
    going.retain(|it| {
        let lane = it.entry.instance;
        if !new.contains(&(lane, it.entry.phone)) {
            return true;
        }
        let waits = match strangers(lane) {
            Strangers::Welcome => return true,
            Strangers::Wait(until) => Some(until),
            Strangers::Probe => until
                .get(&lane)
                .copied()
                .or_else(|| next_probe(lane).filter(|at| *at > now)),
        };
        until.insert(lane, waits.unwrap_or(now + PROBE_GAP));
        if waits.is_none() {
            probes.push(it.entry.key());
        }
        waits.is_none()
    });
    if until.is_empty() {
        return Ok(Braked::default());
    }
    let until: Vec<_> = until.into_iter().collect();
    let held = starts.hold_strangers(&until, &probes, AT_ONCE).await?;
    let probes = probes.into_iter().map(|(lane, _)| lane).collect();
    Ok(Braked { held, probes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::ports::MockStartStore;
    use crate::instance::Standing;
    use crate::testing::{NOW, entry, instance, message};
    use msgflash_kernel::{Id, Phone};
    use uuid::Uuid;

    fn planned(number: u32) -> Planned {
        let mut entry = entry();
        entry.message = Id::new(Uuid::from_u128(u128::from(number)));
        entry.phone = Phone::parse(&format!("+336123{number:05}")).expect("a number");
        Planned {
            entry,
            message: message(),
        }
    }

    fn number(restricted_until: Option<OffsetDateTime>) -> HashMap<InstanceId, Instance> {
        let standing = Standing {
            restricted_until,
            restrictions: u32::from(restricted_until.is_some()),
            errors_in_row: 0,
        };
        let it = Instance {
            standing,
            ..instance()
        };
        [(it.id, it)].into()
    }

    /// A store in which all but the first of these are strangers, and until when they are held.
    fn store(until: OffsetDateTime, probes: usize) -> MockStartStore {
        let mut starts = MockStartStore::new();
        starts
            .expect_strangers()
            .times(1)
            .returning(|asked| Ok(asked[1..].to_vec()));
        starts
            .expect_hold_strangers()
            .times(1)
            .withf(move |lanes, but, _| *lanes == [(instance().id, until)] && but.len() == probes)
            .returning(|_, _, _| Ok(vec![]));
        starts
    }

    async fn going(
        starts: &mut MockStartStore,
        restricted_until: Option<OffsetDateTime>,
        next_probe: Option<OffsetDateTime>,
    ) -> (Vec<usize>, Braked) {
        let all = [planned(0), planned(1), planned(2)];
        let mut going: Vec<_> = all.iter().collect();
        let instances = number(restricted_until);
        let braked = apply(starts, &mut going, &instances, |_| next_probe, NOW).await;
        let place = |it: &&Planned| all.iter().position(|one| one == *it);
        (
            going.iter().filter_map(place).collect(),
            braked.expect("the store works"),
        )
    }

    #[tokio::test]
    async fn a_number_in_good_standing_asks_nothing() {
        let mut untouched = MockStartStore::new();
        let (going, _) = going(&mut untouched, None, None).await;
        assert_eq!(going, [0, 1, 2]);
    }

    #[tokio::test]
    async fn while_restricted_only_those_who_wrote_first_hear() {
        let until = NOW + Duration::HOUR;
        let (going, braked) = going(&mut store(until, 0), Some(until), None).await;
        assert_eq!((going, braked), (vec![0], Braked::default()));
    }

    #[tokio::test]
    async fn afterwards_one_new_contact_at_a_time_is_a_probe() {
        let mut starts = store(NOW + PROBE_GAP, 1);
        let (first, braked) = going(&mut starts, Some(NOW), None).await;
        assert_eq!((first, braked.probes.len()), (vec![0, 1], 1));
        let next = NOW + Duration::seconds(20);
        let (second, _) = going(&mut store(next, 0), Some(NOW), Some(next)).await;
        assert_eq!(second, [0], "the last probe is under way");
        let (third, _) = going(&mut store(NOW + PROBE_GAP, 1), Some(NOW), Some(NOW)).await;
        assert_eq!(third, [0, 1]);
    }
}
