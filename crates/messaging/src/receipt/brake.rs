//! Receipts that say that WhatsApp restricts a number: its new contacts wait from then on.

use std::collections::BTreeMap;

use msgflash_kernel::{Event, Id, Ids, StoreError};
use time::{Duration, OffsetDateTime};

use super::ports::ReceiptStore;
use crate::events;
use crate::instance::InstanceId;
use crate::instance::standing::Echoed;

/// Why new contacts of a number wait.
const REASON: &str = "WhatsApp refused messages to new contacts";

/// Brings the standings of numbers up to date with what receipts said of them, in the order they
/// came. Answers the numbers whose restriction began and what to tell of it: exactly one event for
/// each workspace and restriction, because the rows are locked.
pub(super) async fn apply(
    receipts: &mut dyn ReceiptStore,
    said: &BTreeMap<InstanceId, Vec<Echoed>>,
    restriction: Duration,
    now: OffsetDateTime,
    ids: &dyn Ids,
) -> Result<(Vec<InstanceId>, Vec<Event>), StoreError> {
    let (refused, reached): (Vec<_>, Vec<_>) = said
        .iter()
        .partition(|(_, said)| said.contains(&Echoed::Refused));
    let names = |of: Vec<(&InstanceId, _)>| of.into_iter().map(|(id, _)| *id).collect::<Vec<_>>();
    let known = receipts.standings(&names(refused), &names(reached)).await?;
    let (mut changed, mut restricted) = (Vec::new(), Vec::new());
    for mut instance in known {
        let before = instance.standing;
        let mut begins = false;
        for echoed in said.get(&instance.id).into_iter().flatten() {
            begins |= instance.standing.follow(*echoed, restriction, now);
        }
        if begins {
            restricted.push(instance.clone());
        }
        if instance.standing != before {
            changed.push(instance);
        }
    }
    if !changed.is_empty() {
        receipts.set_standings(&changed).await?;
    }
    if restricted.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let mut accounts: Vec<_> = restricted.iter().map(|it| it.account).collect();
    accounts.sort_unstable();
    accounts.dedup();
    let served = receipts.workspaces_of(&accounts).await?;
    let mut told = Vec::new();
    for instance in &restricted {
        for (_, workspace) in served.iter().filter(|(it, _)| *it == instance.account) {
            let id = Id::new(ids.next());
            let event = events::instance_restricted(id, *workspace, instance, REASON, now);
            told.push(event);
        }
    }
    Ok((restricted.iter().map(|it| it.id).collect(), told))
}
