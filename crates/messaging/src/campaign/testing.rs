//! Sample campaigns for this crate's tests.

use msgflash_kernel::Id;
use uuid::Uuid;

use super::{Audience, Campaign, CampaignContent, CampaignStatus, Counters, Repeat, Run};
use crate::message::content::Content;
use crate::testing::{NOW, instance, workspace};

/// A campaign whose time has come.
pub(crate) fn campaign() -> Campaign {
    Campaign {
        id: Id::new(Uuid::from_u128(0xC)),
        workspace: workspace(),
        acting_user: workspace().owner(),
        instance: instance().id,
        name: "April offer".into(),
        content: CampaignContent::Direct(Content::Text("Hello".into())),
        audience: Audience::All,
        schedule: NOW,
        repeat: Repeat::None,
        send_by: None,
        window: None,
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
        turn_at: Some(NOW),
        deleted_at: None,
        created_at: NOW,
        updated_at: NOW,
    }
}

/// One that runs, with its audience written down.
pub(crate) fn running() -> Campaign {
    Campaign {
        status: CampaignStatus::Running,
        run: Some(Run {
            id: Id::new(Uuid::from_u128(0xCC)),
            started_at: NOW,
            expansion: None,
            made_to: Uuid::nil(),
            made_most: Uuid::nil(),
        }),
        processing_started_at: Some(NOW),
        ..campaign()
    }
}
