//! Making a campaign.

use std::sync::Arc;

use msgflash_kernel::{Actor, Claim, Clock, Id, Ids, Once, Outcome, Problems};
use msgflash_quotas::{AllowanceReader, KeyId, UsageReader};
use msgflash_templates::{Prepared, RenderTemplate};
use time::OffsetDateTime;

use super::control::require_room;
use super::error::CampaignError;
use super::guidance::{self, CampaignSafety};
use super::make::Material;
use super::ports::{AudienceReader, AudienceShare, CampaignUnit, CampaignUnits};
use super::{Audience, Campaign, CampaignContent, CampaignStatus, Counters, Repeat, SendWindow};
use crate::error::MessagingError;
use crate::instance::recent::RecentInstances;
use crate::instance::{Instance, InstanceId, InstanceStatus};
use crate::message::content::Content;

/// How long all values for `custom.*` of one campaign may be, names included.
pub const MOST_VARIABLES: usize = 16 * 1024;

/// An order to make a campaign. Its fields were checked, each alone.
#[derive(Clone, Debug, PartialEq)]
pub struct CampaignOrder {
    /// Who makes it, and for which workspace.
    pub actor: Actor,
    /// The API key that asks; none for the console.
    pub key: Option<KeyId>,
    /// The number it goes out from.
    pub instance: InstanceId,
    /// A label for people.
    pub name: String,
    /// What it sends.
    pub content: CampaignContent,
    /// To whom.
    pub audience: Audience,
    /// When it starts; at once when that has passed.
    pub schedule: OffsetDateTime,
    /// How often.
    pub repeat: Repeat,
    /// What is not sent by then is not sent any more.
    pub send_by: Option<OffsetDateTime>,
    /// The hours in which it sends.
    pub window: Option<SendWindow>,
}

/// A campaign that was made, with the guidance for it.
#[derive(Clone, Debug, PartialEq)]
pub struct NewCampaign {
    /// The campaign.
    pub campaign: Campaign,
    /// How risky it is.
    pub safety: CampaignSafety,
}

/// The ports making one needs.
#[derive(Clone)]
pub struct CreatePorts {
    /// Transactions.
    pub units: Arc<dyn CampaignUnits>,
    /// Audiences.
    pub audiences: Arc<dyn AudienceReader>,
    /// Instances and what they did lately.
    pub instances: Arc<RecentInstances>,
    /// Templates.
    pub templates: Arc<RenderTemplate>,
    /// Plans and subscriptions.
    pub allowances: Arc<dyn AllowanceReader>,
    /// What was used.
    pub usage: Arc<dyn UsageReader>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub ids: Arc<dyn Ids>,
}

/// Makes campaigns.
pub struct CreateCampaign {
    pub(super) ports: CreatePorts,
}

/// What an order names, found.
pub(super) struct Found {
    pub(super) instance: Instance,
    pub(super) material: Material,
}

impl CreateCampaign {
    /// Wires it.
    pub fn new(ports: CreatePorts) -> Self {
        Self { ports }
    }

    /// Makes one. Nothing is kept when it is refused. That the quota lasts for everybody is not asked:
    /// one that is used up already refuses.
    pub async fn create(
        &self,
        order: CampaignOrder,
        once: Option<Once<'_, NewCampaign>>,
    ) -> Result<Outcome<NewCampaign>, CampaignError> {
        let found = self.check(&order).await?;
        let now = self.ports.clock.now();
        let safety = self.guidance(&order, &found.instance, now).await?;
        let by = (order.actor, order.key);
        let campaign = campaign_of(order, now);
        self.keep(by, NewCampaign { campaign, safety }, once).await
    }

