//! Refusals of messaging.

use msgflash_contacts::ContactId;
use msgflash_kernel::{Fault, InvalidPhone, Kind, Problems, StoreError};
use msgflash_quotas::QuotaError;
use msgflash_templates::TemplateError;

use crate::instance::InstanceId;
use crate::message::MessageId;
use crate::provider::ProviderError;

/// The published code of what is not sent because its recipient asked not to be written to.
pub(crate) const OPTED_OUT: &str = "RECIPIENT_OPTED_OUT";

/// Why a message or an instance cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum MessagingError {
    /// The request contradicts itself or a limit.
    #[error(transparent)]
    Invalid(#[from] Problems),
    /// No such instance in this account.
    #[error("Instance not found")]
    NoInstance(InstanceId),
    /// No such message in this workspace.
    #[error("Message not found")]
    NoMessage(MessageId),
    /// No such contact in this workspace.
    #[error("Contact not found")]
    NoContact(ContactId),
    /// The template does not exist, or did not become a message.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A collaborator was not given this instance.
    #[error("This instance is not assigned to you in this team")]
    NotAssigned,
    /// The person was sent away, or the team deleted, while the request was on its way.
    #[error("Team not found")]
    NotMember,
    /// The instance is switched off.
    #[error("The instance is suspended")]
    Suspended,
    /// The account has as many instances as its plan allows.
    #[error("The plan's instance limit is reached")]
    TooManyInstances,
    /// The number is known not to be a WhatsApp Business account.
    #[error("Buttons need a WhatsApp Business number")]
    ButtonsNeedBusiness,
    /// Not a possible number.
    #[error("{0:?} is not an international phone number: {1}")]
    InvalidDestination(String, InvalidPhone),
    /// The recipient asked not to be written to.
    #[error("The recipient is on the opt-out list of this workspace")]
    OptedOut,
    /// The message is past the point where it could be withdrawn.
    #[error("{0}")]
    WrongState(&'static str),
    /// The same idempotency key came with another body.
    #[error("This Idempotency-Key was used with another request body")]
    ReplayMismatch,
    /// An equal request is still at work.
    #[error("A request with this Idempotency-Key is still being processed")]
    ReplayBusy,
    /// The API key was revoked, or its account shut, while the request was on its way.
    #[error("API key missing, invalid, or revoked")]
    KeyGone,
    /// The subscription ended while the request was on its way.
    #[error("The subscription does not allow this action")]
    NoSubscription,
    /// A monthly limit.
    #[error(transparent)]
    Quota(#[from] QuotaError),
    /// The provider.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Fault for MessagingError {
    fn kind(&self) -> Kind {
        match self {
            Self::Invalid(cause) => cause.kind(),
            Self::NoInstance(_) | Self::NoMessage(_) | Self::NoContact(_) | Self::NotMember => {
                Kind::Missing
            }
            Self::Template(cause) => cause.kind(),
            Self::NotAssigned
            | Self::Suspended
            | Self::TooManyInstances
            | Self::ButtonsNeedBusiness
            | Self::NoSubscription => Kind::Forbidden,
            Self::KeyGone => Kind::Unauthenticated,
            Self::InvalidDestination(..) | Self::OptedOut => Kind::Unprocessable,
            Self::WrongState(_) => Kind::Invalid,
            Self::ReplayMismatch | Self::ReplayBusy => Kind::Conflict,
            Self::Quota(cause) => cause.kind(),
            Self::Provider(cause) => cause.kind(),
            Self::Store(cause) => cause.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(cause) => cause.code(),
            Self::NoInstance(_) | Self::NoMessage(_) | Self::NoContact(_) => "NOT_FOUND",
            Self::NotMember => "TEAM_NOT_FOUND",
            Self::NotAssigned => "INSTANCE_NOT_ASSIGNED",
            Self::Template(cause) => cause.code(),
            Self::Suspended => "FORBIDDEN",
            Self::KeyGone => "UNAUTHORIZED",
            Self::NoSubscription => "SUBSCRIPTION_INACTIVE",
            Self::TooManyInstances => "MAX_INSTANCES_REACHED",
            Self::ButtonsNeedBusiness => "UNSUPPORTED_FEATURE",
            Self::InvalidDestination(..) => "INVALID_DESTINATION",
            Self::OptedOut => OPTED_OUT,
            Self::WrongState(_) => "BAD_REQUEST",
            Self::ReplayMismatch | Self::ReplayBusy => "CONFLICT",
            Self::Quota(cause) => cause.code(),
            Self::Provider(cause) => cause.code(),
            Self::Store(cause) => cause.code(),
        }
    }

    fn details(&self) -> Option<serde_json::Value> {
        match self {
            Self::Invalid(cause) => cause.details(),
            Self::Template(cause) => cause.details(),
            _ => None,
        }
    }
}
