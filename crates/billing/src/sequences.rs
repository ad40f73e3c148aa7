//! Whatever happens in whatever order: one plan, no access that nobody paid for, nothing twice.

use std::collections::{BTreeMap, BTreeSet};

use msgflash_kernel::Id;
use proptest::prelude::*;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::agreement::Wish;
use crate::change::ChangePlan;
use crate::effects::{EndpointState, HeldEndpoint, HeldInstance, HeldKey, Holdings, InstanceState};
use crate::event::{PaymentEvent, PaymentEventKind};
use crate::model::{Model, START};
use crate::operator::{AssignPlan, ConfirmPayment, SeenPayment};
use crate::plan::Plan;
use crate::sample::{self, account, failed, month, paid};
use crate::settle::{HandleEvent, Outcome};
use crate::subscription::GRACE;
use crate::upkeep::TurnCalendar;

const CODES: [&str; 2] = ["pro", "max"];

#[derive(Clone, Debug)]
enum Step {
    Lower,
    Cancel,
    Keep,
    Confirm {
        plan: usize,
        reference: u8,
    },
    /// Word about a month of one of a few agreements, of which each buys one plan.
    Paid {
        agreement: usize,
        month: u32,
    },
    Failed {
        agreement: usize,
        month: u32,
    },
    /// Word that the money of that month went back.
    Refunded {
        agreement: usize,
        month: u32,
    },
    Ended {
        agreement: usize,
    },
    /// The operator gives a plan without an end.
    Assign {
        plan: usize,
    },
    /// The account takes a place of everything that its plan has places for.
    Make,
    Wait {
        hours: i64,
    },
    Look,
}

fn step() -> impl Strategy<Value = Step> {
    let (agreement, month) = (0..4usize, 0..6u32);
    prop_oneof![
        1 => Just(Step::Lower),
        1 => Just(Step::Cancel),
        1 => Just(Step::Keep),
        1 => (0..2usize, 0..4u8).prop_map(|(plan, reference)| Step::Confirm { plan, reference }),
        3 => (agreement.clone(), month.clone())
            .prop_map(|(agreement, month)| Step::Paid { agreement, month }),
        2 => (agreement.clone(), month.clone())
            .prop_map(|(agreement, month)| Step::Failed { agreement, month }),
        1 => (agreement.clone(), month)
            .prop_map(|(agreement, month)| Step::Refunded { agreement, month }),
        1 => (0..2usize).prop_map(|plan| Step::Assign { plan }),
        3 => Just(Step::Make),
        1 => agreement.prop_map(|agreement| Step::Ended { agreement }),
        3 => (1..1200i64).prop_map(|hours| Step::Wait { hours }),
        1 => Just(Step::Look),
    ]
}

/// What was paid, as somebody outside would count it.
#[derive(Default)]
struct Paid {
    /// Until when, by the rank of what was paid for. Word that changed nothing counts for nothing.
    until: BTreeMap<u32, OffsetDateTime>,
    /// The rank of the last plan that was given for nothing.
    given: u32,
    events: BTreeSet<String>,
    payments: BTreeSet<String>,
    made: u128,
}

impl Paid {
    fn note(&mut self, rank: u32, end: Option<OffsetDateTime>) {
        let until = self.until.entry(rank).or_insert(START);
        *until = end.map_or(*until, |end| end.max(*until));
    }

    /// Until when somebody paid for a plan of this rank, or for a higher one.
    fn until(&self, rank: u32) -> Option<OffsetDateTime> {
        self.until.range(rank..).map(|(_, until)| *until).max()
    }
}

fn rank(code: &str) -> u32 {
    sample::plan(&sample::catalogue(), code).rank
}

async fn take(model: &Model, paid_for: &mut Paid, step: &Step) {
    let change = ChangePlan::new(model.ports());
    let tell = |agreement: &usize| (format!("sub_{agreement}"), CODES[agreement % 2]);
    match step {
        Step::Lower => drop(change.lower(account(), "pro").await),
        Step::Cancel => drop(change.cancel(account()).await),
        Step::Keep => drop(change.keep(account()).await),
        Step::Confirm { plan, reference } => {
            let confirm = ConfirmPayment::new(model.ports());
            let payment = SeenPayment {
                account: account(),
                plan: CODES[*plan].to_owned(),
                months: 1,
                money: None,
                reference: format!("T-{reference}"),
            };
            let reference = payment.reference.clone();
            if matches!(confirm.confirm(payment).await, Ok(Outcome::Applied)) {
                paid_for.payments.insert(reference);
                let end = model.get().subscription.period_end;
                paid_for.note(rank(CODES[*plan]), end);
            }
        }
        Step::Paid { agreement, month } => {
            let (reference, code) = tell(agreement);
            hear(model, paid_for, code, &paid(&reference, code, *month)).await;
        }
        Step::Refunded { agreement, month } => {
            let (reference, code) = tell(agreement);
            let refund = PaymentEvent {
                id: format!("refunded-{reference}-{month}"),
                kind: PaymentEventKind::Refunded,
                ..paid(&reference, code, *month)
            };
            hear(model, paid_for, code, &refund).await;
        }
        Step::Failed { agreement, month } => {
            let (reference, code) = tell(agreement);
            hear(model, paid_for, code, &failed(&reference, code, *month)).await;
        }
        Step::Ended { agreement } => {
            let now = model.ports().clock.now();
            let (reference, code) = tell(agreement);
            hear(model, paid_for, code, &ended(&reference, code, now)).await;
        }
        Step::Assign { plan } => {
            let assign = AssignPlan::new(model.ports());
            let given = assign.assign(account(), CODES[*plan]).await;
            paid_for.given = given.expect("a plan on offer").plan.rank;
        }
        Step::Make => {
            paid_for.made += 1;
            make(model, paid_for.made);
        }
        Step::Wait { hours } => model.clock().advance(Duration::hours(*hours)),
        Step::Look => {
            let calendar = TurnCalendar::new(model.ports(), model.queue());
            calendar.tick().await.expect("the model does not fail");
        }
    }
}

