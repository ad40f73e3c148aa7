//! Whatever happens in whatever order: one plan, no access that nobody paid for, nothing twice.

use std::collections::BTreeSet;

use proptest::prelude::*;
use time::{Duration, OffsetDateTime};

use crate::agreement::Wish;
use crate::change::ChangePlan;
use crate::event::{PaymentEvent, PaymentEventKind};
use crate::model::{Model, START};
use crate::operator::{ConfirmPayment, SeenPayment};
use crate::sample::{account, ended, failed, month, paid};
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
    Ended {
        agreement: usize,
    },
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
        2 => (agreement.clone(), month)
            .prop_map(|(agreement, month)| Step::Failed { agreement, month }),
        1 => agreement.prop_map(|agreement| Step::Ended { agreement }),
        3 => (1..1200i64).prop_map(|hours| Step::Wait { hours }),
        1 => Just(Step::Look),
    ]
}

/// What was paid, as somebody outside would count it.
#[derive(Default)]
struct Paid {
    until: Option<OffsetDateTime>,
    events: BTreeSet<String>,
    payments: BTreeSet<String>,
}

impl Paid {
    fn note(&mut self, event: &PaymentEvent) {
        self.payments.extend(event.payment.clone());
        if event.kind == PaymentEventKind::Paid {
            self.until = self.until.max(event.period.map(|it| it.end));
        }
    }
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
                paid_for.until = paid_for.until.max(end);
            }
        }
        Step::Paid { agreement, month } => {
            let (reference, code) = tell(agreement);
            hear(model, paid_for, &paid(&reference, code, *month)).await;
        }
        Step::Failed { agreement, month } => {
            let (reference, code) = tell(agreement);
            hear(model, paid_for, &failed(&reference, code, *month)).await;
        }
        Step::Ended { agreement } => {
            let now = model.ports().clock.now();
            hear(model, paid_for, &ended(&tell(agreement).0, now)).await;
        }
        Step::Wait { hours } => model.clock().advance(Duration::hours(*hours)),
        Step::Look => {
            let calendar = TurnCalendar::new(model.ports(), model.queue());
            calendar.tick().await.expect("the model does not fail");
        }
    }
}

async fn hear(model: &Model, paid_for: &mut Paid, event: &PaymentEvent) {
    let events = HandleEvent::new(model.ports(), model.queue());
    let before = model.get();
    let outcome = events.handle(event).await.expect("the model does not fail");
    let is_new = paid_for.events.insert(event.id.clone());
    if outcome == Outcome::Seen {
        assert!(!is_new, "{} was not seen before", event.id);
        assert_eq!(before.subscription, model.get().subscription);
    } else {
        assert!(is_new, "{} was handled twice", event.id);
        paid_for.note(event);
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
    if plan.price == 0 {
        assert_eq!((it.period_end, stored.current()), (None, None));
    } else if it.is_usable(now) {
        let until = paid_for.until.expect("somebody paid");
        assert!(
            now < until + GRACE,
            "used without payment since {until}: {it:#?}"
        );
        assert!(
            it.period_end.is_some_and(|end| end <= until),
            "{it:#?} beyond {until}"
        );
    }
    assert!(
        stored
            .payments
            .keys()
            .all(|it| paid_for.payments.contains(it))
    );
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
