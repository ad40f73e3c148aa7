//! Adapters into use cases: the only place that names both.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use metrics::gauge;
use metrics_exporter_prometheus::PrometheusHandle;
use msgflash_accounts::{
    AccountReader, Authenticate, CreateKey, CreateUser, IdentityProvider, ListKeys, PooledHasher,
    PortalLinks, ReadKeyUse, ReadMails, RevokeKey,
};
use msgflash_billing::{BillingPorts, BillingReader};
use msgflash_evolution::{EvolutionClient, EvolutionConfig, EvolutionDecoder};
use msgflash_kernel::{Clock, Ids, Random, RandomIds, SystemClock};
use msgflash_messaging::alarm::Alarms;
use msgflash_messaging::dispatch::stop::AwaitMarks;
use msgflash_messaging::instance::connection::RecordConnection;
use msgflash_messaging::instance::provision::{ProvisionInstance, ProvisionPorts};
use msgflash_messaging::instance::read::ReadInstances;
use msgflash_messaging::instance::recent::RecentInstances;
use msgflash_messaging::instance::signs::{FollowSigns, SignListener, Signs};
use msgflash_messaging::message::accept::{AcceptPorts, Acceptor, acceptor};
use msgflash_messaging::message::cancel::CancelMessage;
use msgflash_messaging::message::list::ReadMessages;
use msgflash_messaging::message::overview::Overview;
use msgflash_messaging::message::send::{SendMessage, SendPorts};
use msgflash_messaging::provider::WhatsAppProvider;
use msgflash_messaging::receipt::receive::{ReceiveEvent, ReceivePorts};
use msgflash_messaging::status::{PublishPorts, Settled};
use msgflash_oidc::{OidcConfig, OidcProvider};
use msgflash_postgres::{DatabaseClock, Postgres};
use msgflash_quotas::{ApiMeter, PlanAllowances, RateLimiter, SlidingWindows};
use msgflash_redis::RedisWindows;
use msgflash_teams::EnterWorkspace;
use msgflash_teams::manage::TeamPorts;
use msgflash_templates::{
    CreateTemplate, DeleteTemplate, PreviewTemplate, ReadTemplates, RenderTemplate, ReviseTemplate,
};
use msgflash_webhooks::{
    ChangeEndpoint, CreateEndpoint, DeleteEndpoint, DeliveryLog, ReadEndpoints, SendAgain,
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::address_book::{AddressBook, AddressBookPorts};
use crate::alarms::LoggedAlarms;
use crate::api::v1::statuses::ANSWERS;
use crate::billing::{BillingDesk, BillingDeskPorts, PaymentProviders, Rung};
use crate::campaigns::{Campaigns, CampaignsPorts};
use crate::chance::SystemRandom;
use crate::config::Config;
use crate::lookups::{Lookups, LookupsPorts};
use crate::media::MediaDesk;
use crate::no_gateway::NoGateway;
use crate::people::{People, PeoplePorts};
use crate::principals::Principals;
use crate::probe::DatabaseProbe;
use crate::services::{COUNTING, Keys, Ops, Services, Settings, Targets};
use crate::statuses::Statuses;
use crate::suppressions::{Suppressions, SuppressionsPorts, TimerPauses};
use crate::teams::TeamDesk;
use crate::uploads::Uploads;
use crate::workers::{Bells, LEASE_MARGIN, Workers, span};

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
    /// How people sign up and in.
    pub people: Arc<People>,
    /// Teams, and who is in them.
    pub teams: Arc<TeamDesk>,
    /// What is done about plans and payments.
    pub billing_desk: Arc<BillingDesk>,
    /// Makes keys.
    pub create_key: Arc<CreateKey>,
    /// Lists keys.
    pub list_keys: Arc<ListKeys>,
    /// Revokes keys.
    pub revoke_key: Arc<RevokeKey>,
    /// Makes and links instances.
    pub provision: Arc<ProvisionInstance>,
    /// Reads instances.
    pub read_instances: Arc<ReadInstances>,
    /// Counts API requests.
    pub meter: Arc<ApiMeter>,
    /// Records changes of links.
    pub record: Arc<RecordConnection>,
    /// Tells the operator.
    pub alarms: Arc<dyn Alarms>,
    /// Looks at what the gateway's answers point to.
    pub follow_signs: Arc<FollowSigns>,
    /// What wakes the workers.
    pub bells: Bells,
    /// What is remembered of callers.
    pub principals: Principals,
    /// What is remembered of instances.
    pub recent: Arc<RecentInstances>,
    /// Contacts, groups and bulk jobs.
    pub address_book: Arc<AddressBook>,
    /// The store, for what has no use case.
    pub postgres: Postgres,
    /// Uploaded files, once they were opened ([`MediaDesk::open`]); commands do not need them.
    pub media: Option<Arc<MediaDesk>>,
}

