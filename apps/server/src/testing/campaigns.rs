//! Campaigns over fake ports.

use std::sync::Arc;

use async_trait::async_trait;
use msgflash_kernel::{FixedClock, NoNudge, SequentialIds, StoreError};
use msgflash_messaging::campaign::ports::{
    CampaignUnit, CampaignUnits, MockAudienceReader, MockCampaignReader,
};
use msgflash_messaging::dispatch::stop::{MockMarkReader, MockPauses};
use msgflash_messaging::instance::recent::RecentInstances;
use msgflash_quotas::{AllowanceReader, UsageReader};
use msgflash_templates::RenderTemplate;

use crate::campaigns::{Campaigns, CampaignsPorts};

/// No test of this crate changes a campaign: those go through the real server.
struct NoUnits;

#[async_trait]
impl CampaignUnits for NoUnits {
    async fn begin(&self) -> Result<Box<dyn CampaignUnit>, StoreError> {
        Err(StoreError::Unavailable("no units here".into()))
    }
}

/// What tests say about campaigns.
#[derive(Default)]
pub(crate) struct FakeCampaigns {
    pub(crate) campaigns: MockCampaignReader,
    pub(crate) audiences: MockAudienceReader,
}

/// What they share with the rest.
pub(crate) struct Shared {
    pub(crate) instances: Arc<RecentInstances>,
    pub(crate) templates: Arc<RenderTemplate>,
    pub(crate) allowances: Arc<dyn AllowanceReader>,
    pub(crate) usage: Arc<dyn UsageReader>,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) ids: Arc<SequentialIds>,
}

impl FakeCampaigns {
    pub(crate) fn over(self, shared: Shared) -> Campaigns {
        Campaigns::new(CampaignsPorts {
            campaigns: Arc::new(self.campaigns),
            units: Arc::new(NoUnits),
            audiences: Arc::new(self.audiences),
            marks: Arc::new(MockMarkReader::new()),
            pauses: Arc::new(MockPauses::new()),
            instances: shared.instances,
            templates: shared.templates,
            allowances: shared.allowances,
            usage: shared.usage,
            wake: Arc::new(NoNudge),
            clock: shared.clock,
            ids: shared.ids,
            gap: time::Duration::SECOND,
            enforces_caps: false,
        })
    }
}
