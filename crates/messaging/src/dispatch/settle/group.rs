//! Outcomes that leave nothing to decide, all of a group with one statement for each table.

use std::collections::{HashMap, HashSet};

use msgflash_kernel::{Event, Id, StoreError};
use msgflash_quotas::Settlement;
use time::OffsetDateTime;

use super::{Failure, Settle, Verdict, known, lost, new_ref, note_sent, settlement, warn_of_taken};
use crate::campaign::Tally;
use crate::campaign::recipient::Skip;
use crate::dispatch::entry::QueueEntry;
use crate::dispatch::ports::EntryKey;
use crate::dispatch::settler::Outcome;
use crate::events;
use crate::message::ports::SettleUnit;
use crate::message::{CampaignId, Message, MessageId, MessageStatus};
use crate::provider::Address;
use crate::safety::Safety;

/// An outcome of the common kind: accepted, with its id and the message at hand.
struct Sent<'a> {
    key: EntryKey,
    attempt: u32,
    key_id: &'a str,
    other: Option<&'a Address>,
    safety: Option<&'a Safety>,
    message: &'a Message,
}

impl<'a> Sent<'a> {
    fn of(outcome: &'a Outcome) -> Option<Self> {
        let Verdict::Sent {
            key_id: Some(key_id),
            other,
        } = &outcome.verdict
        else {
            return None;
        };
        Some(Self {
            key: outcome.key,
            attempt: outcome.attempt,
            key_id,
            other: other.as_ref(),
            safety: outcome.safety.as_ref(),
            message: outcome.message.as_ref()?,
        })
    }
}

/// What a group changes, table by table.
#[derive(Default)]
struct Changes {
    messages: Vec<Message>,
    events: Vec<Event>,
}

impl Settle {
    /// Records those of the outcomes that leave nothing to decide: sent, with everything at hand, or
    /// failed. Answers which were the first for their attempt.
    pub(super) async fn record_plain(
        &self,
        unit: &mut dyn SettleUnit,
        outcomes: &[Outcome],
        now: OffsetDateTime,
    ) -> Result<HashSet<(EntryKey, u32)>, StoreError> {
        let sent: Vec<Sent<'_>> = outcomes.iter().filter_map(Sent::of).collect();
        let failed: HashMap<(EntryKey, u32), Failure> =
            outcomes.iter().filter_map(failure_of).collect();
        let mut changes = Changes::default();
        // Everything of the queue before anything of the ledger, for both kinds.
        let sent = take(unit, &sent).await?;
        let failed = withdraw(unit, &failed).await?;
        let mut first: HashSet<(EntryKey, u32)> = HashSet::new();
        first.extend(sent.iter().map(|(it, _)| (it.key, it.attempt)));
        first.extend(failed.iter().map(|(it, _)| (it.key(), it.attempt)));
        if first.is_empty() {
            return Ok(first);
        }
        let released = failed.iter().filter_map(|(it, _)| settlement(it, 0, 1));
        let charged = sent.iter().filter_map(|(_, it)| settlement(it, 1, 0));
        let settlements: Vec<_> = charged.chain(released).collect();
        if sent.is_empty() {
            charge(unit, &settlements).await?;
        } else {
            let mut lanes: Vec<_> = sent.iter().map(|(_, entry)| entry.instance).collect();
            lanes.sort_unstable_by_key(|lane| lane.uuid());
            lanes.dedup();
            unit.queue().lanes_up(&lanes).await?;
            charge(unit, &settlements).await?;
            let refs = sent.iter().map(|(it, entry)| new_ref(entry, it.key_id));
            let refs: Vec<_> = refs.collect();
            warn_of_taken(&unit.queue().bind_refs(&refs, now).await?);
            let others = sent.iter();
            let others = others.filter_map(|(it, entry)| Some(known(entry, it.other?)));
            let others: Vec<_> = others.collect();
            if !others.is_empty() {
                unit.traces().learn(&others).await?;
            }
        }
        for (it, entry) in &sent {
            let mut message = it.message.clone();
            message.charged_to = entry.period;
            if step(unit, &mut message, now, |it| {
                it.advance(MessageStatus::Sent, now)
            }) {
                note_sent(&mut message, Some(it.key_id), it.safety);
                self.tell(&message, now, &mut changes);
            }
            // It is charged to its month whatever it has become meanwhile.
            changes.messages.push(message);
        }
        let failed: Vec<_> = failed.iter().map(|(it, why)| (it, *why)).collect();
        self.end(unit, &failed, now, &mut changes).await?;
        Ok(first)
    }

    /// Ends messages that did not leave and whose entries the caller holds, and gives their
    /// reservations back.
    pub(crate) async fn fail_all(
        &self,
        unit: &mut dyn SettleUnit,
        failed: &[(&QueueEntry, Failure)],
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        if failed.is_empty() {
            return Ok(());
        }
        let keys: Vec<_> = failed.iter().map(|(it, _)| it.key()).collect();
        unit.queue().remove(&keys).await?;
        let released = failed.iter().filter_map(|(it, _)| settlement(it, 0, 1));
        charge(unit, &released.collect::<Vec<_>>()).await?;
        self.end(unit, failed, now, &mut Changes::default()).await
    }

