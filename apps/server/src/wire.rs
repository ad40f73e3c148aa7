//! Adapters into use cases: the only place that names both.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use metrics_exporter_prometheus::PrometheusHandle;
use msgflash_accounts::{
    AccountReader, Authenticate, CreateKey, CreateUser, InlineHasher, ListKeys, RevokeKey,
};
use msgflash_billing::{BillingReader, SetPlan};
use msgflash_evolution::{EvolutionClient, EvolutionConfig, EvolutionDecoder};
use msgflash_kernel::{Clock, Ids, Random, RandomIds, SystemClock};
use msgflash_messaging::instance::connection::RecordConnection;
use msgflash_messaging::instance::provision::{ProvisionInstance, ProvisionPorts};
use msgflash_messaging::instance::read::ReadInstances;
use msgflash_messaging::message::cancel::CancelMessage;
use msgflash_messaging::message::list::ReadMessages;
use msgflash_messaging::message::send::{SendMessage, SendPorts};
use msgflash_messaging::provider::WhatsAppProvider;
use msgflash_messaging::receipt::receive::ReceiveEvent;
use msgflash_postgres::Postgres;
use msgflash_quotas::{ApiMeter, RateLimiter, SlidingWindows};
use msgflash_redis::RedisWindows;
use msgflash_webhooks::{CreateEndpoint, DeleteEndpoint, ListEndpoints};
use tokio_util::sync::CancellationToken;

use crate::chance::SystemRandom;
use crate::config::Config;
use crate::no_gateway::NoGateway;
use crate::principals::Principals;
use crate::probe::DatabaseProbe;
use crate::services::{Ops, Services, Settings, Targets};
use crate::workers::{Bells, Workers};

/// What commands, workers and routes share.
pub struct Backend {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub ids: Arc<dyn Ids>,
    /// The gateway.
    pub provider: Arc<dyn WhatsAppProvider>,
    /// People.
    pub accounts: Arc<dyn AccountReader>,
    /// Plans and subscriptions.
    pub billing: Arc<dyn BillingReader>,
    /// Makes accounts.
    pub create_user: CreateUser,
    /// Changes plans.
    pub set_plan: SetPlan,
    /// Makes keys.
    pub create_key: CreateKey,
    /// Lists keys.
    pub list_keys: ListKeys,
    /// Revokes keys.
    pub revoke_key: RevokeKey,
    /// Makes and links instances.
    pub provision: ProvisionInstance,
    /// Reads instances.
    pub read_instances: Arc<ReadInstances>,
    /// Counts API requests.
    pub meter: Arc<ApiMeter>,
    /// Records changes of links.
    pub record: Arc<RecordConnection>,
    /// What wakes the workers.
    pub bells: Bells,
    /// What is remembered of callers.
    pub principals: Principals,
    /// The store, for what has no use case.
    pub postgres: Postgres,
}

/// The gateway's client; one that refuses everything when none is configured.
pub fn provider(config: &Config) -> Result<Arc<dyn WhatsAppProvider>> {
    let Some(evolution) = &config.evolution else {
        return Ok(Arc::new(NoGateway));
    };
    let mut settings = EvolutionConfig::new(evolution.url.clone(), evolution.api_key.clone());
    settings.send_timeout = config.send_timeout;
    Ok(Arc::new(
        EvolutionClient::new(settings).context("the gateway's settings")?,
    ))
}

/// Builds what everything shares.
pub fn backend(config: &Config, postgres: &Postgres) -> Result<Backend> {
    let store = Arc::new(postgres.clone());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ids: Arc<dyn Ids> = Arc::new(RandomIds);
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    let provider = provider(config)?;
    let record = Arc::new(RecordConnection::new(
        store.clone(),
        Arc::clone(&clock),
        Arc::clone(&ids),
    ));
    let hasher = Arc::new(InlineHasher::new(Arc::clone(&random)));
    let read_instances = Arc::new(ReadInstances::new(
        store.clone(),
        Arc::clone(&provider),
        Arc::clone(&record),
        Arc::clone(&clock),
    ));
    let provision = ProvisionInstance::new(ProvisionPorts {
        units: store.clone(),
        instances: store.clone(),
        provider: Arc::clone(&provider),
        record: Arc::clone(&record),
        clock: Arc::clone(&clock),
        ids: Arc::clone(&ids),
        random: Arc::clone(&random),
        callback_base: config.callback_base(),
    });
    let principals = Principals::default();
    let announce = principals.announcing(store.clone());
    Ok(Backend {
        accounts: store.clone(),
        billing: store.clone(),
        create_user: CreateUser::new(store.clone(), hasher, Arc::clone(&clock), Arc::clone(&ids)),
        set_plan: SetPlan::new(store.clone(), Arc::clone(&clock)).announcing(Arc::clone(&announce)),
        create_key: CreateKey::new(store.clone(), random, Arc::clone(&clock), Arc::clone(&ids)),
        list_keys: ListKeys::new(store.clone()),
        revoke_key: RevokeKey::new(store.clone(), Arc::clone(&clock)).announcing(announce),
        provision,
        read_instances,
        meter: Arc::new(ApiMeter::new(store)),
        record,
        bells: Bells::default(),
        principals,
        postgres: postgres.clone(),
        clock,
        ids,
        provider,
    })
}