/// The gateway's client; one that refuses everything when none is configured. What its answers say
/// about the gateway is heard by whoever is given.
pub fn provider(
    config: &Config,
    listener: Option<Arc<dyn SignListener>>,
) -> Result<Arc<dyn WhatsAppProvider>> {
    let Some(evolution) = &config.evolution else {
        return Ok(Arc::new(NoGateway));
    };
    let mut settings = EvolutionConfig::new(evolution.url.clone(), evolution.api_key.clone());
    settings.send_timeout = config.send_timeout;
    let client = EvolutionClient::new(settings).context("the gateway's settings")?;
    Ok(match listener {
        Some(listener) => Arc::new(client.heard_by(listener)),
        None => Arc::new(client),
    })
}

/// How often the database's clock is looked at. Crystals drift by a second a day.
const CLOCK_EVERY: Duration = Duration::from_secs(30);

/// The database's time, looked at now and then for as long as somebody wants to know it.
async fn database_clock(postgres: &Postgres) -> Arc<DatabaseClock> {
    let clock = Arc::new(DatabaseClock::new(Arc::new(SystemClock)));
    if let Err(cause) = clock.look(postgres).await {
        warn!(%cause, "the database's clock could not be read");
    }
    let (watched, postgres) = (Arc::downgrade(&clock), postgres.clone());
    drop(tokio::spawn(async move {
        loop {
            tokio::time::sleep(CLOCK_EVERY).await;
            let Some(clock) = watched.upgrade() else {
                break;
            };
            match clock.look(&postgres).await {
                Ok(ahead) => gauge!("msgflash_clock_offset_seconds").set(ahead.as_seconds_f64()),
                Err(cause) => debug!(%cause, "the database's clock could not be read"),
            }
        }
    }));
    clock
}

/// Whoever proves identities elsewhere, when one is configured.
fn identity_provider(
    config: &Config,
    clock: &Arc<dyn Clock>,
) -> Result<Option<Arc<dyn IdentityProvider>>> {
    let Some(google) = &config.google else {
        return Ok(None);
    };
    let settings = OidcConfig {
        issuer: google.issuer.clone(),
        client_id: google.client_id.clone(),
        client_secret: google.client_secret.clone(),
        redirect_uri: format!("{}/api/auth/google/callback", config.public_base()),
    };
    let provider = OidcProvider::new(settings, Arc::clone(clock));
    Ok(Some(Arc::new(provider.context("the settings of Google")?)))
}

