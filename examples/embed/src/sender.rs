//! Sends what waits, in order.
//!
//! The shortest sender that keeps the promise of the ports: a call is noted before it is made, no
//! transaction is open meanwhile, and what nobody knows the outcome of is not sent again. The lanes,
//! pauses and look-ups of the product are in [`msgflash_messaging::dispatch`] and ask for more ports.

use msgflash_kernel::{Clock, StoreError};
use msgflash_messaging::dispatch::QueueState;
use msgflash_messaging::message::content::Content;
use msgflash_messaging::provider::{Outbound, SendFailure, WhatsAppProvider};
use msgflash_messaging::{Instance, MessageStatus};
use msgflash_quotas::{Period, Settlement};

use crate::store::Store;

/// Sends until nothing waits, or the provider is away.
pub(crate) async fn drain(
    store: &Store,
    instance: &Instance,
    provider: &dyn WhatsAppProvider,
    clock: &dyn Clock,
) -> Result<(), StoreError> {
    while let Some((entry, mut message)) = store.start_next(clock.now()).await? {
        let Some(content) = Content::of(&message) else {
            return Err(StoreError::corrupt("messages", message.kind.as_str()));
        };
        let outbound = Outbound {
            to: entry.phone,
            content,
            native_buttons: instance.native_buttons,
            file: None,
        };
        let answer = provider.send(&instance.session, &outbound).await;
        let now = clock.now();
        let mut settlement = Settlement {
            account: entry.account,
            period: entry.period.unwrap_or_else(|| Period::of(now)),
            messages: 0,
            statuses: 0,
            released: 0,
        };
        match answer {
            Ok(accepted) => {
                message.advance(MessageStatus::Sent, now);
                message.provider_message_id = accepted.key_id;
                message.charged_to = Some(settlement.period);
                settlement.messages = 1;
            }
            Err(SendFailure::NoWhatsApp) => {
                message.fail("The number has no WhatsApp", "NO_WHATSAPP", now);
                settlement.released = 1;
            }
            Err(SendFailure::Refused(_)) => {
                message.fail("WhatsApp refused the message", "REFUSED", now);
                settlement.released = 1;
            }
            Err(SendFailure::Unknown(_)) => {
                let unknown = QueueState::Unknown;
                store.keep_waiting(message.id, unknown).await?;
                continue;
            }
            Err(
                SendFailure::GatewayDown(_)
                | SendFailure::NotConnected(_)
                | SendFailure::Transient(_),
            ) => {
                // Nothing left: it may be tried later.
                return store.keep_waiting(message.id, QueueState::Ready).await;
            }
        }
        store.end(message, settlement).await?;
    }
    Ok(())
}