/// Builds what the routes use.
pub async fn services(
    config: &Config,
    postgres: &Postgres,
    backend: &Backend,
    ops: Arc<Ops>,
) -> Result<Services> {
    let store = Arc::new(postgres.clone());
    let (clock, ids) = (Arc::clone(&backend.clock), Arc::clone(&backend.ids));
    let allow_private = config.allow_private_targets;
    Ok(Services {
        authenticate: Arc::new(Authenticate::new(
            backend.principals.credentials(store.clone()),
        )),
        accounts: Arc::clone(&backend.accounts),
        billing: backend.principals.billing(Arc::clone(&backend.billing)),
        rates: rates(config).await?,
        meter: Arc::clone(&backend.meter),
        usage: store.clone(),
        replays: store.clone(),
        send_message: Arc::new(SendMessage::new(SendPorts {
            units: store.clone(),
            instances: store.clone(),
            contacts: store.clone(),
            usage: store.clone(),
            clock: Arc::clone(&clock),
            ids: Arc::clone(&ids),
            nudge: backend.bells.lanes.clone(),
        })),
        cancel_message: Arc::new(CancelMessage::new(
            store.clone(),
            store.clone(),
            Arc::clone(&clock),
        )),
        read_messages: Arc::new(ReadMessages::new(store.clone())),
        read_instances: Arc::clone(&backend.read_instances),
        receive_event: Arc::new(ReceiveEvent::new(
            store.clone(),
            store.clone(),
            Arc::new(EvolutionDecoder),
            Arc::clone(&clock),
            Arc::clone(&ids),
            backend.bells.inbox.clone(),
        )),
        create_endpoint: Arc::new(CreateEndpoint::new(
            store.clone(),
            Arc::new(SystemRandom),
            Arc::clone(&clock),
            Arc::clone(&ids),
            allow_private,
        )),
        list_endpoints: Arc::new(ListEndpoints::new(store.clone())),
        delete_endpoint: Arc::new(DeleteEndpoint::new(store.clone())),
        ops,
        clock,
        ids,
        settings: Settings {
            rate_per_second: config.rate_limit_per_second,
            targets: Targets { allow_private },
            public_url: config.public_base(),
        },
    })
}

/// Builds what operators ask. From here on this process counts.
pub fn ops(postgres: &Postgres, draining: CancellationToken) -> Result<Ops> {
    let metrics = metrics_handle()?;
    let pool = postgres.clone();
    Ok(Ops {
        probes: vec![Arc::new(DatabaseProbe(postgres.clone()))],
        draining,
        metrics,
        note: Box::new(move || crate::http::metrics::pool(pool.pool_status())),
    })
}

/// Builds the background work of the roles this process has.
pub fn workers(config: &Config, postgres: &Postgres, backend: &Backend) -> Result<Workers> {
    Workers::new(config, postgres, backend)
}

/// The rate windows: shared through Redis when it is configured, else of this process.
async fn rates(config: &Config) -> Result<Arc<dyn RateLimiter>> {
    let Some(url) = &config.redis_url else {
        return Ok(Arc::new(SlidingWindows::default()));
    };
    let windows = RedisWindows::start(url.reveal())
        .await
        .context("redis_url (REDIS_URL)")?;
    Ok(Arc::new(windows))
}

/// The recorder of this process: there is one, whoever asks first makes it.
fn metrics_handle() -> Result<PrometheusHandle> {
    static HANDLE: std::sync::OnceLock<PrometheusHandle> = std::sync::OnceLock::new();
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    let handle = crate::http::metrics::install().context("cannot set up metrics")?;
    Ok(HANDLE.get_or_init(|| handle).clone())
}
