//! Allowances as the accounts' plans grant them.

use std::sync::Arc;

use async_trait::async_trait;
use msgflash_billing::BillingReader;
use msgflash_kernel::{AccountId, StoreError};
use time::OffsetDateTime;

use crate::ports::{Allowance, AllowanceReader};

/// Reads allowances from subscriptions and plans.
pub struct PlanAllowances {
    billing: Arc<dyn BillingReader>,
}

impl PlanAllowances {
    /// Allowances from what `billing` knows.
    pub fn new(billing: Arc<dyn BillingReader>) -> Self {
        Self { billing }
    }
}

#[async_trait]
impl AllowanceReader for PlanAllowances {
    async fn allowances(
        &self,
        accounts: &[AccountId],
        now: OffsetDateTime,
    ) -> Result<Vec<Allowance>, StoreError> {
        let mut allowances = Vec::with_capacity(accounts.len());
        for account in accounts {
            let entitlement = self.billing.entitlement(*account).await?;
            allowances.push(entitlement.map_or(
                Allowance {
                    usable: false,
                    outbound: Some(0),
                    campaigns: false,
                },
                |held| Allowance {
                    usable: held.subscription.is_usable(now),
                    outbound: held.plan.limits.monthly_outbound_quota,
                    campaigns: held.plan.features.campaigns,
                },
            ));
        }
        Ok(allowances)
    }
}
