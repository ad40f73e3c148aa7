//! Taking an event in: authenticate, store, answer. Understanding it comes later.

use std::sync::Arc;

use msgflash_kernel::{Clock, Id, Ids, Nudge};
use serde_json::Value;
use subtle::ConstantTimeEq as _;

use super::ports::{Inbox, InboxItem};
use crate::error::MessagingError;
use crate::instance::ports::InstanceReader;
use crate::instance::{Instance, InstanceStatus};
use crate::provider::{EventDecoder, ProviderEvent};

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// It is stored and will be applied.
    Stored,
    /// It means nothing to us.
    Ignored,
    /// Nobody has this session.
    UnknownInstance,
    /// The secret is not the session's.
    WrongSecret,
}

/// Takes events in.
pub struct ReceiveEvent {
    instances: Arc<dyn InstanceReader>,
    inbox: Arc<dyn Inbox>,
    decoder: Arc<dyn EventDecoder>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    nudge: Arc<dyn Nudge>,
}

impl ReceiveEvent {
    /// Wires the use case.
    pub fn new(
        instances: Arc<dyn InstanceReader>,
        inbox: Arc<dyn Inbox>,
        decoder: Arc<dyn EventDecoder>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        nudge: Arc<dyn Nudge>,
    ) -> Self {
        Self {
            instances,
            inbox,
            decoder,
            clock,
            ids,
            nudge,
        }
    }

    /// Whose session this is, if the secret is the session's. Asked before a body is read, so that
    /// nobody without the secret costs more than a look-up.
    pub async fn authenticate(
        &self,
        session: &str,
        secret: Option<&str>,
    ) -> Result<Result<Instance, Received>, MessagingError> {
        let ours = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if session.len() > 100 || !session.bytes().all(ours) {
            return Ok(Err(Received::UnknownInstance));
        }
        let Some(instance) = self.instances.find_by_session(session).await? else {
            return Ok(Err(Received::UnknownInstance));
        };
        let expected = instance.webhook_secret.reveal().as_bytes();
        let shown = secret.unwrap_or_default().as_bytes();
        if bool::from(expected.ct_eq(shown)) {
            Ok(Ok(instance))
        } else {
            Ok(Err(Received::WrongSecret))
        }
    }

    /// Takes one event of an authenticated session in. Once this answered [`Received::Stored`], the
    /// event survives anything.
    pub async fn receive(
        &self,
        instance: &Instance,
        event: &str,
        data: Value,
    ) -> Result<Received, MessagingError> {
        match self.decoder.decode(event, &data) {
            ProviderEvent::Ignored => return Ok(Received::Ignored),
            // A gateway without a route posts hundreds of these; only the first says something.
            ProviderEvent::Connecting
                if instance.status != InstanceStatus::Connected
                    || instance.reconnecting_since.is_some() =>
            {
                return Ok(Received::Ignored);
            }
            _ => {}
        }
        let item = InboxItem {
            id: Id::new(self.ids.next()),
            instance: instance.id,
            event: event.to_owned(),
            data,
            received_at: self.clock.now(),
            tries: 0,
        };
        self.inbox.store(&[item]).await?;
        self.nudge.nudge();
        Ok(Received::Stored)
    }
}
