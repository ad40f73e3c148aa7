//! What an event is about.

use msgflash_kernel::StoreError;

use crate::agreement::Agreement;
use crate::checkout::Checkout;
use crate::event::PaymentEvent;
use crate::plan::Plan;
use crate::turn::Turn;

/// What is known here of that which an event names. Names that are somebody else's count for nothing.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    /// The agreement, current or not.
    pub(super) agreement: Option<Agreement>,
    /// The purchase it began with.
    pub(super) checkout: Option<Checkout>,
    /// The plan version that is paid for: what is held with the current agreement, what was bought with
    /// another, else what the purchase was begun for. `None` when nothing here was.
    pub(super) plan: Option<Plan>,
}

impl Subject {
    pub(super) async fn of(turn: &mut Turn<'_>, event: &PaymentEvent) -> Result<Self, StoreError> {
        let account = turn.account();
        let agreement = match &event.agreement {
            Some(reference) => {
                let store = turn.store();
                store.agreement(account, event.provider, reference).await?
            }
            None => None,
        };
        let checkout = match event.origin.checkout {
            Some(id) => turn.unit.checkouts().find(id).await?,
            None => None,
        };
        let checkout = checkout.filter(|it| it.account == account && it.provider == event.provider);
        let plan = match (&agreement, &checkout) {
            (Some(it), _) if it.is_current => Some(turn.standing.plan.clone()),
            (Some(it), _) if it.has_begun => turn.store().plan(it.bought).await?,
            (_, Some(it)) => turn.store().plan(it.plan).await?,
            (_, None) => None,
        };
        Ok(Self {
            agreement,
            checkout,
            plan,
        })
    }

    /// The plan that an event pays for, if it was sold here for the product that was charged.
    pub(super) fn sold(&self, event: &PaymentEvent) -> Option<&Plan> {
        let product = self.checkout.as_ref()?.product.as_ref()?;
        let is_that = event.product.as_ref() == Some(product);
        self.plan.as_ref().filter(|_| is_that)
    }
}
