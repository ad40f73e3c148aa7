//! Withdrawing a scheduled message.

use std::sync::Arc;

use msgflash_kernel::{Actor, Clock};

use super::ports::{MessageReader, SettleUnits};
use super::{Message, MessageId, MessageStatus};
use crate::dispatch::QueueState;
use crate::error::MessagingError;
use crate::instance::ports::InstanceReader;
use crate::instance::reach::is_in_reach;

/// Withdraws scheduled messages before their time.
pub struct CancelMessage {
    messages: Arc<dyn MessageReader>,
    instances: Arc<dyn InstanceReader>,
    units: Arc<dyn SettleUnits>,
    clock: Arc<dyn Clock>,
}

impl CancelMessage {
    /// Wires the use case.
    pub fn new(
        messages: Arc<dyn MessageReader>,
        instances: Arc<dyn InstanceReader>,
        units: Arc<dyn SettleUnits>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            messages,
            instances,
            units,
            clock,
        }
    }

    /// Withdraws one. Once this answered, the message is never sent.
    pub async fn cancel(&self, actor: &Actor, id: MessageId) -> Result<Message, MessagingError> {
        let workspace = actor.workspace.id;
        let found = self
            .messages
            .find(workspace, id)
            .await?
            .ok_or(MessagingError::NoMessage(id))?;
        if !is_in_reach(&*self.instances, actor, found.instance).await? {
            return Err(MessagingError::NotAssigned);
        }
        let now = self.clock.now();
        let mut unit = self.units.begin().await?;
        let key = (found.instance, id);
        let waiting = unit
            .queue()
            .lock(key)
            .await?
            .filter(|it| it.state == QueueState::Waiting);
        if waiting.is_none() {
            return Err(MessagingError::WrongState(
                "Only a scheduled message that is not due yet can be cancelled",
            ));
        }
        let mut message = unit
            .messages()
            .lock(&[(workspace, id)])
            .await?
            .pop()
            .ok_or(MessagingError::NoMessage(id))?;
        message.advance(MessageStatus::Cancelled, now);
        message.error = Some("Message cancelled".to_owned());
        unit.queue().remove(&[key]).await?;
        unit.messages()
            .update(std::slice::from_ref(&message))
            .await?;
        unit.commit().await?;
        Ok(message)
    }
}
