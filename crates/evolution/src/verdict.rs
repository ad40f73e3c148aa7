//! What an answer proves.
//!
//! A send is judged by the gateway's text, not by its status: "connection closed" is 400 or 500
//! depending on a cache. The rule behind the table: an outcome that is not proven is unknown.

use msgflash_messaging::instance::signs::Sign;
use msgflash_messaging::provider::{Accepted, ProviderError, SendFailure};

use crate::client::{Answer, Lost};
use crate::wire::record;
use crate::wire::refusal::Refusal;

/// Names that a crash mentions when the session is not in the gateway's memory, or has had no
/// socket since the gateway started. All are touched before anything is sent.
const UNTOUCHED: [&str; 11] = [
    "textMessage",
    "mediaMessage",
    "audioWhatsapp",
    "locationMessage",
    "contactMessage",
    "buttonMessage",
    "statusMessage",
    "onWhatsApp",
    "waUploadToServer",
    "sendMessage",
    "relayMessage",
];

/// Judges the answer of a send.
pub(crate) fn of_send(answer: &Answer, is_media: bool) -> Result<Accepted, SendFailure> {
    if (200..300).contains(&answer.status) {
        let accepted = answer.body.as_ref().and_then(record::accepted);
        return accepted
            .ok_or_else(|| SendFailure::Unknown(format!("{} without an id", answer.status)));
    }
    let refusal = Refusal::of(answer.body.as_ref());
    let log = refusal.for_log(answer.status);
    Err(match answer.status {
        _ if refusal == Refusal::Licence => SendFailure::GatewayDown(log),
        404 if refusal.is_unknown_session() => SendFailure::NotConnected(log),
        // Our key is the global one: refused, no session can send. A redirect (but 303), an
        // unknown route and a throttling proxy mean that somebody else answered.
        301 | 302 | 307 | 308 | 401 | 403..=405 | 429 | 503 => SendFailure::GatewayDown(log),
        413..=415 | 422 => SendFailure::Refused(log),
        400 => return of_bad_request(&refusal, log),
        500 => of_server_error(&refusal, is_media, log),
        _ => SendFailure::Unknown(log),
    })
}

/// 400 is both "your request is wrong" and "something failed while sending", even after.
fn of_bad_request(refusal: &Refusal, log: String) -> Result<Accepted, SendFailure> {
    let text = refusal.text().to_lowercase();
    Err(match refusal {
        Refusal::NoWhatsApp => SendFailure::NoWhatsApp,
        Refusal::Schema(_) => SendFailure::Refused(log),
        // The message left; storing it failed.
        _ if is_about_the_database(&text) => {
            return Ok(Accepted {
                key_id: None,
                address: None,
            });
        }
        _ if refusal.is_dead_socket() || is_untouched(refusal.text()) => {
            SendFailure::NotConnected(log)
        }
        _ if text.contains("media upload failed") => SendFailure::Transient(log),
        Refusal::Text(text) if !names_an_error(text) && !text.is_empty() => {
            SendFailure::Refused(log)
        }
        _ => SendFailure::Unknown(log),
    })
}

/// 500 comes from before the send; only texts we know are taken as proof of that.
fn of_server_error(refusal: &Refusal, is_media: bool, log: String) -> SendFailure {
    let text = refusal.text().to_lowercase();
    if refusal.is_dead_socket() || text.contains("timed out") || is_untouched(refusal.text()) {
        SendFailure::NotConnected(log)
    } else if text.is_empty() || is_about_the_database(&text) {
        SendFailure::Unknown(log)
    } else if is_media || text.contains("media upload failed") {
        // Files are fetched, encoded and uploaded first of all.
        SendFailure::Transient(log)
    } else {
        SendFailure::Unknown(log)
    }
}

/// Judges a send without answer.
pub(crate) fn of_lost_send(lost: Lost) -> SendFailure {
    match lost {
        Lost::NeverSent(cause) => SendFailure::GatewayDown(cause),
        Lost::TimedOut => SendFailure::Unknown("no answer in time".into()),
        Lost::Broken(cause) => SendFailure::Unknown(cause),
    }
}

/// Judges any other call that was not answered as it should.
pub(crate) fn of_call(answer: &Answer) -> ProviderError {
    let refusal = Refusal::of(answer.body.as_ref());
    match answer.status {
        _ if refusal == Refusal::Licence => ProviderError::LicenceRequired,
        401 => ProviderError::Unauthorized,
        403 if refusal.text().contains("already in use") => ProviderError::NameTaken,
        404 if refusal.is_unknown_session() => ProviderError::UnknownSession,
        429 | 502..=504 => ProviderError::Unavailable,
        _ => ProviderError::Failed(refusal.for_log(answer.status)),
    }
}

/// What an answer says about the gateway or the session, whatever was asked under `path`.
pub(crate) fn sign_of(path: &[&str], answer: &Answer) -> Option<Sign> {
    let is_send = path.first() == Some(&"message");
    if answer.status < 400 {
        return is_send.then_some(Sign::Sent);
    }
    let refusal = Refusal::of(answer.body.as_ref());
    match answer.status {
        _ if refusal == Refusal::Licence => Some(Sign::LicenceRequired),
        401 => Some(Sign::KeyRefused),
        404 if refusal.is_unknown_session() => Some(Sign::UnknownSession),
        _ if is_send && refusal.is_dead_socket() => Some(Sign::DeadSocket),
        _ => None,
    }
}

impl From<Lost> for ProviderError {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::TimedOut => Self::Timeout,
            Lost::NeverSent(_) | Lost::Broken(_) => Self::Unavailable,
        }
    }
}

pub(crate) fn is_about_the_database(lower: &str) -> bool {
    ["prisma", "database server", "` invocation"]
        .iter()
        .any(|word| lower.contains(word))
}

fn is_untouched(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("Cannot read properties of undefined (reading '") else {
        return false;
    };
    UNTOUCHED.iter().any(|name| {
        rest.strip_prefix(name)
            .is_some_and(|end| end.starts_with("')"))
    })
}

/// Whether a text is an exception made into text (`Error: …`, `TypeError: …`, or just `Error`),
/// as opposed to a sentence of the gateway.
fn names_an_error(text: &str) -> bool {
    let word = text.split([':', ' ', '\n']).next().unwrap_or_default();
    word.ends_with("Error") || word.ends_with("Exception")
}

#[cfg(test)]
mod tests;
