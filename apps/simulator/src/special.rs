//! Recipient numbers that fail by themselves: `155501000NN`, where NN names the outcome.

use crate::fault::{Fault, Injection, Phase};
use crate::jid;

/// What happens to a message to `155501000NN`, in the order of NN.
pub const SPECIAL_NUMBERS: &[(&str, Fault)] = &[
    ("15550100001", Fault::SendTimeout),
    ("15550100002", Fault::NeverAnswerButSent),
    ("15550100003", Fault::ConnectionClosed),
    ("15550100004", Fault::AckBeforeAnswer),
    ("15550100005", Fault::AcksDisordered),
    ("15550100006", Fault::ErrorAck),
    ("15550100007", Fault::NoAcks),
    ("15550100008", Fault::LidAcks),
    ("15550100009", Fault::RepliesTwice),
    ("15550100010", Fault::NoWhatsapp),
    ("15550100018", Fault::Unauthorized),
    ("15550100019", Fault::InstanceGone),
    ("15550100020", Fault::NotLoaded),
    ("15550100021", Fault::LicenseRequired),
    ("15550100022", Fault::ButtonsSilent),
    ("15550100051", Fault::SendTimeoutButSent),
    ("15550100052", Fault::NeverAnswer),
    ("15550100053", Fault::CutConnection),
    ("15550100054", Fault::AckBeforeSendMessage),
    ("15550100055", Fault::AcksDuplicated),
    ("15550100056", Fault::ReadWithoutDelivery),
    ("15550100057", Fault::NoRead),
    ("15550100058", Fault::ServerAckAfterRead),
    ("15550100060", Fault::OtherJid),
    ("15550100061", Fault::CutConnectionButSent),
    ("15550100062", Fault::DatabaseError),
    ("15550100063", Fault::MediaUploadFailed),
    ("15550100064", Fault::ErrorAckNewContacts),
    ("15550100065", Fault::RepliesQuoting),
    ("15550100066", Fault::RepliesByButton),
    ("15550100067", Fault::RepliesByVoice),
    ("15550100068", Fault::RepliesByLid),
    ("15550100069", Fault::RepliesByLidOnly),
];

/// The failure a number carries for this phase, if it is one of the special ones.
pub(crate) fn fault(phase: Phase, address: &str) -> Option<Injection> {
    let user = jid::user(address);
    if !user.starts_with("155501000") {
        return None;
    }
    let (_, fault) = SPECIAL_NUMBERS.iter().find(|(number, _)| *number == user)?;
    (fault.phase() == phase).then(|| Injection::of(*fault))
}
