//! Publishing a status while its client waits.

use std::sync::Arc;
use std::time::Instant;

use metrics::{counter, histogram};
use msgflash_kernel::{
    Actor, Claim, Clock, Id, Ids, Outcome, Problems, ReplayKey, StoreError, StoredAnswer,
};
use msgflash_quotas::{KeyId, Period, QuotaError, Want};
use time::Duration;
use tracing::{info, warn};

use super::ports::{Facts, Membership, StatusUnit, StatusUnits};
use super::settle::{Settled, Verdict};
use super::{Status, StatusState};
use crate::error::MessagingError;
use crate::instance::ports::InstanceReader;
use crate::instance::reach::is_in_reach;
use crate::instance::{Instance, InstanceId, InstanceStatus};
use crate::media::send::{Place, SendFiles, Unavailable, Wanted};
use crate::message::ports::Standing;
use crate::provider::{
    OutboundFile, OutboundStatus, ProviderError, StatusContent, WhatsAppProvider,
};

/// A mark that is not on the wire after so long is taken back: whoever was told that nothing begins any
/// more must be able to believe it.
const WIRE: std::time::Duration = std::time::Duration::from_secs(1);

/// An order to publish a status.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusOrder {
    /// Who publishes, and for which workspace.
    pub actor: Actor,
    /// The API key that asks; none for the console.
    pub key: Option<KeyId>,
    /// The number it is published by.
    pub instance: InstanceId,
    /// What it shows.
    pub content: StatusContent,
    /// The request that asks for it.
    pub request_id: Option<String>,
}

/// The ports of publishing.
pub struct PublishPorts {
    /// Transactions.
    pub units: Arc<dyn StatusUnits>,
    /// Instances.
    pub instances: Arc<dyn InstanceReader>,
    /// The gateway.
    pub provider: Arc<dyn WhatsAppProvider>,
    /// Uploads; none where none are taken.
    pub files: Option<Arc<SendFiles>>,
    /// Records what came of the call.
    pub settled: Settled,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub ids: Arc<dyn Ids>,
    /// How long a call may be under way before its outcome is looked up.
    pub lease: Duration,
}

/// Publishes statuses.
pub struct PublishStatus {
    ports: PublishPorts,
}

/// What the start came to.
enum Started {
    /// The call may begin, and soon: this is when the mark was made.
    Marked(Instant),
    /// The request had been answered before, like this.
    Before(StoredAnswer),
}

impl PublishStatus {
    /// Wires the use case.
    pub fn new(ports: PublishPorts) -> Self {
        Self { ports }
    }

    /// Publishes one status, or says why it is not out. While an equal request runs, or what came of it
    /// is not known, it is [`MessagingError::ReplayBusy`].
    ///
    /// Whoever drops it in the middle leaves a status that is looked up like any other whose call
    /// brought no answer.
    pub async fn publish(
        &self,
        order: StatusOrder,
        once: Option<&ReplayKey>,
    ) -> Result<Outcome<Status>, MessagingError> {
        let instance = self.usable(&order).await?;
        let upload = self.load(&order).await?;
        let (place, file) = upload.unzip();
        let key = order.key;
        let status = self.status(order, once);
        let marked = match self.start(&status, key, once).await? {
            Started::Marked(at) => at,
            Started::Before(answer) => return Ok(Outcome::Replayed(answer)),
        };
        let outbound = OutboundStatus {
            content: status.content.clone(),
            file,
        };
        let verdict = self.call(&instance, &outbound, marked).await;
        // Others may use its room.
        drop((outbound, place));
        counter!("msgflash_statuses_total", "outcome" => verdict.word()).increment(1);
        let settled = self.ports.settled.record(&status, &verdict).await?;
        info!(status.id = %status.id, instance.id = %instance.id,
            state = settled.state.as_str(), "status settled");
        match (settled.state, verdict) {
            (StatusState::Published, _) => Ok(Outcome::Done(settled)),
            (StatusState::Failed, Verdict::Failed(why)) => Err(why.into()),
            // Given up in the meantime, or still looked for.
            (StatusState::Failed | StatusState::Pending, _) => Err(ProviderError::Timeout.into()),
        }
    }

    async fn usable(&self, order: &StatusOrder) -> Result<Instance, MessagingError> {
        let account = order.actor.workspace.account;
        let instances = &*self.ports.instances;
        let instance = instances
            .find(account, order.instance)
            .await?
            .ok_or(MessagingError::NoInstance(order.instance))?;
        if !is_in_reach(instances, &order.actor, instance.id).await? {
            return Err(MessagingError::NotAssigned);
        }
        require_connected(instance.status)?;
        Ok(instance)
    }

    /// The upload that a status shows, if it shows one, and room for it: before the call is marked.
    async fn load(
        &self,
        order: &StatusOrder,
    ) -> Result<Option<(Place, OutboundFile)>, MessagingError> {
        let (Some(files), StatusContent::Image { url, .. }) = (&self.ports.files, &order.content)
        else {
            return Ok(None);
        };
        let place = match files.want(Some(url), order.actor.workspace.id) {
            Wanted::Nothing => return Ok(None),
            Wanted::Upload(place) => place,
            Wanted::NoRoom => {
                let cause = "too many uploads are being sent".into();
                return Err(StoreError::Unavailable(cause).into());
            }
        };
        match files.load(&place).await {
            Ok(file) => Ok(Some((place, file))),
            Err(Unavailable::Gone) => {
                let message = "This upload has expired or was deleted";
                Err(Problems::one("content", "not_found", message).into())
            }
            Err(Unavailable::NotNow) => {
                let cause = "an upload could not be read".into();
                Err(StoreError::Unavailable(cause).into())
            }
        }
    }

