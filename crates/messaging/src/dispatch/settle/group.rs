//! Outcomes of the common kind, all of a group with one statement for each table.

use std::collections::{HashMap, HashSet};

use msgflash_kernel::{Id, StoreError};
use time::OffsetDateTime;

use super::{Settle, Verdict, known, new_ref, note_sent, settlement, warn_of_taken};
use crate::dispatch::entry::QueueEntry;
use crate::dispatch::ports::EntryKey;
use crate::dispatch::settler::Outcome;
use crate::events;
use crate::message::ports::SettleUnit;
use crate::message::{Message, MessageStatus};
use crate::provider::Address;
use crate::safety::Safety;

/// An outcome of the common kind: accepted, with its id and the message at hand.
pub(super) struct Sent<'a> {
    key: EntryKey,
    attempt: u32,
    key_id: &'a str,
    other: Option<&'a Address>,
    safety: Option<&'a Safety>,
    message: &'a Message,
}

impl<'a> Sent<'a> {
    pub(super) fn of(outcome: &'a Outcome) -> Option<Self> {
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

impl Settle {
    pub(super) async fn sent_all(
        &self,
        unit: &mut dyn SettleUnit,
        sent: &[Sent<'_>],
        now: OffsetDateTime,
    ) -> Result<HashSet<(EntryKey, u32)>, StoreError> {
        if sent.is_empty() {
            return Ok(HashSet::new());
        }
        let attempts: Vec<_> = sent.iter().map(|it| (it.key, it.attempt)).collect();
        let taken: HashMap<EntryKey, QueueEntry> = unit
            .queue()
            .take(&attempts)
            .await?
            .into_iter()
            .map(|entry| (entry.key(), entry))
            .collect();
        let ours: Vec<(&Sent<'_>, &QueueEntry)> = sent
            .iter()
            .filter_map(|it| Some((it, taken.get(&it.key)?)))
            .collect();
        if ours.is_empty() {
            return Ok(HashSet::new());
        }
        let mut lanes: Vec<_> = ours.iter().map(|(_, entry)| entry.instance).collect();
        lanes.sort_unstable_by_key(|lane| lane.uuid());
        lanes.dedup();
        unit.queue().lanes_up(&lanes).await?;
        let settlements: Vec<_> = ours
            .iter()
            .filter_map(|(_, entry)| settlement(entry, 1, 0))
            .collect();
        unit.ledger().settle(&settlements).await?;
        let refs: Vec<_> = ours
            .iter()
            .map(|(it, entry)| new_ref(entry, it.key_id))
            .collect();
        warn_of_taken(&unit.queue().bind_refs(&refs, now).await?);
        let others = ours
            .iter()
            .filter_map(|(it, entry)| Some(known(entry, it.other?)));
        let others: Vec<_> = others.collect();
        if !others.is_empty() {
            unit.traces().learn(&others).await?;
        }
        let mut messages = Vec::with_capacity(ours.len());
        let mut events = Vec::with_capacity(ours.len());
        for (it, _) in &ours {
            let mut message = it.message.clone();
            if message.advance(MessageStatus::Sent, now) {
                note_sent(&mut message, Some(it.key_id), it.safety);
                let id = Id::new(self.ids.next());
                events.extend(events::message_changed(id, &message, now));
                messages.push(message);
            }
        }
        unit.messages().update(&messages).await?;
        unit.outbox().append(&events).await?;
        Ok(ours.iter().map(|(it, _)| (it.key, it.attempt)).collect())
    }
}
