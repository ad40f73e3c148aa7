//! Plans and payments, as one bundle of use cases.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use msgflash_accounts::{PortalLinks, SignInUnits};
use msgflash_billing::{
    AssignPlan, BillingPorts, BillingQueue, BuyPlan, ChangePlan, ConfirmPayment, HandleEvent,
    MeterReader, NoticeQueue, NoticeReader, OperatorReader, PaymentProvider, PlanUnits,
    SyncCatalogue, TellProviders, TurnCalendar, WatchQuota,
};
use msgflash_kernel::{AccountId, Announce, Nudge};
use msgflash_payments::{DodoPayments, ManualPayments, StripePayments};

use crate::config::Billing;

mod mails;
pub mod words;

pub use mails::MailNotices;

/// What the use cases stand on.
pub struct BillingDeskPorts {
    /// What changing subscriptions needs.
    pub billing: BillingPorts,
    /// Whose turn it is.
    pub queue: Arc<dyn BillingQueue>,
    /// The stored plans.
    pub plans: Arc<dyn PlanUnits>,
    /// How much of a month's allowances is used.
    pub meters: Arc<dyn MeterReader>,
    /// What account holders were told.
    pub notices: Arc<dyn NoticeReader>,
    /// What of it is to go out by mail.
    pub to_mail: Arc<dyn NoticeQueue>,
    /// Mail on its way.
    pub mails: Arc<dyn SignInUnits>,
    /// What operators look at.
    pub operator: Arc<dyn OperatorReader>,
    /// Who takes money.
    pub providers: PaymentProviders,
    /// Where people reach the console, without a slash at the end.
    pub portal: String,
}

/// Everything that is done about plans and payments.
pub struct BillingDesk {
    /// Begins purchases.
    pub buy: BuyPlan,
    /// Lowers, cancels, and keeps a plan after all.
    pub change: ChangePlan,
    /// Handles what payment providers tell.
    pub handle: HandleEvent,
    /// Every provider that is listened to.
    pub providers: Vec<Arc<dyn PaymentProvider>>,
    /// Shows account holders what they were told.
    pub notices: Arc<dyn NoticeReader>,
    /// Takes payments that operators have seen.
    pub confirm: ConfirmPayment,
    /// Puts accounts on plans by the operator's word.
    pub assign: AssignPlan,
    /// Shows operators what waits for them.
    pub operator: Arc<dyn OperatorReader>,
    /// Makes the stored plans those of the catalogue.
    pub sync: Arc<SyncCatalogue>,
    /// Takes the steps that time brings.
    pub calendar: Arc<TurnCalendar>,
    /// Tells providers what to do.
    pub tell: Arc<TellProviders>,
    /// Tells of allowances that are nearly used.
    pub quota: Arc<WatchQuota>,
    /// Sends notices by mail.
    pub mails: Arc<MailNotices>,
}

impl BillingDesk {
    /// Wires the use cases.
    pub fn new(ports: BillingDeskPorts) -> Self {
        let BillingDeskPorts {
            billing,
            queue,
            plans,
            meters,
            notices,
            to_mail,
            mails,
            operator,
            providers,
            portal,
        } = ports;
        let PaymentProviders { seller, all } = providers;
        let (each, same) = (|| billing.clone(), || Arc::clone(&queue));
        let links = PortalLinks::new(&portal);
        let clock = Arc::clone(&billing.clock);
        Self {
            change: ChangePlan::new(each()),
            handle: HandleEvent::new(each(), same()),
            confirm: ConfirmPayment::new(each()),
            assign: AssignPlan::new(each()),
            sync: Arc::new(SyncCatalogue::new(each(), plans, same())),
            calendar: Arc::new(TurnCalendar::new(each(), same())),
            tell: Arc::new(TellProviders::new(each(), same(), all.iter().cloned())),
            quota: Arc::new(WatchQuota::new(each(), meters)),
            mails: Arc::new(MailNotices::new(to_mail, mails, links, clock)),
            buy: BuyPlan::new(each(), seller, portal),
            providers: all,
            notices,
            operator,
        }
    }
}

/// Who takes money.
pub struct PaymentProviders {
    /// Where new purchases are paid.
    pub seller: Arc<dyn PaymentProvider>,
    /// Every one that is listened to: what was bought at one goes on there, whoever sells by now.
    pub all: Vec<Arc<dyn PaymentProvider>>,
}

impl PaymentProviders {
    /// Those that the settings name. A TLS provider must have been installed for the process.
    pub fn of(config: &Billing) -> Result<Self> {
        let mut all: Vec<Arc<dyn PaymentProvider>> = vec![Arc::new(ManualPayments)];
        if let Some(dodo) = &config.dodo {
            let dodo = DodoPayments::new(dodo).context("the settings of Dodo Payments")?;
            all.push(Arc::new(dodo));
        }
        if let Some(stripe) = &config.stripe {
            let stripe = StripePayments::new(stripe).context("the settings of Stripe")?;
            all.push(Arc::new(stripe));
        }
        let seller = all.iter().find(|it| it.name() == config.provider);
        let seller =
            seller.context("billing_provider (MSGFLASH_BILLING_PROVIDER) is not set up")?;
        Ok(Self {
            seller: Arc::clone(seller),
            all,
        })
    }
}

/// Tells others of a changed standing, and wakes whoever tells its provider.
pub(crate) struct Rung {
    others: Arc<dyn Announce>,
    bell: Arc<dyn Nudge>,
}

impl Rung {
    pub(crate) fn new(others: Arc<dyn Announce>, bell: Arc<dyn Nudge>) -> Self {
        Self { others, bell }
    }
}

#[async_trait]
impl Announce for Rung {
    async fn changed(&self, account: AccountId) {
        self.others.changed(account).await;
        self.bell.nudge();
    }
}
