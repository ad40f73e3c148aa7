use super::*;
use crate::testing::{instance, message};

#[test]
fn a_stored_message_becomes_what_is_sent() {
    let outbound = outbound_of(&message(), &instance()).expect("sendable");
    assert_eq!(outbound.content, Content::Text("Hello".into()));
    let mut broken = message();
    broken.body = None;
    assert_eq!(outbound_of(&broken, &instance()), None);
}
