//! All background work of a process, by its roles.

use std::sync::Arc;
use std::time::Duration;

use msgflash_evolution::EvolutionDecoder;
use msgflash_kernel::{Clock, Tick};
use msgflash_messaging::dispatch::dispatcher::{DispatchPorts, Dispatcher, Pace};
use msgflash_messaging::dispatch::reconcile::{ReconcilePorts, Reconciler};
use msgflash_messaging::dispatch::scheduler::Scheduler;
use msgflash_messaging::dispatch::settle::{Patience, Settle};
use msgflash_messaging::instance::watch::WatchConnections;
use msgflash_messaging::receipt::apply::{ApplyEvents, ApplyPorts};
use msgflash_postgres::Postgres;
use msgflash_quotas::{ApiMeter, PlanAllowances};
use msgflash_webhook_http::HttpWebhookSender;
use msgflash_webhooks::{Deliverer, FanOut, Schedule};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::sampler::{self, Sampler};
use super::{Bell, POLL, Yard};
use crate::chance::SystemRandom;
use crate::config::Config;
use crate::notices;
use crate::wire::Backend;

/// A started call outlives the provider's own limit by this much before it counts as unknown.
const LEASE_MARGIN: Duration = Duration::from_secs(30);

/// The nudges between requests and loops, and from loop to loop.
#[derive(Clone)]
pub struct Bells {
    /// A message may be ready.
    pub lanes: Arc<Bell>,
    /// A provider's event was stored.
    pub inbox: Arc<Bell>,
    /// An event may be told.
    pub events: Arc<Bell>,
    /// A delivery may be due.
    pub posts: Arc<Bell>,
}

impl Default for Bells {
    fn default() -> Self {
        Self {
            lanes: Bell::new(),
            inbox: Bell::new(),
            events: Bell::new(),
            posts: Bell::new(),
        }
    }
}

/// The background work of one process, wired and not started.
pub struct Workers {
    bells: Bells,
    meter: Arc<ApiMeter>,
    work: Option<Work>,
    gap: Duration,
    postgres: Postgres,
}

/// What a worker process does.
struct Work {
    scheduler: Arc<Scheduler>,
    dispatcher: Arc<Dispatcher>,
    reconciler: Arc<Reconciler>,
    apply: Arc<ApplyEvents>,
    watch: Arc<WatchConnections>,
    fan_out: Arc<FanOut>,
    deliverer: Arc<Deliverer>,
    sampler: Arc<Sampler>,
    postgres: Postgres,
    clock: Arc<dyn Clock>,
}

impl Workers {
    /// Wires the work of the roles this process has.
    pub fn new(config: &Config, postgres: &Postgres, backend: &Backend) -> anyhow::Result<Self> {
        let work = config
            .roles
            .worker
            .then(|| Work::new(config, postgres, backend))
            .transpose()?;
        Ok(Self {
            bells: backend.bells.clone(),
            meter: Arc::clone(&backend.meter),
            work,
            gap: config.pace,
            postgres: postgres.clone(),
        })
    }

    /// Starts every loop.
    pub fn start(self) -> WorkersHandle {
        let yard = Yard {
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
        };
        let bells = self.bells;
        let meter = self.meter;
        yard.run("api-meter", Bell::new(), POLL, vec![], move || {
            let meter = Arc::clone(&meter);
            // One flush per second is enough, however many requests came.
            async move { meter.flush().await.map(|_| Tick::Idle) }
        });
        match self.work {
            Some(work) => work.start(&yard, &bells, self.gap),
            None => notices::pass_on(&yard, &self.postgres, &bells),
        }
        yard.tracker.close();
        WorkersHandle { yard }
    }
}