    /// Writes `changes`, and with them the end of messages whose entries are gone.
    async fn end(
        &self,
        unit: &mut dyn SettleUnit,
        failed: &[(&QueueEntry, Failure)],
        now: OffsetDateTime,
        changes: &mut Changes,
    ) -> Result<(), StoreError> {
        if !failed.is_empty() {
            let why: HashMap<MessageId, Failure> =
                failed.iter().map(|(it, why)| (it.message, *why)).collect();
            let keys = failed.iter().map(|(it, _)| (it.workspace, it.message));
            let keys: Vec<_> = keys.collect();
            let mut left_out: HashMap<CampaignId, Vec<MessageId>> = HashMap::new();
            for mut message in unit.messages().lock(&keys).await? {
                let why = why[&message.id];
                // Nobody was promised anything: the recipient of a campaign is left out.
                if let (Some(campaign), Failure::OPTED_OUT) = (message.campaign, why) {
                    left_out.entry(campaign).or_default().push(message.id);
                    continue;
                }
                if step(unit, &mut message, now, |it| {
                    it.fail(why.reason, why.code, now)
                }) {
                    self.tell(&message, now, changes);
                    changes.messages.push(message);
                }
            }
            for (campaign, messages) in left_out {
                let tallies = unit.tallies();
                tallies
                    .leave_out(campaign, &messages, Skip::OptedOut)
                    .await?;
                tallies.tally(campaign, Tally::leave_out(messages.len() as u64), now);
            }
        }
        let lost: Vec<_> = failed
            .iter()
            .filter_map(|(it, why)| lost(it, *why))
            .collect();
        if !lost.is_empty() {
            unit.traces().lose(&lost).await?;
        }
        if !changes.messages.is_empty() {
            unit.messages().update(&changes.messages).await?;
        }
        if !changes.events.is_empty() {
            unit.outbox().append(&changes.events).await?;
        }
        Ok(())
    }

    fn tell(&self, message: &Message, now: OffsetDateTime, changes: &mut Changes) {
        let id = Id::new(self.ids.next());
        changes
            .events
            .extend(events::message_changed(id, message, now));
    }
}

/// Moves a message on, and counts that for its campaign; answers whether it moved.
pub(super) fn step(
    unit: &mut dyn SettleUnit,
    message: &mut Message,
    now: OffsetDateTime,
    advance: impl FnOnce(&mut Message) -> bool,
) -> bool {
    let from = message.status;
    let moves = advance(message);
    if let (true, Some(campaign)) = (moves, message.campaign) {
        let change = Tally::step(from, message.status);
        unit.tallies().tally(campaign, change, now);
    }
    moves
}

/// Takes the entries of calls that went through off the queue.
async fn take<'a, 'b>(
    unit: &mut dyn SettleUnit,
    sent: &'b [Sent<'a>],
) -> Result<Vec<(&'b Sent<'a>, QueueEntry)>, StoreError> {
    if sent.is_empty() {
        return Ok(Vec::new());
    }
    let attempts: Vec<_> = sent.iter().map(|it| (it.key, it.attempt)).collect();
    let taken = unit.queue().take(&attempts).await?;
    let mut taken: HashMap<EntryKey, QueueEntry> =
        taken.into_iter().map(|it| (it.key(), it)).collect();
    let ours = sent.iter();
    let ours = ours.filter_map(|it| Some((it, taken.remove(&it.key)?)));
    Ok(ours.collect())
}

/// Takes the entries of messages that will never be sent off the queue.
async fn withdraw(
    unit: &mut dyn SettleUnit,
    failed: &HashMap<(EntryKey, u32), Failure>,
) -> Result<Vec<(QueueEntry, Failure)>, StoreError> {
    if failed.is_empty() {
        return Ok(Vec::new());
    }
    let attempts: Vec<_> = failed.keys().copied().collect();
    let gone = unit.queue().withdraw(&attempts).await?;
    let ours = gone.into_iter().filter_map(|it| {
        let why = *failed.get(&(it.key(), it.attempt))?;
        Some((it, why))
    });
    Ok(ours.collect())
}

async fn charge(unit: &mut dyn SettleUnit, settlements: &[Settlement]) -> Result<(), StoreError> {
    if settlements.is_empty() {
        return Ok(());
    }
    unit.ledger().settle(settlements).await
}

/// Whether an outcome leaves nothing to decide.
pub(super) fn is_plain(outcome: &Outcome) -> bool {
    failure_of(outcome).is_some() || Sent::of(outcome).is_some()
}

fn failure_of(outcome: &Outcome) -> Option<((EntryKey, u32), Failure)> {
    match outcome.verdict {
        Verdict::Failed(failure) => Some(((outcome.key, outcome.attempt), failure)),
        _ => None,
    }
}