    /// Stores a campaign, and the answer for repeated requests with it. [`StoreError::Stale`] when it
    /// retries one that another retries already.
    pub(super) async fn keep(
        &self,
        (actor, key): (Actor, Option<KeyId>),
        mut new: NewCampaign,
        once: Option<Once<'_, NewCampaign>>,
    ) -> Result<Outcome<NewCampaign>, CampaignError> {
        let now = self.ports.clock.now();
        new.campaign.id = Id::new(self.ports.ids.next());
        // Before the transaction: it has one connection, and nobody may want a second one while holding it.
        self.require_allowance(&actor, now).await?;
        let mut unit = self.ports.units.begin().await?;
        if let Some(once) = &once {
            match unit.replays().claim(once.key, now).await? {
                Claim::Fresh => {}
                Claim::Replay(answer) => return Ok(Outcome::Replayed(answer)),
                Claim::Mismatch => return Err(MessagingError::ReplayMismatch.into()),
                Claim::Busy => return Err(MessagingError::ReplayBusy.into()),
            }
        }
        require_member(&mut *unit, &new.campaign, &actor, key).await?;
        unit.campaigns().insert(&new.campaign).await?;
        if let Some(once) = once {
            let answer = (once.render)(&new);
            unit.replays().keep(once.key, &answer, now).await?;
        }
        unit.commit().await?;
        Ok(Outcome::Done(new))
    }

    /// The instance of a campaign that is to be sent once more, for somebody who may use it.
    pub(super) async fn require_able(
        &self,
        actor: &Actor,
        campaign: &Campaign,
    ) -> Result<Instance, CampaignError> {
        let instances = &self.ports.instances;
        let account = actor.workspace.account;
        let found = instances.find_now(account, campaign.instance).await?;
        let instance = found.ok_or(MessagingError::NoInstance(campaign.instance))?;
        if let CampaignContent::Template { template, .. } = &campaign.content {
            let id = template.unwrap_or_else(|| Id::new(uuid::Uuid::nil()));
            let found = self.ports.templates.find(actor.workspace.id, id).await;
            let template = found.map_err(MessagingError::from)?;
            template.program().map_err(MessagingError::from)?;
        }
        self.require_usable(actor, &instance, &campaign.content)
            .await?;
        Ok(instance)
    }

    /// Refuses an instance that somebody may not use, or not for this.
    async fn require_usable(
        &self,
        actor: &Actor,
        instance: &Instance,
        content: &CampaignContent,
    ) -> Result<(), CampaignError> {
        let instances = &self.ports.instances;
        if !instances.is_in_reach(actor, instance.id).await? {
            return Err(MessagingError::NotAssigned.into());
        }
        if instance.status == InstanceStatus::Suspended {
            return Err(MessagingError::Suspended.into());
        }
        if let CampaignContent::Direct(Content::Buttons(_)) = content
            && instance.is_business == Some(false)
        {
            return Err(MessagingError::ButtonsNeedBusiness.into());
        }
        Ok(())
    }

    /// Finds what an order names and refuses what cannot be sent, in the published order.
    pub(super) async fn check(&self, order: &CampaignOrder) -> Result<Found, CampaignError> {
        let actor = &order.actor;
        let instances = &self.ports.instances;
        let instance = instances
            .find_now(actor.workspace.account, order.instance)
            .await?
            .ok_or(MessagingError::NoInstance(order.instance))?;
        let template = match &order.content {
            CampaignContent::Direct(_) => None,
            CampaignContent::Template { template, .. } => {
                let id = template.unwrap_or_else(|| Id::new(uuid::Uuid::nil()));
                let workspace = actor.workspace.id;
                let found = self.ports.templates.find(workspace, id).await;
                Some(found.map_err(MessagingError::from)?)
            }
        };
        self.require_group(order).await?;
        self.require_usable(actor, &instance, &order.content)
            .await?;
        self.require_known(order).await?;
        let material = match (&order.content, template) {
            (CampaignContent::Direct(content), _) => Material::Direct(content.clone()),
            (CampaignContent::Template { variables, .. }, Some(template)) => {
                RenderTemplate::check(variables).map_err(MessagingError::from)?;
                require_short(variables)?;
                template.program().map_err(MessagingError::from)?;
                let prepared = self.prepare(template, actor).await?;
                Material::Template(Box::new(prepared), variables.clone())
            }
            (CampaignContent::Template { .. }, None) => unreachable!("it was found above"),
        };
        Ok(Found { instance, material })
    }

    async fn prepare(
        &self,
        template: msgflash_templates::Template,
        actor: &Actor,
    ) -> Result<Prepared, CampaignError> {
        let prepared = self.ports.templates.prepare(template, actor.workspace);
        Ok(prepared.await.map_err(MessagingError::from)?)
    }

