//! Failures on demand: their names, and which of them wait to happen.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};

use crate::{jid, lock};

/// Everything that can be made to go wrong, by the name the control API uses.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// 400 `Error: Timed Out` after 60 s; nothing was sent.
    SendTimeout,
    /// The same answer, but the message left, can be found by query and is acknowledged.
    SendTimeoutButSent,
    /// The send never answers and nothing leaves.
    NeverAnswer,
    /// The send never answers, yet `SEND_MESSAGE` and the acks come.
    NeverAnswerButSent,
    /// The message leaves and is acknowledged; the answer, 201, comes after 60 s.
    AnswerLate,
    /// The answer comes twice, one right behind the other, and the connection ends.
    AnswerTwice,
    /// The connection is cut before an answer; nothing leaves.
    CutConnection,
    /// The connection is cut before an answer, yet the message left.
    CutConnectionButSent,
    /// 201 with what is no answer, another each time; nothing leaves.
    Garbage,
    /// The same, yet the message left.
    GarbageButSent,
    /// `Connection Closed`: 400 for a number the gateway knows, 500 for another.
    ConnectionClosed,
    /// 400 `Error: Media upload failed on all hosts`.
    MediaUploadFailed,
    /// The message left, then saving it failed: 400 with a database text, no `SEND_MESSAGE`.
    DatabaseError,
    /// Acks reach the receiver before the HTTP answer.
    AckBeforeAnswer,
    /// Acks reach the receiver before `SEND_MESSAGE`.
    AckBeforeSendMessage,
    /// READ, then `SERVER_ACK`, then `DELIVERY_ACK`, each also twice.
    AcksDisordered,
    /// Every ack twice.
    AcksDuplicated,
    /// READ without a `DELIVERY_ACK`.
    ReadWithoutDelivery,
    /// A `SERVER_ACK` after READ.
    ServerAckAfterRead,
    /// `WhatsApp` refuses the message afterwards (463): one ERROR ack.
    ErrorAck,
    /// ERROR acks for everybody who never wrote and was never written to.
    ErrorAckNewContacts,
    /// No ack ever.
    NoAcks,
    /// Delivered, never read.
    NoRead,
    /// The acks carry an `@lid` address.
    LidAcks,
    /// Read and answered; the answer is announced twice under one id.
    RepliesTwice,
    /// Read and answered with a quote of the message.
    RepliesQuoting,
    /// Read and answered with a press of the first button.
    RepliesByButton,
    /// Read and answered with a voice note.
    RepliesByVoice,
    /// Read and answered from an opaque address, the number beside it.
    RepliesByLid,
    /// Read and answered from an opaque address alone.
    RepliesByLidOnly,
    /// 201, then silence, for buttons and lists also where they would be delivered.
    ButtonsSilent,
    /// The number has no `WhatsApp`.
    NoWhatsapp,
    /// The number exists under another address.
    OtherJid,
    /// Delete answers 400 `[object Object]` and the instance stays.
    DeleteFails,
    /// The name stays taken for a while after a delete.
    DeleteLingers,
    /// Create loses a race: 400 with a database text, and the clean-up removes the winner.
    CreateRace,
    /// 401 for a key that was good.
    Unauthorized,
    /// 404 for an instance that was there.
    InstanceGone,
    /// 500 `Cannot read properties of undefined (reading 'textMessage')` and its like.
    NotLoaded,
    /// 503 `LICENSE_REQUIRED`.
    LicenseRequired,
}

/// The moment a failure applies. One request meets at most one of each.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Phase {
    Guard,
    Check,
    Send,
    Acks,
    Create,
    Delete,
}

impl Fault {
    pub(crate) fn phase(self) -> Phase {
        match self {
            Self::Unauthorized | Self::InstanceGone | Self::NotLoaded | Self::LicenseRequired => {
                Phase::Guard
            }
            Self::NoWhatsapp | Self::OtherJid => Phase::Check,
            Self::SendTimeout
            | Self::SendTimeoutButSent
            | Self::NeverAnswer
            | Self::NeverAnswerButSent
            | Self::AnswerLate
            | Self::AnswerTwice
            | Self::CutConnection
            | Self::CutConnectionButSent
            | Self::Garbage
            | Self::GarbageButSent
            | Self::ConnectionClosed
            | Self::MediaUploadFailed
            | Self::DatabaseError => Phase::Send,
            Self::AckBeforeAnswer
            | Self::AckBeforeSendMessage
            | Self::AcksDisordered
            | Self::AcksDuplicated
            | Self::ReadWithoutDelivery
            | Self::ServerAckAfterRead
            | Self::ErrorAck
            | Self::ErrorAckNewContacts
            | Self::NoAcks
            | Self::NoRead
            | Self::LidAcks
            | Self::RepliesTwice
            | Self::RepliesQuoting
            | Self::RepliesByButton
            | Self::RepliesByVoice
            | Self::RepliesByLid
            | Self::RepliesByLidOnly
            | Self::ButtonsSilent => Phase::Acks,
            Self::CreateRace => Phase::Create,
            Self::DeleteFails | Self::DeleteLingers => Phase::Delete,
        }
    }
}

