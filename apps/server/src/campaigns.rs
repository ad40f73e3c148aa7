//! The use cases of campaigns.

use std::sync::Arc;

use msgflash_kernel::{Clock, Ids, Nudge};
use msgflash_messaging::MessagingError;
use msgflash_messaging::campaign::Campaign;
use msgflash_messaging::campaign::control::{ControlCampaign, ControlPorts};
use msgflash_messaging::campaign::create::{CreateCampaign, CreatePorts};
use msgflash_messaging::campaign::estimate::{Caps, Speed};
use msgflash_messaging::campaign::ports::{AudienceReader, CampaignReader, CampaignUnits};
use msgflash_messaging::campaign::read::ReadCampaigns;
use msgflash_messaging::campaign::retry::RetryFailed;
use msgflash_messaging::dispatch::stop::{AwaitMarks, MarkReader, Pauses};
use msgflash_messaging::instance::recent::RecentInstances;
use msgflash_quotas::{AllowanceReader, UsageReader};
use msgflash_templates::RenderTemplate;
use time::OffsetDateTime;

use self::rehearsing::Rehearsing;

mod rehearsing;

/// What campaigns need.
pub struct CampaignsPorts {
    /// Reads campaigns.
    pub campaigns: Arc<dyn CampaignReader>,
    /// Changes them.
    pub units: Arc<dyn CampaignUnits>,
    /// Their audiences.
    pub audiences: Arc<dyn AudienceReader>,
    /// Calls that may be about to begin.
    pub marks: Arc<dyn MarkReader>,
    /// Lets time pass.
    pub pauses: Arc<dyn Pauses>,
    /// Instances and what they did lately.
    pub instances: Arc<RecentInstances>,
    /// Templates.
    pub templates: Arc<RenderTemplate>,
    /// Plans and subscriptions.
    pub allowances: Arc<dyn AllowanceReader>,
    /// What was used.
    pub usage: Arc<dyn UsageReader>,
    /// Wakes whoever runs campaigns.
    pub wake: Arc<dyn Nudge>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub ids: Arc<dyn Ids>,
    /// The least time between two calls of a number.
    pub gap: time::Duration,
    /// Whether numbers send no faster than their guidance says.
    pub enforces_caps: bool,
}

/// Everything that can be done with campaigns.
pub struct Campaigns {
    /// Makes them, and tells what they would do.
    pub create: Arc<CreateCampaign>,
    /// Stops them and lets them go on.
    pub control: ControlCampaign,
    /// Sends failures once more.
    pub retry: RetryFailed,
    /// Reads them.
    pub read: ReadCampaigns,
    /// Who walks through an audience at this moment.
    pub rehearsing: Rehearsing,
    /// Wakes whoever runs campaigns.
    pub wake: Arc<dyn Nudge>,
    /// The least time between two calls of a number.
    pub gap: time::Duration,
    /// Whether numbers send no faster than their guidance says.
    pub enforces_caps: bool,
    instances: Arc<RecentInstances>,
}

impl Campaigns {
    /// Wires the use cases.
    pub fn new(ports: CampaignsPorts) -> Self {
        let create = Arc::new(CreateCampaign::new(CreatePorts {
            units: Arc::clone(&ports.units),
            audiences: ports.audiences,
            instances: Arc::clone(&ports.instances),
            templates: ports.templates,
            allowances: Arc::clone(&ports.allowances),
            usage: Arc::clone(&ports.usage),
            clock: Arc::clone(&ports.clock),
            ids: ports.ids,
        }));
        let control = ControlCampaign::new(ControlPorts {
            campaigns: Arc::clone(&ports.campaigns),
            units: ports.units,
            instances: Arc::clone(&ports.instances),
            allowances: ports.allowances,
            usage: ports.usage,
            marks: AwaitMarks::new(ports.marks, ports.pauses),
            clock: ports.clock,
        });
        Self {
            retry: RetryFailed::new(Arc::clone(&ports.campaigns), Arc::clone(&create)),
            create,
            control,
            read: ReadCampaigns::new(ports.campaigns),
            rehearsing: Rehearsing::default(),
            wake: ports.wake,
            gap: ports.gap,
            enforces_caps: ports.enforces_caps,
            instances: ports.instances,
        }
    }

    /// How fast a campaign's number sends for it.
    pub async fn speed(
        &self,
        campaign: &Campaign,
        now: OffsetDateTime,
    ) -> Result<Speed, MessagingError> {
        let account = campaign.workspace.account;
        let mut caps = None;
        if self.enforces_caps
            && let Some(instance) = self.instances.find(account, campaign.instance).await?
        {
            let window = self.instances.window(instance.id).await?;
            let policy = instance.safety(&window, now).state.policy();
            caps = Some(Caps::of(&policy, &window));
        }
        Ok(Speed::of(self.gap, caps))
    }
}