/// As stores do it: nothing is made beyond the plan.
fn make(model: &Model, n: u128) {
    let stored = model.get();
    let limits = stored.plan(stored.subscription.plan).limits;
    let fits = |cap: Option<u32>, count: usize| cap.is_none_or(|cap| count < cap as usize);
    let (id, created_at) = (Uuid::from_u128(n), model.ports().clock.now());
    model.set(|stored| {
        let held = &mut stored.holdings;
        if fits(limits.max_instances, held.instances.len()) {
            let states = [
                InstanceState::Connected,
                InstanceState::Loose,
                InstanceState::SuspendedByOperator,
            ];
            held.instances.push(HeldInstance {
                id: Id::new(id),
                state: states[(n % 3) as usize],
                created_at,
            });
        }
        if fits(limits.max_api_keys, held.keys.len()) {
            let id = Id::new(id);
            held.keys.push(HeldKey { id, created_at });
        }
        if fits(limits.max_webhook_endpoints, held.endpoints.len()) {
            let (id, state) = (Id::new(id), EndpointState::Active);
            held.endpoints.push(HeldEndpoint {
                id,
                state,
                created_at,
            });
        }
    });
}

async fn hear(model: &Model, paid_for: &mut Paid, code: &str, event: &PaymentEvent) {
    let events = HandleEvent::new(model.ports(), model.queue());
    let before = model.get();
    let outcome = events.handle(event).await.expect("the model does not fail");
    let is_new = paid_for.events.insert(event.id.clone());
    if outcome == Outcome::Seen {
        assert!(!is_new, "{} was not seen before", event.id);
        assert_eq!(before.subscription, model.get().subscription);
        return;
    }
    // A refund of which nobody knows the payer is kept, however often it is told.
    let is_kept = outcome == Outcome::Unknown;
    assert!(is_new || is_kept, "{} was handled twice", event.id);
    paid_for.payments.extend(event.payment.clone());
    let has_changed = matches!(outcome, Outcome::Applied | Outcome::Unexpected);
    if has_changed && event.kind == PaymentEventKind::Paid {
        paid_for.note(rank(code), event.period.map(|it| it.end));
    }
}

/// What holds after every step.
fn check(model: &Model, paid_for: &Paid) {
    let (stored, now) = (model.get(), model.ports().clock.now());
    let it = &stored.subscription;
    let plan = stored.plan(it.plan);
    let charged = stored.agreements.iter().filter(|it| it.wish != Wish::End);
    assert!(
        charged.count() <= 1,
        "two agreements are charged: {stored:#?}"
    );
    match it.period_end {
        None if plan.price == 0 => assert_eq!(stored.current(), None),
        None => assert!(plan.rank <= paid_for.given, "{it:#?} for nothing"),
        Some(end) => {
            let until = paid_for.until(plan.rank).expect("somebody paid for it");
            assert!(end <= until, "{it:#?} beyond {until}");
            let is_used = it.is_usable(now);
            assert!(
                !is_used || now < until + GRACE,
                "used without payment since {until}: {it:#?}"
            );
        }
    }
    let payments = stored.payments.keys();
    assert!(
        payments
            .into_iter()
            .all(|it| paid_for.payments.contains(it))
    );
    check_places(&stored.holdings, &plan);
}

/// Nobody has more than the plan has places for.
fn check_places(held: &Holdings, plan: &Plan) {
    let fits = |cap: Option<u32>, count: usize| cap.is_none_or(|cap| count <= cap as usize);
    let usable = held.instances.iter();
    let usable = usable.filter(|it| it.state < InstanceState::SuspendedByPlan);
    assert!(fits(plan.limits.max_instances, usable.count()), "{held:#?}");
    assert!(fits(plan.limits.max_api_keys, held.keys.len()), "{held:#?}");
    let heard = held.endpoints.iter();
    let heard = heard.filter(|it| it.state == EndpointState::Active);
    let cap = plan.limits.max_webhook_endpoints;
    assert!(fits(cap, heard.count()), "{held:#?}");
}

/// Word that an agreement about a plan is over.
fn ended(agreement: &str, code: &str, at: OffsetDateTime) -> PaymentEvent {
    PaymentEvent {
        origin: paid(agreement, code, 0).origin,
        ..sample::ended(agreement, at)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn one_plan_and_no_unpaid_access(steps in proptest::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let model = Model::on("free");
            let mut paid_for = Paid::default();
            for step in &steps {
                take(&model, &mut paid_for, step).await;
                check(&model, &paid_for);
            }
        });
    }

    /// Word of one agreement leads to the same end, in whatever order and how often it comes.
    #[test]
    fn the_order_of_payments_does_not_matter(
        order in Just((0..5u32).collect::<Vec<_>>()).prop_shuffle(),
        twice in 0..5u32,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let model = Model::on("free");
            let events = HandleEvent::new(model.ports(), model.queue());
            model.clock().advance(month(4).start - START);
            for n in order.iter().chain([&twice]) {
                events.handle(&failed("sub_1", "pro", *n)).await.expect("handled");
                events.handle(&paid("sub_1", "pro", *n)).await.expect("handled");
            }
            let stored = model.get();
            assert_eq!(stored.subscription.period_end, Some(month(4).end));
            assert!(stored.subscription.is_usable(model.ports().clock.now()));
            assert_eq!(stored.payments.len(), 5);
            assert_eq!(stored.agreements.len(), 1);
        });
    }
}
