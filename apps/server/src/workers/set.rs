//! All background work of a process, by its roles.

use std::sync::Arc;
use std::time::Duration;

use msgflash_accounts::{AnswerMailRequests, Mailer, NoMailer, SendMails};
use msgflash_contacts::{RunImports, RunJobs};
use msgflash_evolution::EvolutionDecoder;
use msgflash_kernel::{Clock, Tick};
use msgflash_mail::SmtpMailer;
use msgflash_messaging::campaign::{self, run::RunCampaigns};
use msgflash_messaging::dispatch::dispatcher::{DispatchPorts, Dispatcher, Pace};
use msgflash_messaging::dispatch::reconcile::{ReconcilePorts, Reconciler};
use msgflash_messaging::dispatch::scheduler::Scheduler;
use msgflash_messaging::dispatch::settle::{Patience, Settle};
use msgflash_messaging::dispatch::settler::settler;
use msgflash_messaging::instance::compare::CompareSessions;
use msgflash_messaging::instance::connection::RECONNECT_PATIENCE;
use msgflash_messaging::instance::provision::RemoveSessions;
use msgflash_messaging::instance::signs::FollowSigns;
use msgflash_messaging::instance::watch::WatchConnections;
use msgflash_messaging::lookup::{AskNumbers, RunLookups, RunPorts};
use msgflash_messaging::media::forget::ForgetMedia;
use msgflash_messaging::receipt::apply::{ApplyEvents, ApplyPorts};
use msgflash_messaging::receipt::batch::ApplyReceipts;
use msgflash_messaging::receipt::confirm::{AskForReceipts, ConfirmPorts};
use msgflash_messaging::status::{SettlePorts, SettleStatuses};
use msgflash_postgres::Postgres;
use msgflash_quotas::{ApiMeter, PlanAllowances};
use msgflash_teams::EndRemains;
use msgflash_templates::RenderTemplate;
use msgflash_webhook_http::HttpWebhookSender;
use msgflash_webhooks::{Deliverer, FanOut, Recorder, Schedule};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

use super::comparing::Comparing;
use super::sampler::{Sampler, Turn};
use super::{Bell, LaneBell, POLL, Yard};
use crate::chance::SystemRandom;
use crate::config::Config;
use crate::notices;
use crate::wire::{Backend, settled};

mod billing;
mod loops;

use self::billing::BillingWork;

/// A started call outlives the provider's own limit by this much before it counts as unknown.
pub(crate) const LEASE_MARGIN: Duration = Duration::from_secs(30);
/// How many groups of outcomes are recorded at once; each takes a database connection.
const SETTLING: usize = 2;

/// The nudges between requests and loops, and from loop to loop.
#[derive(Clone)]
pub struct Bells {
    /// A message may be ready.
    pub lanes: Arc<Bell>,
    /// The same bell, for those who know which lanes it is about.
    pub woken: Arc<LaneBell>,
    /// A receipt was stored.
    pub receipts: Arc<Bell>,
    /// Another event of the provider was stored.
    pub inbox: Arc<Bell>,
    /// An event may be told.
    pub events: Arc<Bell>,
    /// A delivery may be due.
    pub posts: Arc<Bell>,
    /// A bulk job of an address book was accepted.
    pub contact_jobs: Arc<Bell>,
    /// A file of contacts was accepted.
    pub contact_imports: Arc<Bell>,
    /// A long list of numbers was accepted.
    pub lookups: Arc<Bell>,
    /// A campaign was made, or goes on.
    pub campaigns: Arc<Bell>,
    /// Somebody asked for mail.
    pub mail_requests: Arc<Bell>,
    /// There is mail to send.
    pub mails: Arc<Bell>,
    /// A team was deleted and may have left something.
    pub remains: Arc<Bell>,
    /// A subscription changed, and its provider may have to be told.
    pub billing: Arc<Bell>,
}

impl Default for Bells {
    fn default() -> Self {
        let lanes = Bell::new();
        Self {
            woken: Arc::new(LaneBell::new(Arc::clone(&lanes))),
            lanes,
            receipts: Bell::new(),
            inbox: Bell::new(),
            events: Bell::new(),
            posts: Bell::new(),
            contact_jobs: Bell::new(),
            contact_imports: Bell::new(),
            lookups: Bell::new(),
            campaigns: Bell::new(),
            mail_requests: Bell::new(),
            mails: Bell::new(),
            remains: Bell::new(),
            billing: Bell::new(),
        }
    }
}

/// The background work of one process, wired and not started.
pub struct Workers {
    bells: Bells,
    meter: Arc<ApiMeter>,
    follow_signs: Arc<FollowSigns>,
    work: Option<Work>,
    postgres: Postgres,
}