/// A failure waiting to happen.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Injection {
    #[serde(default)]
    pub(crate) id: u64,
    pub(crate) fault: Fault,
    /// Only this instance; every instance without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) instance: Option<String>,
    /// Only this recipient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) number: Option<String>,
    /// So often; until cleared without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) times: Option<u32>,
    /// The other address of `other_jid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) jid: Option<String>,
    /// How long a lingering, late or timing-out call takes, before the time factor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ms: Option<u64>,
}

impl Injection {
    /// A failure that belongs to a special number rather than to a control call.
    pub(crate) fn of(fault: Fault) -> Self {
        Self {
            id: 0,
            fault,
            instance: None,
            number: None,
            times: None,
            jid: None,
            ms: None,
        }
    }

    fn concerns(&self, phase: Phase, instance: &str, address: Option<&str>) -> bool {
        self.fault.phase() == phase
            && self.instance.as_deref().is_none_or(|only| only == instance)
            && self.number.as_deref().is_none_or(|only| {
                address.is_some_and(|address| {
                    let only = jid::from_number(only);
                    only == address || jid::as_registered(&only) == address
                })
            })
    }
}

/// All failures waiting to happen.
#[derive(Default)]
pub(crate) struct Faults {
    waiting: Mutex<Vec<Injection>>,
    /// Lets the usual case, nothing waiting, pass without a lock.
    count: AtomicUsize,
}

impl Faults {
    pub(crate) fn add(&self, mut injection: Injection) -> Injection {
        let mut waiting = lock(&self.waiting);
        injection.id = waiting.iter().map(|other| other.id).max().unwrap_or(0) + 1;
        waiting.push(injection.clone());
        self.count.store(waiting.len(), Ordering::Release);
        injection
    }

    pub(crate) fn all(&self) -> Vec<Injection> {
        lock(&self.waiting).clone()
    }

    /// Forgets those the filter picks and says how many.
    pub(crate) fn clear(&self, pick: impl Fn(&Injection) -> bool) -> usize {
        let mut waiting = lock(&self.waiting);
        let before = waiting.len();
        waiting.retain(|injection| !pick(injection));
        self.count.store(waiting.len(), Ordering::Release);
        before - waiting.len()
    }

    /// Uses up the oldest failure that applies here.
    pub(crate) fn take(
        &self,
        phase: Phase,
        instance: &str,
        address: Option<&str>,
    ) -> Option<Injection> {
        if self.count.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut waiting = lock(&self.waiting);
        let at = waiting
            .iter()
            .position(|one| one.concerns(phase, instance, address))?;
        let injection = waiting[at].clone();
        if let Some(times) = waiting[at].times.as_mut() {
            *times = times.saturating_sub(1);
            if *times == 0 {
                waiting.remove(at);
                self.count.store(waiting.len(), Ordering::Release);
            }
        }
        Some(injection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn injection(fault: Fault, times: Option<u32>) -> Injection {
        Injection {
            times,
            ..Injection::of(fault)
        }
    }

    #[test]
    fn a_counted_failure_is_used_up() {
        let faults = Faults::default();
        faults.add(injection(Fault::SendTimeout, Some(1)));
        assert!(faults.take(Phase::Send, "one", None).is_some());
        assert!(faults.take(Phase::Send, "one", None).is_none());
    }

    #[test]
    fn a_failure_for_one_number_spares_the_others() {
        let faults = Faults::default();
        let mut only = injection(Fault::NoAcks, None);
        only.number = Some("5531987654321".to_owned());
        faults.add(only);
        let theirs = Some("553187654321@s.whatsapp.net");
        assert!(
            faults
                .take(Phase::Acks, "one", Some("33612345678@s.whatsapp.net"))
                .is_none()
        );
        assert!(faults.take(Phase::Acks, "one", theirs).is_some());
    }
}
