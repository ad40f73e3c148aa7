//! Reading campaigns and what became of their recipients.

use std::sync::Arc;

use msgflash_kernel::{Page, PageRequest, WorkspaceId};

use super::error::CampaignError;
use super::make::empty;
use super::ports::{CampaignReader, RecipientFilter};
use super::recipient::{Line, RecipientStatus};
use super::{Campaign, CampaignId, CampaignStatus};
use crate::message::{Message, MessageId, MessageKind, MessageStatus};

/// How many campaigns a list without pages shows at most.
const MOST_LISTED: u32 = 1000;

/// Reads campaigns.
pub struct ReadCampaigns {
    campaigns: Arc<dyn CampaignReader>,
}

impl ReadCampaigns {
    /// Wires it.
    pub fn new(campaigns: Arc<dyn CampaignReader>) -> Self {
        Self { campaigns }
    }

    /// One of them.
    pub async fn find(
        &self,
        workspace: WorkspaceId,
        id: CampaignId,
    ) -> Result<Campaign, CampaignError> {
        let found = self.campaigns.find(workspace, id).await?;
        found.ok_or(CampaignError::NoCampaign(id))
    }

    /// A page of them, the newest first.
    pub async fn page(
        &self,
        workspace: WorkspaceId,
        status: Option<CampaignStatus>,
        page: &PageRequest,
    ) -> Result<Page<Campaign>, CampaignError> {
        Ok(self.campaigns.page(workspace, status, page).await?)
    }

    /// The newest ones, without pages.
    pub async fn list(&self, workspace: WorkspaceId) -> Result<Vec<Campaign>, CampaignError> {
        let page = PageRequest {
            limit: MOST_LISTED,
            after: None,
        };
        let page = self.campaigns.page(workspace, None, &page).await?;
        Ok(page.items)
    }

    /// Those with this in their names, the newest first.
    pub async fn named(
        &self,
        workspace: WorkspaceId,
        text: &str,
        limit: u32,
    ) -> Result<Vec<Campaign>, CampaignError> {
        Ok(self.campaigns.named(workspace, text, limit).await?)
    }

    /// How many there are in each state; what is empty is left out.
    pub async fn counts(
        &self,
        workspace: WorkspaceId,
    ) -> Result<Vec<(CampaignStatus, u64)>, CampaignError> {
        Ok(self.campaigns.counts(workspace).await?)
    }

    /// What became of the recipients of one.
    pub async fn recipients(
        &self,
        workspace: WorkspaceId,
        id: CampaignId,
        filter: &RecipientFilter,
        page: &PageRequest,
    ) -> Result<Page<Line>, CampaignError> {
        let campaign = self.find(workspace, id).await?;
        Ok(self.campaigns.recipients(&campaign, filter, page).await?)
    }

    /// A message that is not made yet, as it is listed: its recipient is waiting for it.
    pub async fn planned(
        &self,
        workspace: WorkspaceId,
        id: MessageId,
    ) -> Result<Option<Message>, CampaignError> {
        let found = self.campaigns.find_planned(workspace, id).await?;
        Ok(found.map(|(campaign, line)| planned(&campaign, line)))
    }
}

fn planned(campaign: &Campaign, line: Line) -> Message {
    let status = match line.status {
        RecipientStatus::Message(status) => status,
        RecipientStatus::Skipped => MessageStatus::Cancelled,
    };
    Message {
        id: line.message,
        contact: line.contact,
        kind: line.kind.unwrap_or(MessageKind::Text),
        status,
        error: line.error,
        meta: line
            .code
            .map(|code| ("code".to_owned(), code.into()))
            .into_iter()
            .collect(),
        created_at: line.created_at,
        updated_at: line.updated_at,
        ..empty(campaign, line.phone, line.created_at)
    }
}

/// How much of a campaign is done, from 0 to 100.
pub fn progress(campaign: &Campaign) -> u8 {
    if campaign.status == CampaignStatus::Completed {
        return 100;
    }
    let counters = campaign.counters;
    if counters.planned == 0 {
        return 0;
    }
    let done = counters.planned.saturating_sub(counters.queued);
    let percent = (done * 200 + counters.planned) / (counters.planned * 2);
    u8::try_from(percent.min(100)).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::super::Counters;
    use super::super::testing::running;
    use super::*;

    #[test]
    fn progress_is_what_is_not_queued_any_more() {
        let of = |planned, queued| {
            progress(&Campaign {
                counters: Counters {
                    planned,
                    queued,
                    ..Counters::default()
                },
                ..running()
            })
        };
        assert_eq!((of(500, 120), of(1000, 150)), (76, 85));
        assert_eq!((of(0, 0), of(3, 0)), (0, 100));
        let empty = Campaign {
            status: CampaignStatus::Completed,
            ..running()
        };
        assert_eq!(progress(&empty), 100);
    }
}
