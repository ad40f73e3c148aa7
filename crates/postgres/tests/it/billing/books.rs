//! An account that buys, pays and is reminded, on a clock that can be moved.

use std::sync::Arc;

use msgflash_billing::catalogue::DEFAULT;
use msgflash_billing::{
    Agreement, AssignPlan, BillingPorts, BillingProvider, BillingQueue, BillingReader as _,
    BillingUnit, BillingUnits, Catalogue, Checkout, CheckoutId, Entitlement, HandleEvent, Money,
    Origin, PaidPeriod, PaymentEvent, PaymentEventKind, Plan, Standing, TurnCalendar, Wish,
};
use msgflash_kernel::{AccountId, Clock as _, FixedClock, NoAnnouncement, RandomIds, Workspace};
use msgflash_postgres::Postgres;
use time::{Duration, OffsetDateTime};

use crate::stage::{NOW, Stage, fresh};

pub(super) struct Books {
    pub(super) stage: Stage,
    pub(super) account: AccountId,
    pub(super) clock: Arc<FixedClock>,
}

impl Books {
    /// One account, on the plan of those who pay nothing.
    pub(super) async fn new() -> Self {
        let stage = Stage::new().await;
        let account = account(&stage, "lea@shop.test").await;
        let clock = Arc::new(FixedClock::at(NOW));
        Self {
            stage,
            account,
            clock,
        }
    }

    pub(super) fn postgres(&self) -> &Postgres {
        &self.stage.postgres
    }

    /// What a process with this pool works with.
    pub(super) fn ports_on(&self, postgres: &Postgres, catalogue: Catalogue) -> BillingPorts {
        BillingPorts {
            units: Arc::new(postgres.clone()),
            catalogue: Arc::new(catalogue),
            announce: Arc::new(NoAnnouncement),
            clock: self.clock.clone(),
            ids: Arc::new(RandomIds),
        }
    }

    pub(super) fn ports(&self) -> BillingPorts {
        let text = DEFAULT.replacen(
            "name = \"Pro\"\n",
            "name = \"Pro\"\nproducts = { stripe = \"price_pro\" }\n",
            1,
        );
        let catalogue = Catalogue::parse(&text).expect("a catalogue");
        self.ports_on(self.postgres(), catalogue)
    }

    pub(super) fn queue(&self) -> Arc<dyn BillingQueue> {
        Arc::new(self.postgres().clone())
    }

    pub(super) fn events(&self) -> HandleEvent {
        HandleEvent::new(self.ports(), self.queue())
    }

    pub(super) fn calendar(&self) -> TurnCalendar {
        TurnCalendar::new(self.ports(), self.queue())
    }

    pub(super) async fn unit(&self) -> Box<dyn BillingUnit> {
        let unit = BillingUnits::begin(self.postgres()).await;
        unit.expect("a unit")
    }

    pub(super) async fn standing(&self) -> Standing {
        let mut unit = self.unit().await;
        let standing = unit.standings().lock(self.account).await;
        standing.expect("locked").expect("an account")
    }

    pub(super) async fn held(&self, account: AccountId) -> Entitlement {
        let held = self.postgres().entitlement(account).await;
        held.expect("read").expect("an account")
    }

    pub(super) async fn plan(&self, code: &str) -> Plan {
        let mut unit = self.unit().await;
        let plan = unit.standings().newest_plan(code).await;
        plan.expect("read").expect("a plan")
    }

    pub(super) async fn assign(&self, account: AccountId, code: &str) {
        let assigned = AssignPlan::new(self.ports()).assign(account, code).await;
        assigned.expect("assigned");
    }

    /// Has an account begin to buy a plan at Stripe.
    pub(super) async fn begin(&self, account: AccountId, code: &str) -> CheckoutId {
        let checkout = Checkout {
            id: fresh(),
            account,
            plan: self.plan(code).await.id,
            provider: BillingProvider::Stripe,
            product: Some(format!("price_{code}")),
            page: None,
            created_at: self.clock.now(),
            paid_at: None,
        };
        let mut unit = self.unit().await;
        let begun = unit.checkouts().insert(&checkout).await;
        begun.expect("recorded");
        unit.commit().await.expect("committed");
        checkout.id
    }

