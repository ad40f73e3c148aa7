//! What billing needs from a store.

use async_trait::async_trait;
use msgflash_kernel::{AccountId, Cursor, Page, StoreError, TeamId, Unit};
use time::OffsetDateTime;

use crate::agreement::{Agreement, AgreementId, Wish};
use crate::catalogue::CatalogueChange;
use crate::checkout::Checkout;
use crate::effects::{Effects, Holdings};
use crate::event::{CheckoutId, PaymentEvent};
use crate::notice::{KeptNotice, MailNotice, Meter, Notice, NoticeId, Threshold};
use crate::operator::{HandledEvent, PendingPurchase, StoredPlan};
use crate::payment::{PaymentNews, PaymentPage};
use crate::plan::{Plan, PlanId};
use crate::provider::CheckoutPage;
use crate::subscription::{BillingProvider, Entitlement, Subscription};

/// Reads plans, subscriptions and payments.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait BillingReader: Send + Sync {
    /// The plans on offer, by rank.
    async fn active_plans(&self) -> Result<Vec<Plan>, StoreError>;
    /// What an account holds; `None` only for unknown accounts.
    async fn entitlement(&self, account: AccountId) -> Result<Option<Entitlement>, StoreError>;
    /// Page `page` (from 1) of an account's payments, newest first.
    async fn payments(
        &self,
        account: AccountId,
        page: u32,
        limit: u32,
    ) -> Result<PaymentPage, StoreError>;
}

/// How an account stands: its subscription, the plan version it holds, and the agreement it rests
/// on, if a provider collects the money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The subscription.
    pub subscription: Subscription,
    /// The plan version it holds.
    pub plan: Plan,
    /// The current agreement.
    pub agreement: Option<Agreement>,
}

/// How full an owned team is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TeamLoad {
    /// The team.
    pub team: TeamId,
    /// Members and pending invitations, the owner included.
    pub seats: u32,
}

/// Changes how accounts stand. Reached through a unit of work only. Whoever locks an account holds
/// the row on which everything of it is counted, before any other row of it.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait StandingStore: Send {
    /// Reads how an account stands, for change: the account's row, its subscription's, then its
    /// current agreement's.
    async fn lock(&mut self, account: AccountId) -> Result<Option<Standing>, StoreError>;
    /// Writes a locked subscription back, and beside it when it is due next.
    async fn save(&mut self, subscription: &Subscription) -> Result<(), StoreError>;
    /// The newest version of a plan, retired ones included.
    async fn newest_plan(&mut self, code: &str) -> Result<Option<Plan>, StoreError>;
    /// One version of a plan.
    async fn plan(&mut self, id: PlanId) -> Result<Option<Plan>, StoreError>;
    /// The agreement of the locked account that the provider calls so.
    async fn agreement(
        &mut self,
        account: AccountId,
        provider: BillingProvider,
        reference: &str,
    ) -> Result<Option<Agreement>, StoreError>;
    /// Records an agreement, or what is different about it. What superseded ones are recorded as is
    /// written before the one that took their place.
    async fn save_agreement(&mut self, agreement: &Agreement) -> Result<(), StoreError>;
    /// The teams an account owns, and how full they are.
    async fn teams(
        &mut self,
        account: AccountId,
        now: OffsetDateTime,
    ) -> Result<Vec<TeamLoad>, StoreError>;
}

/// Records what providers told. Reached through a unit of work only.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait EventStore: Send {
    /// Records that an event is being handled; `false` when it was handled before. Whoever handles
    /// the same one at this moment is waited for.
    async fn record(
        &mut self,
        event: &PaymentEvent,
        account: AccountId,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError>;
    /// Whose a recorded event is.
    async fn account_of(&mut self, event: &PaymentEvent) -> Result<Option<AccountId>, StoreError>;
    /// Records a payment, or what is different about it, as [`PaymentNews`] says. One whose money went
    /// back already is recorded as that.
    async fn note_payment(&mut self, news: &PaymentNews) -> Result<(), StoreError>;
    /// Records that the money of a payment went back, also of one that nobody told of yet.
    async fn note_refund(
        &mut self,
        provider: BillingProvider,
        payment: &str,
        now: OffsetDateTime,
    ) -> Result<(), StoreError>;
}

