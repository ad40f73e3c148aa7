//! The published events.

use std::fmt;

/// An event one can subscribe to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventName {
    /// An instance became connected.
    InstanceConnected,
    /// A connected instance stopped being so.
    InstanceDisconnected,
    /// WhatsApp refuses an instance's messages to new contacts.
    InstanceRestricted,
    /// A message was handed to WhatsApp.
    MessageSent,
    /// It reached the device.
    MessageDelivered,
    /// It was opened.
    MessageRead,
    /// It failed.
    MessageFailed,
    /// A message came in.
    MessageReceived,
}

impl EventName {
    /// Every event, in the order the documentation lists them.
    pub const ALL: [Self; 8] = [
        Self::InstanceConnected,
        Self::InstanceDisconnected,
        Self::InstanceRestricted,
        Self::MessageSent,
        Self::MessageDelivered,
        Self::MessageRead,
        Self::MessageFailed,
        Self::MessageReceived,
    ];

    /// The published name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InstanceConnected => "instance.connected",
            Self::InstanceDisconnected => "instance.disconnected",
            Self::InstanceRestricted => "instance.restricted",
            Self::MessageSent => "message.sent",
            Self::MessageDelivered => "message.delivered",
            Self::MessageRead => "message.read",
            Self::MessageFailed => "message.failed",
            Self::MessageReceived => "message.received",
        }
    }

    /// Reads the published name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.as_str() == name)
    }
}

impl fmt::Display for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
