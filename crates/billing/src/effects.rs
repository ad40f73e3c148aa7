//! What another plan does to what an account has.
//!
//! The answer follows from the plan and from what is there, not from what changed: asked again, it
//! is that nothing is left to do.

use msgflash_kernel::Id;
use time::OffsetDateTime;

use crate::plan::Plan;

/// Marker of [`HeldInstanceId`].
pub enum HeldInstanceMark {}
/// An instance. Billing knows nothing else of instances.
pub type HeldInstanceId = Id<HeldInstanceMark>;
/// Marker of [`HeldKeyId`].
pub enum HeldKeyMark {}
/// An API key, likewise.
pub type HeldKeyId = Id<HeldKeyMark>;
/// Marker of [`HeldEndpointId`].
pub enum HeldEndpointMark {}
/// A webhook endpoint, likewise.
pub type HeldEndpointId = Id<HeldEndpointMark>;

/// How an instance stands to its plan, in the order in which places are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InstanceState {
    /// Linked to a phone.
    Connected,
    /// Not linked, and free to be.
    Loose,
    /// Suspended because the plan had no place for it.
    SuspendedByPlan,
    /// Suspended by the operator: no plan changes that. It takes a place all the same, so that no
    /// new one can replace it.
    SuspendedByOperator,
}

/// An instance that is not deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldInstance {
    /// Which.
    pub id: HeldInstanceId,
    /// How it stands.
    pub state: InstanceState,
    /// Since when it is there.
    pub created_at: OffsetDateTime,
}

/// A key that is not revoked, personal or of an owned team.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldKey {
    /// Which.
    pub id: HeldKeyId,
    /// Since when it is there.
    pub created_at: OffsetDateTime,
}

/// Whether an endpoint is used, in the order in which places are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EndpointState {
    /// It gets deliveries.
    Active,
    /// It was switched off because the plan had no place for it.
    OffByPlan,
    /// It was switched off for another reason, which no plan mends.
    Off,
}

/// A webhook endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldEndpoint {
    /// Which.
    pub id: HeldEndpointId,
    /// Whether it is used.
    pub state: EndpointState,
    /// Since when it is there.
    pub created_at: OffsetDateTime,
}

/// What an account has of that which plans cap, over all its workspaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Instances.
    pub instances: Vec<HeldInstance>,
    /// Keys.
    pub keys: Vec<HeldKey>,
    /// Endpoints.
    pub endpoints: Vec<HeldEndpoint>,
}

/// What is to be done so that an account has no more than its plan allows, and all that it allows.
/// Contact groups stay, whatever their number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// Instances to suspend, and then to unlink at the provider.
    pub suspend: Vec<HeldInstanceId>,
    /// Instances suspended by a plan that come back, disconnected.
    pub release: Vec<HeldInstanceId>,
    /// Keys to revoke, for good.
    pub revoke: Vec<HeldKeyId>,
    /// Endpoints to switch off.
    pub disable: Vec<HeldEndpointId>,
    /// Endpoints switched off by a plan that come back.
    pub enable: Vec<HeldEndpointId>,
    /// Whether campaigns that are scheduled, running or waiting for quota become `paused_plan`.
    pub pause_campaigns: bool,
}

impl Effects {
    /// Whether something that was usable is not any more.
    pub fn takes(&self) -> bool {
        !(self.suspend.is_empty() && self.revoke.is_empty() && self.disable.is_empty())
    }

    /// What `plan` does to `holdings`.
    pub fn of(plan: &Plan, holdings: &Holdings) -> Self {
        let mut effects = Self {
            pause_campaigns: !plan.features.campaigns,
            ..Self::default()
        };
        effects.place_instances(plan, holdings.instances.clone());
        effects.place_keys(plan, holdings.keys.clone());
        effects.place_endpoints(plan, holdings.endpoints.clone());
        effects
    }

    /// Connected ones stay first, then the oldest.
    fn place_instances(&mut self, plan: &Plan, mut all: Vec<HeldInstance>) {
        all.sort_by_key(|it| (it.state, it.created_at, it.id));
        let (kept, extra) = all.split_at(places(plan.limits.max_instances, all.len()));
        let back = kept
            .iter()
            .filter(|it| it.state == InstanceState::SuspendedByPlan);
        self.release = back.map(|it| it.id).collect();
        let is_free = |state| matches!(state, InstanceState::Connected | InstanceState::Loose);
        // The newest goes first, and the connected ones last.
        let gone = extra.iter().rev().filter(|it| is_free(it.state));
        self.suspend = gone.map(|it| it.id).collect();
    }

    fn place_keys(&mut self, plan: &Plan, mut all: Vec<HeldKey>) {
        all.sort_by_key(|it| (it.created_at, it.id));
        let extra = &all[places(plan.limits.max_api_keys, all.len())..];
        self.revoke = extra.iter().rev().map(|it| it.id).collect();
    }

    fn place_endpoints(&mut self, plan: &Plan, mut all: Vec<HeldEndpoint>) {
        all.sort_by_key(|it| (it.state, it.created_at, it.id));
        let cap = if plan.features.webhooks {
            plan.limits.max_webhook_endpoints
        } else {
            Some(0)
        };
        let (kept, extra) = all.split_at(places(cap, all.len()));
        let back = kept
            .iter()
            .filter(|it| it.state == EndpointState::OffByPlan);
        self.enable = back.map(|it| it.id).collect();
        let gone = extra.iter().rev();
        let gone = gone.filter(|it| it.state == EndpointState::Active);
        self.disable = gone.map(|it| it.id).collect();
    }

    /// Whether nothing is to be done.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn places(limit: Option<u32>, have: usize) -> usize {
    limit.map_or(have, |limit| have.min(limit as usize))
}

#[cfg(test)]
mod tests;