/// Records purchases that were begun. Reached through a unit of work only.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait CheckoutStore: Send {
    /// Records one.
    async fn insert(&mut self, checkout: &Checkout) -> Result<(), StoreError>;
    /// One by its id.
    async fn find(&mut self, id: CheckoutId) -> Result<Option<Checkout>, StoreError>;
    /// The newest one of an account for any version of a plan that is not paid and was begun after
    /// `since`.
    async fn open(
        &mut self,
        account: AccountId,
        plan: &str,
        provider: BillingProvider,
        since: OffsetDateTime,
    ) -> Result<Option<Checkout>, StoreError>;
    /// Records where it is paid, unless that is known; answers where. Whoever asks twice at once gets
    /// two pages from some providers: one of them is shown to nobody.
    async fn set_page(
        &mut self,
        id: CheckoutId,
        page: &CheckoutPage,
    ) -> Result<CheckoutPage, StoreError>;
    /// Records that it is paid.
    async fn set_paid(&mut self, id: CheckoutId, at: OffsetDateTime) -> Result<(), StoreError>;
}

/// What accounts have of that which plans cap. Reached through a unit of work only, in which the
/// account is locked.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait HoldingStore: Send {
    /// What an account has, over all its workspaces.
    async fn held(&mut self, account: AccountId) -> Result<Holdings, StoreError>;
    /// Makes it so. Suspended instances are marked to be unlinked at the provider, which happens
    /// after the unit is kept.
    async fn apply(
        &mut self,
        account: AccountId,
        effects: &Effects,
        now: OffsetDateTime,
    ) -> Result<(), StoreError>;
}

/// Keeps notices for the console and for mail. Reached through a unit of work only.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait NoticeStore: Send {
    /// Appends notices.
    async fn append(&mut self, notices: &[Notice]) -> Result<(), StoreError>;
    /// The highest threshold of a meter that was told in a period (202605 is May 2026), for change.
    async fn told(
        &mut self,
        account: AccountId,
        period: i32,
        meter: Meter,
    ) -> Result<Option<Threshold>, StoreError>;
    /// Records that one was told.
    async fn set_told(
        &mut self,
        account: AccountId,
        period: i32,
        meter: Meter,
        threshold: Threshold,
    ) -> Result<(), StoreError>;
}

/// Changes how an account stands, with all that follows, in one transaction.
pub trait BillingUnit: Unit {
    /// Subscriptions, plans and agreements.
    fn standings(&mut self) -> &mut dyn StandingStore;
    /// What providers told.
    fn events(&mut self) -> &mut dyn EventStore;
    /// Purchases.
    fn checkouts(&mut self) -> &mut dyn CheckoutStore;
    /// What plans cap.
    fn holdings(&mut self) -> &mut dyn HoldingStore;
    /// What account holders are told.
    fn notices(&mut self) -> &mut dyn NoticeStore;
}

/// Begins such transactions.
#[async_trait]
pub trait BillingUnits: Send + Sync {
    /// Begins one.
    async fn begin(&self) -> Result<Box<dyn BillingUnit>, StoreError>;
}