/// What a worker process does.
struct Work {
    scheduler: Arc<Scheduler>,
    dispatcher: Arc<Dispatcher>,
    reconciler: Arc<Reconciler>,
    receipts: Arc<ApplyReceipts>,
    confirm: Arc<AskForReceipts>,
    confirm_every: Duration,
    apply: Arc<ApplyEvents>,
    watch: Arc<WatchConnections>,
    comparing: Arc<Comparing>,
    removing: Arc<RemoveSessions>,
    fan_out: Arc<FanOut>,
    deliverer: Arc<Deliverer>,
    recorder: Recorder,
    contact_jobs: Arc<RunJobs>,
    contact_imports: Arc<RunImports>,
    lookups: Arc<RunLookups>,
    statuses: Arc<SettleStatuses>,
    campaigns: Arc<RunCampaigns>,
    campaigns_every: Duration,
    answer_requests: Arc<AnswerMailRequests>,
    send_mails: Option<Arc<SendMails>>,
    forget_media: Option<Arc<ForgetMedia>>,
    remains: Arc<EndRemains>,
    billing: BillingWork,
    sampler: Arc<Sampler>,
    /// Without one there is nothing to compare with.
    has_gateway: bool,
    postgres: Postgres,
    clock: Arc<dyn Clock>,
}