/// Builds what everything shares.
pub async fn backend(config: &Config, postgres: &Postgres) -> Result<Backend> {
    let store = Arc::new(postgres.clone());
    let clock: Arc<dyn Clock> = database_clock(postgres).await;
    let ids: Arc<dyn Ids> = Arc::new(RandomIds);
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    let alarms: Arc<dyn Alarms> = Arc::new(LoggedAlarms);
    let signs = Arc::new(Signs::new(Arc::clone(&alarms), Arc::clone(&clock)));
    let provider = provider(config, Some(signs.clone()))?;
    let record = Arc::new(RecordConnection::new(
        store.clone(),
        Arc::clone(&clock),
        Arc::clone(&ids),
    ));
    let patience = time::Duration::try_from(config.reconnect_patience);
    let follow_signs = Arc::new(FollowSigns::new(
        signs,
        store.clone(),
        Arc::clone(&provider),
        Arc::clone(&record),
        Arc::clone(&alarms),
        Arc::clone(&clock),
        patience.unwrap_or(time::Duration::MAX),
    ));
    let hasher = Arc::new(PooledHasher::new(Arc::clone(&random)));
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
    let recent = Arc::new(RecentInstances::new(store.clone(), Arc::clone(&clock)));
    let announce = principals.announcing(store.clone());
    let bells = Bells::default();
    let address_book = AddressBook::new(AddressBookPorts {
        contact_units: store.clone(),
        group_units: store.clone(),
        bulk_units: store.clone(),
        book: store.clone(),
        groups: store.clone(),
        jobs: store.clone(),
        import_units: store.clone(),
        imports: store.clone(),
        export: store.clone(),
        wake: bells.contact_jobs.clone(),
        wake_imports: bells.contact_imports.clone(),
        clock: Arc::clone(&clock),
        ids: Arc::clone(&ids),
    });
    let people = People::new(PeoplePorts {
        users: store.clone(),
        sessions: principals.sessions(store.clone()),
        tokens: store.clone(),
        units: store.clone(),
        keys: store.clone(),
        throttle: store.clone(),
        requests: store.clone(),
        wake: bells.mail_requests.clone(),
        provider: identity_provider(config, &clock)?,
        starts: store.clone(),
        hasher: hasher.clone(),
        announce: Arc::clone(&announce),
        clock: Arc::clone(&clock),
        ids: Arc::clone(&ids),
        random: Arc::clone(&random),
        issuer: config.public_base(),
        portal: config.portal_base(),
    });
    let teams = TeamPorts {
        units: store.clone(),
        teams: store.clone(),
        invitations: store.clone(),
        users: store.clone(),
        links: PortalLinks::new(&config.portal_base()),
        announce: Arc::clone(&announce),
        wake: bells.remains.clone(),
        clock: Arc::clone(&clock),
        ids: Arc::clone(&ids),
        random: Arc::clone(&random),
    };
    let billing = BillingPorts {
        units: store.clone(),
        catalogue: Arc::clone(&config.billing.catalogue),
        announce: Arc::new(Rung::new(Arc::clone(&announce), bells.billing.clone())),
        clock: Arc::clone(&clock),
        ids: Arc::clone(&ids),
    };
    let billing_desk = billing_desk(config, &store, billing)?;
    Ok(Backend {
        teams: Arc::new(TeamDesk::new(teams, store.clone())),
        people: Arc::new(people),
        address_book: Arc::new(address_book),
        accounts: store.clone(),
        billing: store.clone(),
        create_user: CreateUser::new(store.clone(), hasher, Arc::clone(&clock), Arc::clone(&ids)),
        billing_desk: Arc::new(billing_desk),
        create_key: Arc::new(CreateKey::new(
            store.clone(),
            random,
            Arc::clone(&clock),
            Arc::clone(&ids),
        )),
        list_keys: Arc::new(ListKeys::new(store.clone())),
        revoke_key: Arc::new(
            RevokeKey::new(store.clone(), Arc::clone(&clock), Arc::clone(&ids))
                .announcing(principals.outlasting(store.clone())),
        ),
        provision: Arc::new(provision),
        read_instances,
        meter: Arc::new(ApiMeter::new(store)),
        record,
        alarms,
        follow_signs,
        bells,
        principals,
        recent,
        postgres: postgres.clone(),
        media: None,
        clock,
        ids,
        provider,
    })
}