/// Finds whose turn it is. Each call sees its own snapshot: who is found is locked and looked at
/// once more before anything is done.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait BillingQueue: Send + Sync {
    /// Accounts whose subscription is due, those that have been for longest first, without those that
    /// somebody is at; then those with an instance that a plan suspended, and a place for it.
    async fn due(&self, now: OffsetDateTime, limit: u32) -> Result<Vec<AccountId>, StoreError>;
    /// Lets an account wait that could not be brought up, so that others are found.
    async fn postpone(&self, account: AccountId, until: OffsetDateTime) -> Result<(), StoreError>;
    /// Accounts that hold another version of a plan than this one, the newest of its code.
    async fn outdated(&self, newest: PlanId, limit: u32) -> Result<Vec<AccountId>, StoreError>;
    /// Who pays for what an event is about, by its agreement, else its purchase, else its payment,
    /// else the account it names; `None` when it is nobody's here. The payer's name at the provider
    /// says nothing: they may buy other things there.
    async fn payer(&self, event: &PaymentEvent) -> Result<Option<AccountId>, StoreError>;
    /// An agreement whose provider has to be told something, and nobody else gets it before `until`.
    async fn claim_untold(
        &self,
        now: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<Option<Agreement>, StoreError>;
    /// Records what the provider of an agreement was told. It has to be told again if the wish has
    /// changed meanwhile.
    async fn set_told(&self, id: AgreementId, told: &Wish) -> Result<(), StoreError>;
    /// Puts an agreement off that could not be told, and counts that.
    async fn put_off(&self, id: AgreementId, until: OffsetDateTime) -> Result<(), StoreError>;
}

/// Hands out notices that are to go out by mail.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait NoticeQueue: Send + Sync {
    /// Some of them, the oldest first. Nobody else gets them before `until`.
    async fn claim(
        &self,
        now: OffsetDateTime,
        until: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<MailNotice>, StoreError>;
    /// Records that one went out, or is in the hands of whoever sends mail.
    async fn mailed(&self, id: NoticeId) -> Result<(), StoreError>;
}

/// Shows account holders what they were told. Each call sees its own snapshot.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait NoticeReader: Send + Sync {
    /// Notices of an account, the newest first: all, or those that nobody has read. `after` is a
    /// cursor of [`KeptNotice::scope`].
    async fn list(
        &self,
        account: AccountId,
        unread: bool,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<KeptNotice>, StoreError>;
    /// Records that one was read; the first time stays. `false` when the account has no such notice.
    async fn read(
        &self,
        account: AccountId,
        id: NoticeId,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError>;
    /// Records that all were read.
    async fn read_all(&self, account: AccountId, now: OffsetDateTime) -> Result<(), StoreError>;
}

/// Shows operators what waits for them, and what providers told. Each call sees its own snapshot.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait OperatorReader: Send + Sync {
    /// All plans, retired ones included: those on offer first, each part by rank.
    async fn plans(&self) -> Result<Vec<StoredPlan>, StoreError>;
    /// Purchases begun after `since` that nobody has paid and that are paid by hand, the oldest first.
    /// Of several of one account for one plan the newest is shown; none that was begun before another
    /// one of the account was paid.
    async fn pending(
        &self,
        since: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<PendingPurchase>, StoreError>;
    /// Events that were handled, the newest first; of one account or of all.
    async fn events(
        &self,
        account: Option<AccountId>,
        limit: u32,
    ) -> Result<Vec<HandledEvent>, StoreError>;
}

/// Changes the stored plans in one transaction.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait PlanStore: Send {
    /// The newest versions of all plans, while nobody else changes any.
    async fn lock_newest(&mut self) -> Result<Vec<Plan>, StoreError>;
    /// Makes changes; new versions get these ids, in their order.
    async fn change(
        &mut self,
        changes: &[CatalogueChange],
        ids: &[PlanId],
    ) -> Result<(), StoreError>;
}

/// Changes plans in one transaction.
pub trait PlanUnit: Unit {
    /// The plans.
    fn plans(&mut self) -> &mut dyn PlanStore;
}

/// Begins such transactions.
#[async_trait]
pub trait PlanUnits: Send + Sync {
    /// Begins one.
    async fn begin(&self) -> Result<Box<dyn PlanUnit>, StoreError>;
}