/// Sends mail through the server that is configured; in development it is kept to be read here.
/// Without either it waits.
fn mails(
    config: &Config,
    store: Arc<Postgres>,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Option<SendMails>> {
    let mailer: Arc<dyn Mailer> = match &config.mail {
        Some(mail) => Arc::new(SmtpMailer::new(mail.url.reveal(), &mail.from)?),
        None if config.dev_mode => Arc::new(NoMailer),
        None => {
            warn!("no mail server is configured (MSGFLASH_SMTP_URL): nobody can verify an address");
            return Ok(None);
        }
    };
    let mails = SendMails::new(store, mailer, clock);
    Ok(Some(if config.dev_mode {
        mails.keeping_bodies()
    } else {
        mails
    }))
}

fn lookups(store: &Arc<Postgres>, backend: &Backend) -> Arc<RunLookups> {
    let clock = &backend.clock;
    let provider = Arc::clone(&backend.provider);
    Arc::new(RunLookups::new(RunPorts {
        units: store.clone(),
        instances: store.clone(),
        ask: Arc::new(AskNumbers::new(store.clone(), provider, Arc::clone(clock))),
        clock: Arc::clone(clock),
    }))
}

fn statuses(
    store: &Arc<Postgres>,
    backend: &Backend,
    patience: time::Duration,
) -> Arc<SettleStatuses> {
    let ports = SettlePorts {
        units: store.clone(),
        instances: store.clone(),
        provider: Arc::clone(&backend.provider),
        settled: settled(store, backend),
        clock: Arc::clone(&backend.clock),
    };
    Arc::new(SettleStatuses::new(ports, patience))
}

fn campaigns(store: &Arc<Postgres>, backend: &Backend, gap: time::Duration) -> Arc<RunCampaigns> {
    let ports = campaign::run::RunPorts {
        campaigns: store.clone(),
        units: store.clone(),
        templates: Arc::new(RenderTemplate::new(store.clone(), store.clone())),
        allowances: Arc::new(PlanAllowances::new(Arc::clone(&backend.billing))),
        wake: backend.bells.woken.clone(),
        clock: Arc::clone(&backend.clock),
        ids: Arc::clone(&backend.ids),
    };
    Arc::new(RunCampaigns::new(ports, gap))
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
            follow_signs: Arc::clone(&backend.follow_signs),
            work,
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
        let dispatcher = self.work.as_ref().map(|work| Arc::clone(&work.dispatcher));
        // Every process calls the gateway, and hears what only it hears.
        let follow = self.follow_signs;
        yard.run(
            "signs",
            Bell::new(),
            POLL,
            vec![bells.events.clone()],
            move || {
                let follow = Arc::clone(&follow);
                async move { follow.tick().await }
            },
        );
        match self.work {
            Some(work) => work.start(&yard, &bells),
            None => notices::pass_on(&yard, &self.postgres, &bells),
        }
        yard.tracker.close();
        WorkersHandle { yard, dispatcher }
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
            resend: config.resend_unknown,
            // Whether the link is lost is decided by those who look at it, and an event of its
            // return may have overtaken that of its loss: messages never wait for less than usual.
            reconnect: span(config.reconnect_patience).max(RECONNECT_PATIENCE),
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
            silence: span(config.worker_silence),
            enforces_caps: config.enforces_caps,
        };
        let (settler, recorders) = settler(SETTLING);
        for recorder in recorders {
            tokio::spawn(recorder.run(Arc::clone(&settle)));
        }
        let worker = ids.next();
        let dispatch = DispatchPorts {
            lanes: store.clone(),
            starts: store.clone(),
            settler,
            recent: Arc::clone(&backend.recent),
            provider: Arc::clone(&provider),
            files: backend.media.as_ref().map(|desk| Arc::clone(&desk.send)),
            alarms: Arc::clone(&backend.alarms),
            clock: Arc::clone(&clock),
            random: Arc::new(SystemRandom),
        };
        let allowances = Arc::new(PlanAllowances::new(Arc::clone(&backend.billing)));
        let sender = HttpWebhookSender::new(config.webhook_timeout, config.allow_private_targets)?;
        Ok(Self {
            scheduler: Arc::new(Scheduler::new(
                store.clone(),
                store.clone(),
                allowances.clone(),
                Arc::clone(&settle),
                Arc::clone(&clock),
            )),
            dispatcher: Arc::new(Dispatcher::new(dispatch, pace, patience, worker)),
            reconciler: Arc::new(Reconciler::new(ReconcilePorts {
                units: store.clone(),
                messages: store.clone(),
                instances: store.clone(),
                provider: Arc::clone(&provider),
                settle: Arc::clone(&settle),
                clock: Arc::clone(&clock),
            })),
            receipts: Arc::new(ApplyReceipts::new(
                store.clone(),
                Arc::clone(&clock),
                Arc::clone(&ids),
                Arc::clone(&backend.alarms),
                span(config.restriction),
            )),
            confirm: Arc::new(AskForReceipts::new(
                ConfirmPorts {
                    unconfirmed: store.clone(),
                    provider: Arc::clone(&provider),
                    inbox: store.clone(),
                    receipts: backend.bells.receipts.clone(),
                    clock: Arc::clone(&clock),
                    ids: Arc::clone(&ids),
                },
                span(config.unconfirmed_after),
            )),
            confirm_every: (config.unconfirmed_after / 20).clamp(POLL, POLL * 30),
            apply: Arc::new(ApplyEvents::new(ApplyPorts {
                units: store.clone(),
                decoder: Arc::new(EvolutionDecoder),
                provider,
                instances: store.clone(),
                contacts: store.clone(),
                allowances,
                wake: backend.bells.woken.clone(),
                settle,
                clock: Arc::clone(&clock),
                ids: Arc::clone(&ids),
            })),
            watch: Arc::new(WatchConnections::new(
                store.clone(),
                Arc::clone(&backend.provider),
                Arc::clone(&backend.record),
                Arc::clone(&backend.alarms),
                Arc::clone(&clock),
                span(config.reconnect_patience),
            )),
            comparing: Arc::new(Comparing::new(
                Turn {
                    lanes: store.clone(),
                    worker,
                    silence: pace.silence,
                },
                CompareSessions::new(
                    store.clone(),
                    Arc::clone(&backend.provider),
                    Arc::clone(&backend.record),
                    Arc::clone(&backend.alarms),
                ),
            )),
            removing: Arc::new(RemoveSessions::new(
                store.clone(),
                store.clone(),
                Arc::clone(&backend.provider),
                Arc::clone(&clock),
            )),
            fan_out: Arc::new(
                FanOut::new(store.clone(), Arc::clone(&clock)).with_ids(Arc::clone(&ids)),
            ),
            recorder: Recorder::new(
                store.clone(),
                Arc::clone(&clock),
                ids,
                span(config.webhook_disable_after),
            ),
            contact_jobs: Arc::new(RunJobs::new(store.clone(), Arc::clone(&clock))),
            contact_imports: Arc::new(RunImports::new(
                store.clone(),
                Arc::clone(&clock),
                Arc::clone(&backend.ids),
            )),
            lookups: lookups(&store, backend),
            statuses: statuses(&store, backend, patience.unknown),
            campaigns: campaigns(&store, backend, pace.gap),
            // Where nothing paces, what is made ahead is sent within the usual time.
            campaigns_every: if config.pace.is_zero() {
                POLL / 10
            } else {
                POLL
            },
            answer_requests: Arc::clone(&backend.people.answer_requests),
            send_mails: mails(config, store.clone(), Arc::clone(&clock))?.map(Arc::new),
            forget_media: backend.media.as_ref().map(|desk| Arc::clone(&desk.forget)),
            remains: Arc::new(EndRemains::new(
                store.clone(),
                store.clone(),
                Arc::clone(&clock),
            )),
            billing: BillingWork::new(
                Arc::clone(&backend.billing_desk),
                Turn {
                    lanes: store.clone(),
                    worker,
                    silence: pace.silence,
                },
                Arc::clone(&clock),
            ),
            sampler: Arc::new(Sampler::new(
                Turn {
                    lanes: store.clone(),
                    worker,
                    silence: pace.silence,
                },
                store.clone(),
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
            has_gateway: config.evolution.is_some(),
            postgres: postgres.clone(),
            clock: Arc::clone(&backend.clock),
        })
    }
}

pub(crate) fn span(wait: Duration) -> time::Duration {
    time::Duration::try_from(wait).unwrap_or(time::Duration::MAX)
}

/// Running loops.
pub struct WorkersHandle {
    yard: Yard,
    dispatcher: Option<Arc<Dispatcher>>,
}

impl WorkersHandle {
    /// Takes no new work from now on.
    pub fn drain(&self) {
        self.yard.stop.cancel();
    }

    /// Takes no new work and waits for what is in hand; `false` when it took too long.
    pub async fn stop(self, patience: Duration) -> bool {
        self.drain();
        let in_time = tokio::time::timeout(patience, self.yard.tracker.wait())
            .await
            .is_ok();
        // Others take the lanes at once, and look up what is still under way.
        if let Some(dispatcher) = self.dispatcher
            && let Err(cause) = dispatcher.retire().await
        {
            warn!(%cause, "the lanes were not given back; others take them when we are silent");
        }
        in_time
    }
}