fn billing_desk(
    config: &Config,
    store: &Arc<Postgres>,
    billing: BillingPorts,
) -> Result<BillingDesk> {
    Ok(BillingDesk::new(BillingDeskPorts {
        billing,
        queue: store.clone(),
        plans: store.clone(),
        meters: store.clone(),
        notices: store.clone(),
        to_mail: store.clone(),
        mails: store.clone(),
        operator: store.clone(),
        providers: PaymentProviders::of(&config.billing)?,
        portal: config.portal_base(),
    }))
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
    let (receive_event, store_groups) = ReceiveEvent::new(ReceivePorts {
        instances: store.clone(),
        inbox: store.clone(),
        decoder: Arc::new(EvolutionDecoder),
        clock: Arc::clone(&clock),
        ids: Arc::clone(&ids),
        receipts: backend.bells.receipts.clone(),
        events: backend.bells.inbox.clone(),
    });
    // It ends when the last of the services is dropped.
    drop(tokio::spawn(store_groups.run()));
    Ok(Services {
        document: std::sync::OnceLock::new(),
        enter: EnterWorkspace::new(backend.principals.members(store.clone())),
        teams: Arc::clone(&backend.teams),
        authenticate: Arc::new(Authenticate::new(
            backend.principals.credentials(store.clone()),
        )),
        accounts: Arc::clone(&backend.accounts),
        billing: backend.principals.billing(Arc::clone(&backend.billing)),
        billing_desk: Arc::clone(&backend.billing_desk),
        rates: rates(config).await?,
        meter: Arc::clone(&backend.meter),
        usage: store.clone(),
        replays: store.clone(),
        send_message: Arc::new(SendMessage::new(SendPorts {
            acceptor: accepting(&store, backend),
            instances: Arc::clone(&backend.recent),
            contacts: store.clone(),
            suppressions: store.clone(),
            templates: Arc::new(RenderTemplate::new(store.clone(), store.clone())),
            clock: Arc::clone(&clock),
            ids: Arc::clone(&ids),
        })),
        cancel_message: Arc::new(CancelMessage::new(
            store.clone(),
            store.clone(),
            store.clone(),
            Arc::clone(&clock),
        )),
        read_messages: Arc::new(ReadMessages::new(store.clone())),
        overview: Overview::new(store.clone(), Arc::clone(&clock)),
        counting: tokio::sync::Semaphore::new(COUNTING),
        provision: Arc::clone(&backend.provision),
        read_instances: Arc::clone(&backend.read_instances),
        receive_event: Arc::new(receive_event),
        create_template: Arc::new(CreateTemplate::new(
            store.clone(),
            Arc::clone(&clock),
            Arc::clone(&ids),
        )),
        read_templates: Arc::new(ReadTemplates::new(store.clone())),
        revise_template: Arc::new(ReviseTemplate::new(store.clone(), Arc::clone(&clock))),
        delete_template: Arc::new(DeleteTemplate::new(store.clone())),
        preview_template: Arc::new(PreviewTemplate::new(store.clone(), store.clone())),
        create_endpoint: Arc::new(CreateEndpoint::new(
            store.clone(),
            Arc::new(SystemRandom),
            Arc::clone(&clock),
            Arc::clone(&ids),
            allow_private,
        )),
        read_endpoints: Arc::new(ReadEndpoints::new(store.clone())),
        change_endpoint: Arc::new(ChangeEndpoint::new(
            store.clone(),
            Arc::new(SystemRandom),
            Arc::clone(&clock),
            span(config.webhook_secret_overlap),
            allow_private,
        )),
        delete_endpoint: Arc::new(DeleteEndpoint::new(store.clone())),
        delivery_log: Arc::new(DeliveryLog::new(store.clone(), store.clone())),
        send_again: Arc::new(SendAgain::new(
            store.clone(),
            store.clone(),
            Arc::clone(&clock),
            Arc::clone(&ids),
            backend.bells.posts.clone(),
        )),
        address_book: Arc::clone(&backend.address_book),
        suppressions: suppressions(&store, backend),
        campaigns: campaigns(config, &store, backend),
        lookups: lookups(&store, backend),
        statuses: statuses(config, &store, backend),
        people: Arc::clone(&backend.people),
        keys: Keys {
            create: Arc::clone(&backend.create_key),
            list: Arc::clone(&backend.list_keys),
            revoke: Arc::clone(&backend.revoke_key),
            uses: ReadKeyUse::new(store.clone()),
        },
        uploads: Uploads::of(CONTACT_FILES),
        media: backend.media.clone(),
        mailbox: config.dev_mode.then(|| ReadMails::new(store.clone())),
        ops,
        clock,
        ids,
        settings: Settings {
            rate_per_second: config.rate_limit_per_second,
            console_rate_per_second: config.console_rate_limit_per_second,
            behind_proxy: config.behind_proxy,
            portal_url: config.portal_base(),
            portal: config.allows_portal.then(|| config.portal_url.clone()),
            targets: Targets { allow_private },
            public_url: config.public_base(),
        },
    })
}

