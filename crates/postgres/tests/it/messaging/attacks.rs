//! Attacks on the dispatcher over a real database.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use msgflash_kernel::{FixedClock, Random, RandomIds, StoreError, Workspace};
use msgflash_messaging::InstanceId;
use msgflash_messaging::dispatch::dispatcher::{DispatchPorts, Dispatcher, Pace};
use msgflash_messaging::dispatch::ports::{StartUnit, StartUnits};
use msgflash_messaging::dispatch::settle::{Patience, Settle};
use msgflash_messaging::dispatch::settler::settler;
use msgflash_messaging::instance::recent::RecentInstances;
use msgflash_messaging::message::ports::{SettleUnit, SettleUnits};
use msgflash_postgres::Postgres;

use self::gateway::Gateway;
use super::sample::{Silent, instance_of};
use crate::stage::{Stage, fresh};

mod failures;
mod gateway;
mod messages;
mod processes;

struct Zero;
impl Random for Zero {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// Units that are away while told so.
struct Flaky {
    postgres: Postgres,
    away: Arc<AtomicBool>,
}

#[async_trait]
impl SettleUnits for Flaky {
    async fn begin(&self) -> Result<Box<dyn SettleUnit>, StoreError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("away".into()));
        }
        SettleUnits::begin(&self.postgres).await
    }
}

/// Units that are away while told so.
struct FlakyStarts {
    postgres: Postgres,
    away: Arc<AtomicBool>,
}

#[async_trait]
impl StartUnits for FlakyStarts {
    async fn begin(&self) -> Result<Box<dyn StartUnit>, StoreError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("away".into()));
        }
        StartUnits::begin(&self.postgres).await
    }
}

struct Process {
    starts_away: Arc<AtomicBool>,
    id: uuid::Uuid,
    dispatcher: Arc<Dispatcher>,
    away: Arc<AtomicBool>,
}

fn process(stage: &Stage, gateway: &Arc<Gateway>, clock: &Arc<FixedClock>) -> Process {
    let postgres = stage.pool(4);
    let store = Arc::new(postgres.clone());
    let starts_away = Arc::new(AtomicBool::new(false));
    let starts = Arc::new(FlakyStarts {
        postgres: postgres.clone(),
        away: starts_away.clone(),
    });
    let away = Arc::new(AtomicBool::new(false));
    let units = Arc::new(Flaky {
        postgres,
        away: away.clone(),
    });
    let settle = Arc::new(Settle::new(
        units,
        clock.clone(),
        Arc::new(RandomIds),
        Patience::default(),
    ));
    let (front, workers) = settler(1);
    for worker in workers {
        tokio::spawn(worker.run(settle.clone()));
    }
    let id = fresh::<()>().uuid();
    let ports = DispatchPorts {
        lanes: store.clone(),
        starts,
        settler: front,
        recent: Arc::new(RecentInstances::new(store, clock.clone())),
        provider: gateway.provider(),
        files: None,
        clock: clock.clone(),
        random: Arc::new(Zero),
        alarms: Arc::new(Silent),
    };
    let dispatcher = Dispatcher::new(ports, Pace::default(), Patience::default(), id);
    Process {
        starts_away,
        id,
        dispatcher: Arc::new(dispatcher),
        away,
    }
}

async fn numbers(stage: &Stage, count: usize) -> Vec<InstanceId> {
    let user = stage.user("one@example.com").await;
    let workspace = Workspace::personal(user.id);
    let mut ids = vec![];
    for _ in 0..count {
        ids.push(instance_of(stage, workspace).await.id);
    }
    ids
}
