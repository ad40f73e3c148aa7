//! The events, each with its three spellings.

/// An event the simulator sends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Event {
    QrcodeUpdated,
    ConnectionUpdate,
    MessagesUpsert,
    MessagesUpdate,
    MessagesEdited,
    SendMessage,
    ContactsUpsert,
    ContactsUpdate,
    LogoutInstance,
    RemoveInstance,
    InstanceCreate,
    InstanceDelete,
    StatusInstance,
}

impl Event {
    /// The name in the envelope.
    pub(crate) const fn dotted(self) -> &'static str {
        match self {
            Self::QrcodeUpdated => "qrcode.updated",
            Self::ConnectionUpdate => "connection.update",
            Self::MessagesUpsert => "messages.upsert",
            Self::MessagesUpdate => "messages.update",
            Self::MessagesEdited => "messages.edited",
            Self::SendMessage => "send.message",
            Self::ContactsUpsert => "contacts.upsert",
            Self::ContactsUpdate => "contacts.update",
            Self::LogoutInstance => "logout.instance",
            Self::RemoveInstance => "remove.instance",
            Self::InstanceCreate => "instance.create",
            Self::InstanceDelete => "instance.delete",
            Self::StatusInstance => "status.instance",
        }
    }

    /// The name in the webhook configuration.
    pub(crate) const fn configured(self) -> &'static str {
        match self {
            Self::QrcodeUpdated => "QRCODE_UPDATED",
            Self::ConnectionUpdate => "CONNECTION_UPDATE",
            Self::MessagesUpsert => "MESSAGES_UPSERT",
            Self::MessagesUpdate => "MESSAGES_UPDATE",
            Self::MessagesEdited => "MESSAGES_EDITED",
            Self::SendMessage => "SEND_MESSAGE",
            Self::ContactsUpsert => "CONTACTS_UPSERT",
            Self::ContactsUpdate => "CONTACTS_UPDATE",
            Self::LogoutInstance => "LOGOUT_INSTANCE",
            Self::RemoveInstance => "REMOVE_INSTANCE",
            Self::InstanceCreate => "INSTANCE_CREATE",
            Self::InstanceDelete => "INSTANCE_DELETE",
            Self::StatusInstance => "STATUS_INSTANCE",
        }
    }
}

/// Every name a webhook configuration may contain, in the gateway's order.
pub(crate) const NAMES: [&str; 31] = [
    "APPLICATION_STARTUP",
    "QRCODE_UPDATED",
    "MESSAGES_SET",
    "MESSAGES_UPSERT",
    "MESSAGES_EDITED",
    "MESSAGES_UPDATE",
    "MESSAGES_DELETE",
    "SEND_MESSAGE",
    "SEND_MESSAGE_UPDATE",
    "CONTACTS_SET",
    "CONTACTS_UPSERT",
    "CONTACTS_UPDATE",
    "PRESENCE_UPDATE",
    "CHATS_SET",
    "CHATS_UPSERT",
    "CHATS_UPDATE",
    "CHATS_DELETE",
    "GROUPS_UPSERT",
    "GROUP_UPDATE",
    "GROUP_PARTICIPANTS_UPDATE",
    "CONNECTION_UPDATE",
    "LABELS_EDIT",
    "LABELS_ASSOCIATION",
    "CALL",
    "TYPEBOT_START",
    "TYPEBOT_CHANGE_STATUS",
    "REMOVE_INSTANCE",
    "LOGOUT_INSTANCE",
    "INSTANCE_CREATE",
    "INSTANCE_DELETE",
    "STATUS_INSTANCE",
];
