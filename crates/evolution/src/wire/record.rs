//! Messages as the gateway stores, answers and announces them: one object, read in one place.

use msgflash_messaging::provider::{Accepted, ReceiptRank, SentRecord};
use serde_json::Value;
use time::OffsetDateTime;

use crate::echo::echo_of;
use crate::number::address_of;

/// Reads the answer of a send; `None` without an id.
pub(crate) fn accepted(body: &Value) -> Option<Accepted> {
    let key_id = key_id(body)?;
    let address = body["key"]["remoteJid"].as_str().map(address_of);
    Some(Accepted {
        key_id: Some(key_id),
        address,
    })
}

/// Reads one of our own messages; `None` when it is not ours or says too little to be recognised.
pub(crate) fn sent(record: &Value) -> Option<SentRecord> {
    let key = &record["key"];
    if key["fromMe"] != Value::Bool(true) {
        return None;
    }
    let receipts = record["MessageUpdate"].as_array();
    Some(SentRecord {
        key_id: key_id(record)?,
        address: address_of(key["remoteJid"].as_str()?),
        echo: echo_of(&record["message"])?,
        at: moment(&record["messageTimestamp"])?,
        receipt: receipts.and_then(|list| furthest(list)),
    })
}

/// The furthest of some stored receipts.
pub(crate) fn furthest(receipts: &[Value]) -> Option<ReceiptRank> {
    receipts
        .iter()
        .filter_map(|receipt| rank(&receipt["status"]))
        .max()
}

/// Reads a status; `None` for words that are none. Older gateways give its number.
pub(crate) fn rank(status: &Value) -> Option<ReceiptRank> {
    let word = match status {
        Value::String(word) => word.as_str(),
        Value::Number(number) => match number.as_u64()? {
            0 => "ERROR",
            1 => "PENDING",
            2 => "SERVER_ACK",
            3 => "DELIVERY_ACK",
            4 => "READ",
            5 => "PLAYED",
            _ => return None,
        },
        _ => return None,
    };
    match word {
        "PENDING" | "SERVER_ACK" => Some(ReceiptRank::Nothing),
        "ERROR" => Some(ReceiptRank::Error),
        "DELIVERY_ACK" => Some(ReceiptRank::Delivered),
        "READ" | "PLAYED" => Some(ReceiptRank::Read),
        _ => None,
    }
}

pub(crate) fn is_id(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_graphic())
}

/// The id in a message's key. WhatsApp's are hexadecimal; anything that could not be stored or looked
/// for is none.
pub(crate) fn key_id(record: &Value) -> Option<String> {
    record["key"]["id"]
        .as_str()
        .filter(|id| is_id(id))
        .map(str::to_owned)
}

/// Whole seconds, as a number, a text, or the halves of a 64-bit number.
fn moment(value: &Value) -> Option<OffsetDateTime> {
    let seconds = match value {
        Value::String(text) => text.parse().ok()?,
        Value::Object(halves) => {
            let (low, high) = (halves.get("low")?.as_i64()?, halves.get("high")?.as_i64()?);
            // JavaScript shows the lower half as a signed number.
            high.checked_mul(1 << 32)?.checked_add(low & 0xffff_ffff)?
        }
        other => other.as_i64()?,
    };
    OffsetDateTime::from_unix_timestamp(seconds).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_a_moment_in_every_dress() {
        let at = OffsetDateTime::from_unix_timestamp(1_795_255_959).ok();
        for dress in [
            json!(1_795_255_959),
            json!("1795255959"),
            json!({ "low": 1_795_255_959, "high": 0, "unsigned": true }),
        ] {
            assert_eq!(moment(&dress), at, "{dress}");
        }
        for nonsense in [
            json!(i64::MAX),
            json!({ "low": 0, "high": i64::MAX }),
            json!(null),
            json!("x"),
        ] {
            assert_eq!(moment(&nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn an_error_counts_only_when_nothing_higher_came() {
        let of = |words: &[&str]| {
            furthest(
                &words
                    .iter()
                    .map(|word| json!({ "status": word }))
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(
            of(&["READ", "ERROR", "SERVER_ACK"]),
            Some(ReceiptRank::Read)
        );
        assert_eq!(of(&["SERVER_ACK", "ERROR"]), Some(ReceiptRank::Error));
        assert_eq!(of(&["DELETED"]), None);
        assert_eq!(of(&[]), None);
    }
}
