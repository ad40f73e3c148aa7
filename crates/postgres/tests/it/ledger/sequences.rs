//! Whatever happens in whatever order: what was used and what is reserved pass no limit, and are what a
//! reckoning beside the database says.

use msgflash_kernel::AccountId;
use msgflash_postgres::Postgres;
use msgflash_quotas::{Period, Settlement, UsageReader as _, Want};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::{reserve, settle};
use crate::stage::{NOW, Stage, fresh};

const CASES: usize = 24;

/// One thing that happens to an account. Months are this one and the next; shares are tenths of what is reserved.
#[derive(Clone, Copy, Debug)]
enum Step {
    Reserve { month: usize, count: u32 },
    Accept { month: usize, share: u32 },
    Release { month: usize, share: u32 },
    Limit(Option<u32>),
}

fn step() -> impl Strategy<Value = Step> {
    let (month, share) = (0..2_usize, 0..=10_u32);
    let of = (month.clone(), share);
    prop_oneof![
        4 => (month, 0..9_u32).prop_map(|(month, count)| Step::Reserve { month, count }),
        2 => of.clone().prop_map(|(month, share)| Step::Accept { month, share }),
        2 => of.prop_map(|(month, share)| Step::Release { month, share }),
        1 => prop::option::weighted(0.9, 0..25_u32).prop_map(Step::Limit),
    ]
}

/// What somebody beside the database reckons of one month.
#[derive(Clone, Copy, Debug, Default)]
struct Month {
    used: u32,
    reserved: u32,
}

struct Case<'a> {
    postgres: &'a Postgres,
    account: AccountId,
    limit: Option<u32>,
    months: [Month; 2],
}

impl Case<'_> {
    fn period(month: usize) -> Period {
        let this = Period::of(NOW);
        if month == 0 { this } else { this.next() }
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Limit(limit) => self.limit = limit,
            Step::Reserve { month, count } => self.reserve(month, count).await,
            Step::Accept { month, share } => {
                let accepted = self.months[month].reserved * share / 10;
                self.settle(month, accepted, 0).await;
                self.months[month].used += accepted;
                self.months[month].reserved -= accepted;
            }
            Step::Release { month, share } => {
                let released = self.months[month].reserved * share / 10;
                self.settle(month, 0, released).await;
                self.months[month].reserved -= released;
            }
        }
    }

    async fn reserve(&mut self, month: usize, count: u32) {
        let want = Want {
            account: self.account,
            period: Self::period(month),
            limit: self.limit,
            count,
        };
        let granted = reserve(self.postgres, &[want]).await[0];
        let held = self.months[month];
        let taken = held.used + held.reserved;
        let left = self
            .limit
            .map_or(count, |limit| limit.saturating_sub(taken));
        assert_eq!(granted, count.min(left), "{want:?} with {held:?}");
        self.months[month].reserved += granted;
    }

    async fn settle(&self, month: usize, messages: u32, released: u32) {
        let settlement = Settlement {
            account: self.account,
            period: Self::period(month),
            messages,
            statuses: 0,
            released,
        };
        settle(self.postgres, &[settlement]).await;
    }

    async fn check(&self) {
        for (month, held) in self.months.iter().enumerate() {
            let usage = self.postgres.usage(self.account, Self::period(month));
            let usage = usage.await.expect("read");
            let expected = (u64::from(held.used), u64::from(held.reserved));
            assert_eq!((usage.messages, usage.reserved), expected, "{month}");
        }
    }
}

#[tokio::test]
async fn no_sequence_passes_a_limit_or_loses_count() {
    let stage = Stage::new().await;
    let mut runner = TestRunner::deterministic();
    let sequences = vec(step(), 1..40);
    for _ in 0..CASES {
        let tree = sequences.new_tree(&mut runner).expect("a sequence");
        let steps = tree.current();
        let mut case = Case {
            postgres: &stage.postgres,
            account: fresh(),
            limit: Some(12),
            months: [Month::default(); 2],
        };
        for step in &steps {
            case.take(*step).await;
            case.check().await;
        }
    }
}