fn suppressions(store: &Arc<Postgres>, backend: &Backend) -> Suppressions {
    Suppressions::new(SuppressionsPorts {
        units: store.clone(),
        reader: store.clone(),
        silence: Arc::new(AwaitMarks::new(store.clone(), Arc::new(TimerPauses))),
        clock: Arc::clone(&backend.clock),
    })
}

fn campaigns(config: &Config, store: &Arc<Postgres>, backend: &Backend) -> Campaigns {
    Campaigns::new(CampaignsPorts {
        campaigns: store.clone(),
        units: store.clone(),
        audiences: store.clone(),
        marks: store.clone(),
        pauses: Arc::new(TimerPauses),
        instances: Arc::clone(&backend.recent),
        templates: Arc::new(RenderTemplate::new(store.clone(), store.clone())),
        allowances: Arc::new(PlanAllowances::new(Arc::clone(&backend.billing))),
        usage: store.clone(),
        wake: backend.bells.campaigns.clone(),
        clock: Arc::clone(&backend.clock),
        ids: Arc::clone(&backend.ids),
        gap: span(config.pace),
        enforces_caps: config.enforces_caps,
    })
}

fn lookups(store: &Arc<Postgres>, backend: &Backend) -> Lookups {
    Lookups::new(LookupsPorts {
        units: store.clone(),
        lookups: store.clone(),
        checks: store.clone(),
        instances: store.clone(),
        provider: Arc::clone(&backend.provider),
        wake: backend.bells.lookups.clone(),
        clock: Arc::clone(&backend.clock),
        ids: Arc::clone(&backend.ids),
    })
}

fn statuses(config: &Config, store: &Arc<Postgres>, backend: &Backend) -> Statuses {
    let ports = PublishPorts {
        units: store.clone(),
        instances: store.clone(),
        provider: Arc::clone(&backend.provider),
        files: backend.media.as_ref().map(|desk| Arc::clone(&desk.send)),
        settled: settled(store, backend),
        clock: Arc::clone(&backend.clock),
        ids: Arc::clone(&backend.ids),
        lease: span(config.send_timeout + LEASE_MARGIN),
    };
    Statuses::new(ports, store.clone())
}

/// Records what became of statuses, for requests and workers alike.
pub(crate) fn settled(store: &Arc<Postgres>, backend: &Backend) -> Settled {
    Settled::new(store.clone(), Arc::clone(&backend.clock), ANSWERS)
}

/// How many files of contacts are read at once, of 5 MB at most.
const CONTACT_FILES: usize = 16;

/// How many groups of messages are accepted at once: one fills while another commits. More of them
/// make smaller groups, and each statement costs about as much for one message as for ten.
const ACCEPTING: usize = 2;

/// Starts what accepts messages. It ends with the last request that could ask for it.
fn accepting(store: &Arc<Postgres>, backend: &Backend) -> Acceptor {
    let (acceptor, workers) = acceptor(ACCEPTING);
    for worker in workers {
        tokio::spawn(worker.run(AcceptPorts {
            units: store.clone(),
            clock: Arc::clone(&backend.clock),
            wake: backend.bells.woken.clone(),
        }));
    }
    acceptor
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