    fn status(&self, order: StatusOrder, once: Option<&ReplayKey>) -> Status {
        let now = self.ports.clock.now();
        let lease_until = Some(now + self.ports.lease);
        Status {
            id: Id::new(self.ports.ids.next()),
            workspace: order.actor.workspace,
            acting_user: order.actor.user,
            instance: order.instance,
            content: order.content,
            state: StatusState::Pending,
            error: None,
            code: None,
            provider_message_id: None,
            period: Period::of(now),
            repeat: once.map(Into::into),
            request_id: order.request_id,
            waited_since: now,
            lease_until,
            look_at: lease_until,
            looks: 0,
            created_at: now,
            updated_at: now,
        }
    }

    /// Marks the call: everything that could forbid it is decided here, while it is held.
    async fn start(
        &self,
        status: &Status,
        key: Option<KeyId>,
        once: Option<&ReplayKey>,
    ) -> Result<Started, MessagingError> {
        let now = status.created_at;
        let mut unit = self.ports.units.begin().await?;
        if let Some(once) = once
            && let Some(answer) = repeated(unit.as_mut(), once, now).await?
        {
            return Ok(Started::Before(answer));
        }
        let facts = unit.statuses().look(status, key, now).await?;
        let limit = admit(status, key, &facts)?;
        let want = Want {
            account: status.workspace.account,
            period: status.period,
            limit,
            count: 1,
        };
        if unit.ledger().reserve(&[want]).await? != [1] {
            return Err(QuotaError::Outbound(status.period.time_left(now)).into());
        }
        unit.statuses().insert(status).await?;
        let marked = Instant::now();
        unit.commit().await?;
        Ok(Started::Marked(marked))
    }

    /// Makes the call, with no transaction open.
    async fn call(
        &self,
        instance: &Instance,
        outbound: &OutboundStatus,
        marked: Instant,
    ) -> Verdict {
        if marked.elapsed() > WIRE {
            warn!(instance.id = %instance.id, "a mark came too late: nothing is called");
            return Verdict::Failed(ProviderError::Unavailable);
        }
        let began = Instant::now();
        let provider = &self.ports.provider;
        let answer = provider.publish_status(&instance.session, outbound).await;
        histogram!("msgflash_provider_seconds", "call" => "status").record(began.elapsed());
        if let Err(failure) = &answer {
            // The text is the provider's: it goes to the operator's log and nowhere else.
            warn!(instance.id = %instance.id, %failure, "the provider did not take the status");
        }
        answer.into()
    }
}

/// What is known about the client's key: an answer, or a refusal; nothing when it is new.
async fn repeated(
    unit: &mut dyn StatusUnit,
    once: &ReplayKey,
    now: time::OffsetDateTime,
) -> Result<Option<StoredAnswer>, MessagingError> {
    match unit.replays().claim(once, now).await? {
        Claim::Replay(answer) => return Ok(Some(answer)),
        Claim::Mismatch => return Err(MessagingError::ReplayMismatch),
        Claim::Busy => return Err(MessagingError::ReplayBusy),
        Claim::Fresh => {}
    }
    match unit.statuses().running(once).await? {
        None => {}
        Some(request) if request == once.request => return Err(MessagingError::ReplayBusy),
        Some(_) => return Err(MessagingError::ReplayMismatch),
    }
    // One that ended between the two looks has left its answer by now.
    match unit.replays().claim(once, now).await? {
        Claim::Replay(answer) => Ok(Some(answer)),
        Claim::Mismatch => Err(MessagingError::ReplayMismatch),
        Claim::Busy => Err(MessagingError::ReplayBusy),
        Claim::Fresh => Ok(None),
    }
}

/// Refuses what must not be published now; else the month's limit.
fn admit(
    status: &Status,
    key: Option<KeyId>,
    facts: &Facts,
) -> Result<Option<u32>, MessagingError> {
    // Before anything else, as for every other request of theirs.
    match (facts.member, key) {
        (Membership::Able, _) => {}
        (Membership::NotAssigned, _) => return Err(MessagingError::NotAssigned),
        (Membership::Gone, None) => return Err(MessagingError::NotMember),
        (Membership::Gone, Some(_)) => return Err(MessagingError::KeyGone),
    }
    let standing = match (facts.standing, key) {
        (None, Some(_)) => return Err(MessagingError::KeyGone),
        (None, None) => return Err(MessagingError::NoSubscription),
        (Some(standing), _) => standing,
    };
    let Standing {
        usable,
        outbound_limit,
    } = standing;
    if !usable {
        return Err(MessagingError::NoSubscription);
    }
    let instance = facts.instance;
    require_connected(instance.ok_or(MessagingError::NoInstance(status.instance))?)?;
    Ok(outbound_limit)
}

fn require_connected(status: InstanceStatus) -> Result<(), MessagingError> {
    match status {
        InstanceStatus::Connected => Ok(()),
        InstanceStatus::Suspended => Err(MessagingError::Suspended),
        InstanceStatus::Disconnected | InstanceStatus::Connecting => {
            Err(MessagingError::WrongState("The instance is not connected"))
        }
    }
}

#[cfg(test)]
mod tests;
