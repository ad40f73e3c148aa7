//! Who of a group is admitted: purely, in the order of arrival.

use std::collections::HashMap;

use msgflash_kernel::{ReplayKey, StoredAnswer};
use msgflash_quotas::QuotaError;
use time::OffsetDateTime;

use super::Application;
use crate::error::MessagingError;
use crate::message::ports::{Facts, Held, Name, name};

/// What is done with one application.
#[derive(Debug)]
pub enum Decision {
    /// It is recorded.
    Admit,
    /// It was recorded by a commit that nobody had confirmed.
    Done,
    /// Its request was answered before.
    Replay(StoredAnswer),
    /// An equal request of this group, at this place, is admitted and answers for it.
    Join(usize),
    /// It is refused.
    Refuse(MessagingError),
}

/// What limits the reservations of one account and month while its row is held.
struct Balance {
    /// Reserved and not released, by this group too.
    taken: u64,
}

/// Decides about a group whose usage rows are held.
pub fn decide(
    group: &[&Application],
    held: &[Held],
    facts: &Facts,
    now: OffsetDateTime,
) -> Vec<Decision> {
    let mut balances: HashMap<_, Balance> = held
        .iter()
        .map(|row| {
            let taken = row.reserved_total.saturating_sub(row.released);
            ((row.account, row.period), Balance { taken })
        })
        .collect();
    let mut admitted: HashMap<Name<'_>, (usize, &ReplayKey)> = HashMap::new();
    group
        .iter()
        .enumerate()
        .map(|(place, it)| {
            let decision = repeated(it, facts, &admitted).unwrap_or_else(|| {
                let balance = balances.get_mut(&it.row());
                match balance.map_or(Ok(()), |balance| admit(it, balance, facts, now)) {
                    Ok(()) => Decision::Admit,
                    Err(refusal) => Decision::Refuse(refusal),
                }
            });
            if let (Decision::Admit, Some((key, _))) = (&decision, &it.once) {
                admitted.insert(name(key), (place, key));
            }
            decision
        })
        .collect()
}

/// What an earlier request with the same key, or an unconfirmed commit, means for this one.
fn repeated(
    it: &Application,
    facts: &Facts,
    admitted: &HashMap<Name<'_>, (usize, &ReplayKey)>,
) -> Option<Decision> {
    if facts.recorded.contains(&it.message.id) {
        return Some(Decision::Done);
    }
    if let Err(refusal) = facts.require_open(it) {
        // Before anything else, as for every other request of theirs.
        return Some(Decision::Refuse(refusal));
    }
    let (key, _) = it.once.as_ref()?;
    if let Some((request, answer)) = facts.answers.get(&name(key)) {
        return Some(if *request == key.request {
            Decision::Replay(answer.clone())
        } else {
            Decision::Refuse(MessagingError::ReplayMismatch)
        });
    }
    let (place, first) = admitted.get(&name(key))?;
    Some(if first.request == key.request {
        Decision::Join(*place)
    } else {
        Decision::Refuse(MessagingError::ReplayMismatch)
    })
}

fn admit(
    it: &Application,
    balance: &mut Balance,
    facts: &Facts,
    now: OffsetDateTime,
) -> Result<(), MessagingError> {
    let standing = facts.standing_of(it);
    if !standing.usable {
        return Err(MessagingError::NoSubscription);
    }
    match facts.instances.get(&it.message.instance) {
        Some((account, is_suspended)) if *account == it.account() => {
            if *is_suspended {
                return Err(MessagingError::Suspended);
            }
        }
        _ => return Err(MessagingError::NoInstance(it.message.instance)),
    }
    let recipient = (it.message.workspace.id, it.entry.phone);
    if !it.entry.ignores_suppression && facts.suppressed.contains(&recipient) {
        return Err(MessagingError::OptedOut);
    }
    let has_room = standing
        .outbound_limit
        .is_none_or(|limit| balance.taken < u64::from(limit));
    if !has_room {
        let (_, period) = it.row();
        return Err(QuotaError::Outbound(period.time_left(now)).into());
    }
    // A message for later reserves when it is due.
    balance.taken += u64::from(it.entry.period.is_some());
    Ok(())
}
