//! Asking what the gateway knows: numbers, stored messages, stored receipts.

use std::collections::HashSet;

use msgflash_kernel::Phone;
use msgflash_messaging::provider::{
    Address, FoundSent, NumberCheck, ProviderError, ReceiptRank, SentRecord,
};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tracing::debug;

use crate::client::{Answer, EvolutionClient};
use crate::number::{STATUSES, address_of, jid_of, spellings};
use crate::session::{done, odd};
use crate::verdict::of_call;
use crate::wire::record;
use crate::wire::refusal::Refusal;

/// How many pages of stored messages are read: more than a person can be sent in some minutes.
const MOST_PAGES: u64 = 20;

impl EvolutionClient {
    /// Asks about numbers. One the gateway does not answer for is left out.
    pub(crate) async fn ask_numbers(
        &self,
        session: &str,
        numbers: &[Phone],
    ) -> Result<Vec<NumberCheck>, ProviderError> {
        // Long lists at once, from however many requests, get a number restricted.
        let (_alone, _) = self.turn(session).await?;
        let told = self.ask_entries(session, numbers).await?;
        let found = told.into_iter().filter_map(|(asked, entry)| {
            let address = if entry["exists"].as_bool()? {
                Some(address_of(entry["jid"].as_str()?))
            } else {
                None
            };
            Some(NumberCheck { asked, address })
        });
        Ok(found.collect())
    }

    /// What the gateway says of each number, in the order asked.
    async fn ask_entries(
        &self,
        session: &str,
        numbers: &[Phone],
    ) -> Result<Vec<(String, Value)>, ProviderError> {
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        let asked: Vec<_> = numbers.iter().map(|number| number.digits()).collect();
        let body = json!({ "numbers": asked });
        let answer = self
            .ask(&["chat", "whatsappNumbers", session], &body)
            .await?;
        if is_without_socket(&answer) {
            return Err(ProviderError::Unavailable);
        }
        let body = done(answer)?;
        let entries = body.as_array().ok_or_else(|| odd(&body))?;
        // The order of the answer is not the order of the question.
        let found = asked.into_iter().filter_map(|asked| {
            let mut entries = entries.iter();
            let entry = entries.find(|entry| entry["number"] == asked.as_str())?;
            Some((asked, entry.clone()))
        });
        Ok(found.collect())
    }

