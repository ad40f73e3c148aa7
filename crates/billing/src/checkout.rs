//! Buying a plan.

use std::sync::Arc;

use msgflash_kernel::{AccountId, Id};
use time::{Duration, OffsetDateTime};

use crate::error::BillingError;
use crate::event::CheckoutId;
use crate::plan::{Plan, PlanId};
use crate::provider::{CheckoutOrder, CheckoutPage, PaymentProvider, ProviderError};
use crate::rules::PlanChangeError;
use crate::subscription::BillingProvider;
use crate::turn::{BillingPorts, Turn};

/// How long a page is shown again to whoever asks for the same: shorter than any provider keeps it.
const SAME_PAGE: Duration = Duration::minutes(30);

/// A purchase that was begun. It holds the version that was on offer then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    /// Its id.
    pub id: CheckoutId,
    /// Who buys.
    pub account: AccountId,
    /// What.
    pub plan: PlanId,
    /// Where.
    pub provider: BillingProvider,
    /// What the provider calls it; `None` where somebody takes money by hand.
    pub product: Option<String>,
    /// Where it is paid; `None` until the provider says so, and where somebody takes money by hand.
    pub page: Option<CheckoutPage>,
    /// When it was begun.
    pub created_at: OffsetDateTime,
    /// When it was paid.
    pub paid_at: Option<OffsetDateTime>,
}

/// Who buys, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurchaseOrder {
    /// Who pays.
    pub account: AccountId,
    /// The code of the plan.
    pub plan: String,
    /// The payer's address, for the provider's form.
    pub email: String,
    /// The payer's name, likewise.
    pub name: String,
}

/// A purchase, begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purchase {
    /// Where it is paid; `None` where the operator confirms payments.
    pub url: Option<String>,
    /// The code of the plan.
    pub plan: String,
}

/// Begins purchases.
pub struct BuyPlan {
    ports: BillingPorts,
    provider: Arc<dyn PaymentProvider>,
    portal: String,
}

impl BuyPlan {
    /// Wires the use case. `portal` is where people reach the console, without a slash at the end.
    pub fn new(ports: BillingPorts, provider: Arc<dyn PaymentProvider>, portal: String) -> Self {
        Self {
            ports,
            provider,
            portal,
        }
    }

    /// Begins a purchase. The plan changes when it is paid, not now.
    pub async fn begin(&self, order: PurchaseOrder) -> Result<Purchase, PlanChangeError> {
        let (checkout, plan) = self.record(&order).await?;
        let page = match checkout.page {
            Some(page) => Some(page),
            None => self.page(&checkout, &plan, order).await?,
        };
        Ok(Purchase {
            url: page.map(|it| it.url),
            plan: plan.code,
        })
    }

    /// Whoever asks twice gets the purchase they began: two pages would be paid twice.
    async fn record(&self, order: &PurchaseOrder) -> Result<(Checkout, Plan), PlanChangeError> {
        let turn = Turn::begin(&self.ports, order.account).await?;
        let mut turn = turn.ok_or(BillingError::NoSubscription)?;
        let (now, provider) = (turn.now(), self.provider.name());
        let plan = turn.store().newest_plan(&order.plan).await?;
        let plan = plan.ok_or(PlanChangeError::UnknownPlan)?;
        turn.standing.may_buy(&plan, now)?;
        if plan.rank < turn.standing.plan.rank {
            plan.host(&turn.store().teams(order.account, now).await?)?;
        }
        let product = self.product(&plan)?;
        let checkouts = turn.unit.checkouts();
        let open = checkouts.open(order.account, &plan.code, provider, now - SAME_PAGE);
        if let Some(open) = open.await?
            && (open.plan, &open.product) == (plan.id, &product)
        {
            return Ok((open, plan));
        }
        let checkout = Checkout {
            id: Id::new(self.ports.ids.next()),
            account: order.account,
            plan: plan.id,
            provider,
            product,
            page: None,
            created_at: now,
            paid_at: None,
        };
        checkouts.insert(&checkout).await?;
        turn.finish().await?;
        Ok((checkout, plan))
    }

    /// No unit is open meanwhile: providers take their time.
    async fn page(
        &self,
        checkout: &Checkout,
        plan: &Plan,
        order: PurchaseOrder,
    ) -> Result<Option<CheckoutPage>, PlanChangeError> {
        let order = CheckoutOrder {
            checkout: checkout.id,
            account: order.account,
            plan: plan.code.clone(),
            product: checkout.product.clone().unwrap_or_default(),
            email: order.email,
            name: order.name,
            success_url: format!("{}/billing?success=true", self.portal),
            cancel_url: format!("{}/billing?cancelled=true", self.portal),
        };
        let asked = self.provider.checkout(&order).await;
        let mut unit = self.ports.units.begin().await?;
        let page = match asked {
            Ok(Some(page)) => page,
            Ok(None) => return Ok(None),
            Err(error) => {
                // Some refuse who asks twice at once: the other call has the page by now, then.
                let known = unit.checkouts().find(checkout.id).await?;
                let known = known.and_then(|it| it.page);
                return known.map(Some).ok_or(error.into());
            }
        };
        let page = unit.checkouts().set_page(checkout.id, &page).await?;
        unit.commit().await?;
        Ok(Some(page))
    }

    fn product(&self, plan: &Plan) -> Result<Option<String>, ProviderError> {
        match self.provider.name() {
            BillingProvider::Manual => Ok(None),
            provider => self.ports.catalogue.product(&plan.code, provider).map(Some),
        }
    }
}