impl Work {
    fn new(config: &Config, postgres: &Postgres, backend: &Backend) -> anyhow::Result<Self> {
        let store = Arc::new(postgres.clone());
        let clock = Arc::clone(&backend.clock);
        let ids = Arc::clone(&backend.ids);
        let provider = Arc::clone(&backend.provider);
        let patience = Patience {
            gateway: span(config.gateway_patience),
            unknown: span(config.unknown_patience),
            ..Patience::default()
        };
        let settle = Arc::new(Settle::new(
            store.clone(),
            Arc::clone(&clock),
            Arc::clone(&ids),
            patience,
        ));
        let pace = Pace {
            gap: span(config.pace),
            lease: span(config.send_timeout + LEASE_MARGIN),
        };
        let dispatch = DispatchPorts {
            queue: store.clone(),
            starts: store.clone(),
            settle: Arc::clone(&settle),
            instances: store.clone(),
            provider: Arc::clone(&provider),
            clock: Arc::clone(&clock),
        };
        let allowances = Arc::new(PlanAllowances::new(Arc::clone(&backend.billing)));
        let sender = HttpWebhookSender::new(config.webhook_timeout, config.allow_private_targets)?;
        Ok(Self {
            scheduler: Arc::new(Scheduler::new(
                store.clone(),
                store.clone(),
                allowances,
                Arc::clone(&settle),
                Arc::clone(&clock),
            )),
            dispatcher: Arc::new(Dispatcher::new(dispatch, pace, ids.next())),
            reconciler: Arc::new(Reconciler::new(ReconcilePorts {
                units: store.clone(),
                messages: store.clone(),
                instances: store.clone(),
                provider: Arc::clone(&provider),
                settle: Arc::clone(&settle),
                clock: Arc::clone(&clock),
            })),
            apply: Arc::new(ApplyEvents::new(ApplyPorts {
                units: store.clone(),
                decoder: Arc::new(EvolutionDecoder),
                provider,
                instances: store.clone(),
                contacts: store.clone(),
                settle,
                clock: Arc::clone(&clock),
                ids: Arc::clone(&ids),
            })),
            watch: Arc::new(WatchConnections::new(
                store.clone(),
                Arc::clone(&backend.provider),
                Arc::clone(&backend.record),
                Arc::clone(&clock),
            )),
            fan_out: Arc::new(
                FanOut::new(store.clone(), Arc::clone(&clock)).with_ids(Arc::clone(&ids)),
            ),
            sampler: Arc::new(Sampler::new(
                store.clone(),
                store.clone(),
                Arc::clone(&clock),
            )),
            deliverer: Arc::new(Deliverer::new(
                store,
                Arc::new(sender),
                Arc::new(SystemRandom),
                clock,
                Schedule::new(config.webhook_retry.clone()),
                config.webhook_timeout,
            )),
            postgres: postgres.clone(),
            clock: Arc::clone(&backend.clock),
        })
    }

    fn start(self, yard: &Yard, bells: &Bells, gap: Duration) {
        let events = || vec![Arc::clone(&bells.events)];
        yard.run(
            "scheduler",
            Bell::new(),
            POLL,
            vec![bells.lanes.clone(), bells.events.clone()],
            {
                let it = self.scheduler;
                move || {
                    let it = Arc::clone(&it);
                    async move { it.tick().await }
                }
            },
        );
        yard.run_lanes(
            self.dispatcher,
            bells.lanes.clone(),
            gap,
            bells.events.clone(),
        );
        yard.run("reconciler", Bell::new(), POLL, events(), {
            let it = self.reconciler;
            move || {
                let it = Arc::clone(&it);
                async move { it.tick().await }
            }
        });
        yard.run("receipts", bells.inbox.clone(), POLL, events(), {
            let it = self.apply;
            move || {
                let it = Arc::clone(&it);
                async move { it.tick().await }
            }
        });
        yard.run("connections", Bell::new(), POLL * 5, events(), {
            let it = self.watch;
            move || {
                let it = Arc::clone(&it);
                async move { it.tick().await }
            }
        });
        yard.run(
            "fan-out",
            bells.events.clone(),
            POLL,
            vec![bells.posts.clone()],
            {
                let it = self.fan_out;
                move || {
                    let it = Arc::clone(&it);
                    async move { it.tick().await }
                }
            },
        );
        yard.run_posts(self.deliverer, bells.posts.clone());
        yard.run("sampler", Bell::new(), sampler::EVERY, vec![], {
            let it = self.sampler;
            move || {
                let it = Arc::clone(&it);
                async move { it.tick().await }
            }
        });
        yard.run("sweeper", Bell::new(), Duration::from_mins(10), vec![], {
            let (it, clock) = (self.postgres, self.clock);
            move || {
                let (it, now) = (it.clone(), clock.now());
                async move { it.sweep(now).await.map(|_| Tick::Idle) }
            }
        });
    }
}

fn span(wait: Duration) -> time::Duration {
    time::Duration::try_from(wait).unwrap_or(time::Duration::MAX)
}

/// Running loops.
pub struct WorkersHandle {
    yard: Yard,
}

impl WorkersHandle {
    /// Takes no new work from now on.
    pub fn drain(&self) {
        self.yard.stop.cancel();
    }

    /// Takes no new work and waits for what is in hand; `false` when it took too long.
    pub async fn stop(self, patience: Duration) -> bool {
        self.drain();
        tokio::time::timeout(patience, self.yard.tracker.wait())
            .await
            .is_ok()
    }
}