    /// Messages to a number, oldest first, whatever address they went to: every known spelling, and
    /// those that WhatsApp tells when it is asked. While it does not tell, the look is not whole.
    pub(crate) async fn stored_to(
        &self,
        session: &str,
        to: Phone,
        from: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<FoundSent, ProviderError> {
        // The gateway counts in whole seconds and cuts ours down to them.
        let from = from.replace_nanosecond(0).unwrap_or(from);
        let mut addresses: Vec<Address> = spellings(to).into_iter().map(Address::Phone).collect();
        let told = match self.ask_entries(session, &[to]).await {
            Ok(told) => told.into_iter().next().map(|(_, entry)| entry),
            Err(cause) => {
                debug!(%cause, "the addresses of a number are not known");
                None
            }
        };
        let mut is_whole = told.is_some();
        for name in ["jid", "lid"] {
            let address = told.as_ref().and_then(|it| it[name].as_str());
            match address.map(address_of) {
                Some(address) if !addresses.contains(&address) => addresses.push(address),
                _ => {}
            }
        }
        let mut records = Vec::new();
        for jid in addresses.iter().filter_map(jid_of) {
            let filter = sent_between(&jid, from, until)?;
            let (found, all) = self.stored_messages(session, &filter).await?;
            records.extend(sent_of(&found));
            is_whole &= all;
        }
        // Not every release keeps to the filter.
        records.retain(|record| {
            let is_theirs = match &record.address {
                address @ Address::Phone(_) => addresses.contains(address),
                Address::Lid(_) => true,
                Address::Other => false,
            };
            is_theirs && (from..=until).contains(&record.at)
        });
        Ok(FoundSent {
            records: in_order(records),
            is_whole,
        })
    }

    /// Statuses of ours, oldest first.
    pub(crate) async fn stored_statuses(
        &self,
        session: &str,
        from: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<FoundSent, ProviderError> {
        let from = from.replace_nanosecond(0).unwrap_or(from);
        let filter = sent_between(STATUSES, from, until)?;
        let (mut found, is_whole) = self.stored_messages(session, &filter).await?;
        // Not every release keeps to the filter, and groups have no address here either.
        found.retain(|message| message["key"]["remoteJid"] == STATUSES);
        let mut records: Vec<_> = sent_of(&found).collect();
        records.retain(|record| (from..=until).contains(&record.at));
        Ok(FoundSent {
            records: in_order(records),
            is_whole,
        })
    }

    pub(crate) async fn stored_under(
        &self,
        session: &str,
        key_id: &str,
    ) -> Result<Option<SentRecord>, ProviderError> {
        let filter = json!({ "key": { "id": key_id } });
        let (found, _) = self.stored_messages(session, &filter).await?;
        Ok(sent_of(&found).find(|record| record.key_id == key_id))
    }

    pub(crate) async fn stored_receipts(
        &self,
        session: &str,
        key_id: &str,
    ) -> Result<Option<ReceiptRank>, ProviderError> {
        let body = json!({ "where": { "id": key_id } });
        let body = done(
            self.ask(&["chat", "findStatusMessage", session], &body)
                .await?,
        )?;
        let receipts = body.as_array().ok_or_else(|| odd(&body))?;
        let ours: Vec<_> = receipts
            .iter()
            .filter(|receipt| receipt["keyId"] == key_id)
            .cloned()
            .collect();
        Ok(record::furthest(&ours))
    }

    /// Messages under a filter, page by page, and whether all pages were read.
    async fn stored_messages(
        &self,
        session: &str,
        filter: &Value,
    ) -> Result<(Vec<Value>, bool), ProviderError> {
        let path = ["chat", "findMessages", session];
        let mut found = Vec::new();
        for page in 1..=MOST_PAGES {
            let body = json!({ "where": filter, "page": page });
            let answer = done(self.ask(&path, &body).await?)?;
            let messages = &answer["messages"];
            let records = messages["records"].as_array().ok_or_else(|| odd(&answer))?;
            found.extend(records.iter().cloned());
            if records.is_empty() || page >= messages["pages"].as_u64().unwrap_or(1) {
                return Ok((found, true));
            }
        }
        Ok((found, false))
    }
}

/// What was sent to an address between two moments.
fn sent_between(
    jid: &str,
    from: OffsetDateTime,
    until: OffsetDateTime,
) -> Result<Value, ProviderError> {
    Ok(json!({
        "key": { "remoteJid": jid, "fromMe": true },
        "messageTimestamp": { "gte": instant(from)?, "lte": instant(until)? },
    }))
}

/// Those of some stored messages that are ours.
fn sent_of(messages: &[Value]) -> impl Iterator<Item = SentRecord> {
    messages.iter().filter_map(record::sent)
}

/// Each once, oldest first.
fn in_order(mut records: Vec<SentRecord>) -> Vec<SentRecord> {
    let mut seen = HashSet::new();
    records.retain(|record| seen.insert(record.key_id.clone()));
    records.sort_by_key(|record| record.at);
    records
}

/// The number check answers 400 with `{}`, or with the raw error, when there is no socket.
fn is_without_socket(answer: &Answer) -> bool {
    let is_empty = answer
        .body
        .as_ref()
        .and_then(Value::as_object)
        .is_some_and(serde_json::Map::is_empty);
    answer.status == 400
        && (is_empty || Refusal::of(answer.body.as_ref()).is_dead_socket())
        && !matches!(of_call(answer), ProviderError::LicenceRequired)
}

fn instant(at: OffsetDateTime) -> Result<String, ProviderError> {
    at.to_offset(time::UtcOffset::UTC)
        .format(&Rfc3339)
        .map_err(|_| ProviderError::Failed("a time that cannot be written".into()))
}
