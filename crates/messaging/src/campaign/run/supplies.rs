//! What a turn needs from others, read before its campaign is held.

use msgflash_kernel::StoreError;
use msgflash_quotas::Allowance;
use msgflash_templates::TemplateError;
use time::OffsetDateTime;

use super::RunCampaigns;
use crate::campaign::make::Material;
use crate::campaign::{Campaign, CampaignContent, CampaignStatus};
use crate::instance::Instance;

/// What a turn needs from others.
pub(super) struct Supplies {
    pub(super) allowance: Allowance,
    pub(super) stock: Stock,
}

/// What messages are made of.
pub(super) enum Stock {
    There(Material),
    /// The template was deleted.
    Gone,
    /// Nobody looked: no message was to be made.
    Unseen,
}

impl RunCampaigns {
    /// What a turn needs from others.
    pub(super) async fn supplies(
        &self,
        seen: &Campaign,
        now: OffsetDateTime,
    ) -> Result<Supplies, StoreError> {
        let allowance = self.allowance(seen, now).await?;
        let stock = self.stock(seen).await?;
        Ok(Supplies { allowance, stock })
    }

    async fn stock(&self, seen: &Campaign) -> Result<Stock, StoreError> {
        let (template, variables) = match &seen.content {
            CampaignContent::Direct(content) => {
                return Ok(Stock::There(Material::Direct(content.clone())));
            }
            CampaignContent::Template {
                template,
                variables,
            } => (template, variables),
        };
        let Some(id) = template else {
            return Ok(Stock::Gone);
        };
        let templates = &self.ports.templates;
        match templates.find(seen.workspace.id, *id).await {
            Ok(template) => {
                let prepared = templates.prepare(template, seen.workspace).await;
                let prepared = Box::new(prepared.map_err(of_store)?);
                Ok(Stock::There(Material::Template(
                    prepared,
                    variables.clone(),
                )))
            }
            Err(TemplateError::NoTemplate(_)) => Ok(Stock::Gone),
            Err(cause) => Err(of_store(cause)),
        }
    }

    pub(super) async fn allowance(
        &self,
        seen: &Campaign,
        now: OffsetDateTime,
    ) -> Result<Allowance, StoreError> {
        let account = seen.workspace.account;
        let allowances = self.ports.allowances.allowances(&[account], now).await?;
        let allowance = allowances.first().copied();
        allowance.ok_or_else(|| StoreError::corrupt("allowances", "none for an account"))
    }
}

/// The state of a campaign that cannot go on until a person lets it; `None` when it can.
pub(super) fn stopped(allowance: Allowance, instance: Option<&Instance>) -> Option<CampaignStatus> {
    if !allowance.usable || !allowance.campaigns {
        Some(CampaignStatus::PausedPlan)
    } else if instance.is_none() {
        Some(CampaignStatus::Paused)
    } else {
        None
    }
}

/// What a template's keeper could not tell.
fn of_store(cause: TemplateError) -> StoreError {
    match cause {
        TemplateError::Store(cause) => cause,
        other => StoreError::Failed(other.to_string().into()),
    }
}