    async fn require_group(&self, order: &CampaignOrder) -> Result<(), CampaignError> {
        let Audience::Group(group) = order.audience else {
            return Ok(());
        };
        let workspace = order.actor.workspace.id;
        if self.ports.audiences.has_group(workspace, group).await? {
            Ok(())
        } else {
            Err(CampaignError::NoGroup)
        }
    }

    /// Refuses contacts that the workspace does not have, each by its place.
    async fn require_known(&self, order: &CampaignOrder) -> Result<(), CampaignError> {
        let Audience::Explicit(ids) = &order.audience else {
            return Ok(());
        };
        let workspace = order.actor.workspace.id;
        let missing = self.ports.audiences.missing(workspace, ids).await?;
        if missing.is_empty() {
            return Ok(());
        }
        let missing: std::collections::HashSet<_> = missing.into_iter().collect();
        let mut problems = Problems::default();
        for (place, id) in ids
            .iter()
            .enumerate()
            .filter(|(_, id)| missing.contains(id))
        {
            let field = format!("recipients.value.{place}");
            problems.add(
                field,
                "unknown_contact",
                format!("No contact has the id {id}"),
            );
        }
        Err(problems.into())
    }

    async fn require_allowance(
        &self,
        actor: &Actor,
        now: OffsetDateTime,
    ) -> Result<(), CampaignError> {
        let account = actor.workspace.account;
        let allowances = self.ports.allowances.allowances(&[account], now).await?;
        let limit = allowances.first().and_then(|it| it.outbound);
        require_room(&*self.ports.usage, actor, limit, now).await
    }

    pub(super) async fn guidance(
        &self,
        order: &CampaignOrder,
        instance: &Instance,
        now: OffsetDateTime,
    ) -> Result<CampaignSafety, CampaignError> {
        let workspace = order.actor.workspace.id;
        let audiences = &self.ports.audiences;
        let share = audiences
            .share(workspace, instance.id, &order.audience, now)
            .await?;
        self.assess(instance, share, now).await
    }

    /// The guidance for an audience that is known.
    pub(super) async fn assess(
        &self,
        instance: &Instance,
        audience: AudienceShare,
        now: OffsetDateTime,
    ) -> Result<CampaignSafety, CampaignError> {
        let window = self.ports.instances.window(instance.id).await?;
        Ok(guidance::assess(instance, &window, audience, now))
    }
}

/// Refuses values that are too long to be kept with each campaign and read at each of its turns.
fn require_short(variables: &serde_json::Map<String, serde_json::Value>) -> Result<(), Problems> {
    let texts = variables.iter().map(|(key, value)| {
        let value = value.as_str().map_or(0, str::len);
        key.len() + value
    });
    if texts.sum::<usize>() <= MOST_VARIABLES {
        return Ok(());
    }
    let message = format!("Names and values must have at most {MOST_VARIABLES} bytes in all");
    Err(Problems::one("variables", "too_long", message))
}

/// Refuses a person who was sent away from the team meanwhile. A key acts for the team, whatever became
/// of whoever made it.
pub(super) async fn require_member(
    unit: &mut dyn CampaignUnit,
    campaign: &Campaign,
    actor: &Actor,
    key: Option<KeyId>,
) -> Result<(), CampaignError> {
    if key.is_some() || unit.campaigns().hold_member(campaign, actor.user).await? {
        return Ok(());
    }
    Err(MessagingError::NotMember.into())
}

/// The campaign an order makes, still without an id.
pub(super) fn campaign_of(order: CampaignOrder, now: OffsetDateTime) -> Campaign {
    Campaign {
        id: Id::new(uuid::Uuid::nil()),
        workspace: order.actor.workspace,
        acting_user: order.actor.user,
        instance: order.instance,
        name: order.name,
        content: order.content,
        audience: order.audience,
        schedule: order.schedule,
        repeat: order.repeat,
        send_by: order.send_by,
        window: order.window,
        retry_of: None,
        status: CampaignStatus::Scheduled,
        error: None,
        run: None,
        counters: Counters::default(),
        processing_started_at: None,
        last_enqueued_at: None,
        completed_at: None,
        cancelled_at: None,
        last_activity_at: None,
        turn_at: Some(order.schedule.max(now)),
        deleted_at: None,
        created_at: now,
        updated_at: now,
    }
}