    /// Word that the first month of a purchase, begun now, is paid.
    pub(super) async fn sale(&self, agreement: &str, code: &str) -> PaymentEvent {
        let mut event = paid(self.account, agreement, code, 0);
        event.origin.checkout = Some(self.begin(self.account, code).await);
        event
    }

    /// Has the account pay Stripe for a month of a plan.
    pub(super) async fn buy(&self, agreement: &str, code: &str) {
        let event = self.sale(agreement, code).await;
        let outcome = self.events().handle(&event).await.expect("handled");
        assert_eq!(outcome, msgflash_billing::Outcome::Applied);
    }

    /// Records an agreement as it stands.
    pub(super) async fn save(&self, agreement: &Agreement) {
        let mut unit = self.unit().await;
        let saved = unit.standings().save_agreement(agreement).await;
        saved.expect("saved");
        unit.commit().await.expect("committed");
    }

    /// An agreement of the account with Stripe, for Pro.
    pub(super) async fn agreement(&self, reference: &str) -> Agreement {
        Agreement {
            id: fresh(),
            account: self.account,
            provider: BillingProvider::Stripe,
            reference: reference.to_owned(),
            customer: Some("cus_1".to_owned()),
            bought: self.plan("pro").await.id,
            bought_code: "pro".to_owned(),
            product: Some("price_pro".to_owned()),
            is_current: true,
            has_begun: true,
            covered_at: self.clock.now(),
            wish: Wish::Charge("pro".to_owned()),
            told: Wish::Charge("pro".to_owned()),
            ended_at: None,
        }
    }

    pub(super) async fn run(&self, statements: &str) {
        let session = self.stage.session().await;
        session.batch_execute(statements).await.expect("executed");
    }

    /// One column of some rows, as text.
    pub(super) async fn texts(&self, query: &str) -> Vec<String> {
        let session = self.stage.session().await;
        let rows = session.query(query, &[]).await.expect("rows");
        rows.iter().map(|row| row.get(0)).collect()
    }

    pub(super) async fn count(&self, of: &str) -> i64 {
        let session = self.stage.session().await;
        let query = format!("SELECT count(*) FROM {of}");
        let row = session.query_one(&query, &[]).await.expect("a count");
        row.get(0)
    }

    /// The kinds of all notices, in their order.
    pub(super) async fn told(&self) -> Vec<String> {
        self.texts("SELECT kind FROM notices ORDER BY id").await
    }
}

pub(super) async fn account(stage: &Stage, email: &str) -> AccountId {
    Workspace::personal(stage.user(email).await.id).account
}

/// A month that begins so many months after tests do.
pub(super) fn month(n: u32) -> PaidPeriod {
    PaidPeriod {
        start: PaidPeriod::months(NOW, n).end,
        end: PaidPeriod::months(NOW, n + 1).end,
    }
}

/// Word of Stripe that a month of an agreement is paid.
pub(super) fn paid(account: AccountId, agreement: &str, plan: &str, n: u32) -> PaymentEvent {
    let period = month(n);
    PaymentEvent {
        id: format!("paid-{agreement}-{n}"),
        provider: BillingProvider::Stripe,
        kind: PaymentEventKind::Paid,
        occurred_at: period.start,
        origin: Origin {
            account: Some(account),
            plan: Some(plan.to_owned()),
            checkout: None,
        },
        customer: Some("cus_1".to_owned()),
        agreement: Some(agreement.to_owned()),
        payment: Some(format!("in_{agreement}_{n}")),
        product: Some(format!("price_{plan}")),
        money: Some(Money {
            amount: 1900,
            currency: "EUR".to_owned(),
        }),
        period: Some(period),
    }
}

/// A moment after that at which tests happen.
pub(super) fn later(minutes: i64) -> OffsetDateTime {
    NOW + Duration::minutes(minutes)
}
