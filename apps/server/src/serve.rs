//! One running server: database, workers, HTTP; and its orderly end.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpServer;
use actix_web::dev::ServerHandle;
use anyhow::{Context as _, Result};
use msgflash_postgres::{CHANGED, Listening};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::config::{Config, OpsBind};
use crate::database::Database;
use crate::media::MediaDesk;
use crate::notices;
use crate::wire::{self, Backend};
use crate::workers::WorkersHandle;

/// How long a connection may stay without a request, its first one included. Clients and proxies close
/// theirs sooner (the usual times are 4 to 90 seconds): whoever closes first cuts no request that is
/// on its way to the other side.
const IDLE: Duration = Duration::from_secs(100);

/// Runs until told to stop.
pub async fn run(config: Config) -> Result<()> {
    if config.evolution.is_none() && config.roles.worker {
        warn!("no gateway is configured (MSGFLASH_EVOLUTION_URL): messages wait and then fail");
    }
    let server = Server::start(config).await?;
    signalled().await;
    server.drain();
    info!("stopping: no new work; the API answers a little longer, so that others take over");
    tokio::select! {
        () = tokio::time::sleep(server.config.drain) => {}
        () = signalled() => {}
    }
    info!("stopping: no new requests, calls in hand may finish");
    server.stop().await;
    info!("stopped");
    Ok(())
}

/// Returns at SIGTERM or Ctrl-C.
pub async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

/// A running server.
pub struct Server {
    config: Config,
    backend: Backend,
    http: Option<Http>,
    ops: Option<Http>,
    workers: WorkersHandle,
    draining: CancellationToken,
    _listening: Listening,
    /// Last to go: everything above uses it.
    _database: Database,
}

struct Http {
    address: SocketAddr,
    handle: ServerHandle,
    task: JoinHandle<std::io::Result<()>>,
}

impl Server {
    /// Opens the database, brings its schema up to date, starts workers and HTTP.
    pub async fn start(mut config: Config) -> Result<Self> {
        // The port comes first: with port 0 the addresses we hand out depend on it.
        let listener = config.roles.api.then(|| listen(&mut config)).transpose()?;
        let ops_listener = listen_for_operators(config.ops_bind)?;
        let database = Database::open(&config).await?;
        database.reach(&config).await?;
        let applied = msgflash_postgres::migrate(database.url()).await?;
        if !applied.is_empty() {
            info!(count = applied.len(), "schema brought up to date");
        }
        // Everything works without it, so nobody waits for it.
        tokio::spawn(search_index(database.url().to_owned()));
        let postgres = database.connect(&config)?;
        let draining = CancellationToken::new();
        let mut backend = wire::backend(&config, &postgres).await?;
        offer_plans(&config, &backend).await?;
        backend.media = MediaDesk::open(&config, &postgres, &backend).await?;
        let ops = Arc::new(wire::ops(&postgres, draining.clone())?);
        let workers = wire::workers(&config, &postgres, &backend)?.start();
        let listening =
            notices::listen(config.roles, &postgres, &backend.bells, &backend.principals);
        let patience = config.shutdown.as_secs();
        let operators = match ops_listener {
            Some(listener) => {
                let (ops, ids) = (Arc::clone(&ops), Arc::clone(&backend.ids));
                let app = move || crate::app::operations(Arc::clone(&ops), Arc::clone(&ids));
                let address = listener.local_addr()?;
                let server = HttpServer::new(app).disable_signals().workers(1);
                let server = server.shutdown_timeout(patience).listen(listener)?.run();
                Some(Http::start(address, server, "operators are answered"))
            }
            None => None,
        };
        let http = match listener {
            Some(listener) => {
                let services = wire::services(&config, &postgres, &backend, ops).await?;
                let services = Arc::new(services);
                let app = move || crate::app::app(Arc::clone(&services));
                let address = listener.local_addr()?;
                let server = HttpServer::new(app)
                    .disable_signals()
                    .keep_alive(IDLE)
                    .client_request_timeout(IDLE);
                let server = server.shutdown_timeout(patience).listen(listener)?.run();
                Some(Http::start(address, server, "the API is listening"))
            }
            None => None,
        };
        Ok(Self {
            config,
            backend,
            http,
            ops: operators,
            workers,
            draining,
            _listening: listening,
            _database: database,
        })
    }

    /// Where the API answers.
    pub fn base(&self) -> String {
        match &self.http {
            Some(http) => format!("http://{}", http.address),
            None => self.config.public_base(),
        }
    }

    /// The use cases behind the commands.
    pub fn backend(&self) -> &Backend {
        &self.backend
    }

    /// Begins the end: not ready from now on, and no new work. Requests are still answered.
    pub fn drain(&self) {
        self.draining.cancel();
        self.workers.drain();
    }

    /// Stops in order: not ready, no new requests, no new work, calls in hand finish.
    pub async fn stop(self) {
        self.drain();
        let (worked, ()) = tokio::join!(self.workers.stop(self.config.shutdown), async {
            if let Some(http) = self.http {
                http.stop().await;
            }
        });
        if !worked {
            warn!("some calls were still in hand; their outcome will be looked up");
        }
        if let Err(error) = self.backend.meter.flush().await {
            warn!(%error, "the last API requests could not be counted");
        }
        if let Some(ops) = self.ops {
            ops.stop().await;
        }
    }
}

/// Makes the stored plans those of the catalogue, before anybody is answered. Processes that start
/// together do it once.
async fn offer_plans(config: &Config, backend: &Backend) -> Result<()> {
    let provider = config.billing.provider.as_str();
    for plan in config.billing.unsellable() {
        warn!(
            plan = plan.code,
            provider,
            "nobody can buy this plan: the catalogue does not say what it is called there"
        );
    }
    let written = backend.billing_desk.sync.write().await;
    let changes = written.context("the plans on offer")?;
    if changes == 0 {
        return Ok(());
    }
    info!(count = changes, "plans brought up to date");
    backend.principals.forget_all();
    if let Err(cause) = backend.postgres.notify(CHANGED, "").await {
        debug!(%cause, "others were not told; they look by themselves");
    }
    Ok(())
}

/// Makes the index for searches of contacts, where that is possible.
async fn search_index(url: String) {
    if let Err(error) = msgflash_postgres::ensure_search_index(&url).await {
        warn!(%error, "the index for searches of contacts could not be looked after");
    }
}

/// Takes the operators' address, if there is to be one.
fn listen_for_operators(bind: OpsBind) -> Result<Option<TcpListener>> {
    let (address, chosen) = match bind {
        OpsBind::Off => return Ok(None),
        OpsBind::Usual(address) => (address, false),
        OpsBind::Chosen(address) => (address, true),
    };
    match TcpListener::bind(address) {
        Ok(listener) => Ok(Some(listener)),
        Err(error) if chosen => {
            Err(error).with_context(|| format!("cannot listen on {address} (MSGFLASH_OPS_BIND)"))
        }
        Err(error) => {
            warn!(%address, %error, "no port for operators: set MSGFLASH_OPS_BIND to a free one");
            Ok(None)
        }
    }
}

/// Takes the address; clients that come early wait in its queue.
fn listen(config: &mut Config) -> Result<TcpListener> {
    let listener = TcpListener::bind(config.bind)
        .with_context(|| format!("cannot listen on {}", config.bind))?;
    config.bound_to(listener.local_addr()?.port());
    Ok(listener)
}

impl Http {
    fn start(address: SocketAddr, server: actix_web::dev::Server, what: &'static str) -> Self {
        let handle = server.handle();
        let task = tokio::spawn(server);
        info!(%address, "{what}");
        Self {
            address,
            handle,
            task,
        }
    }

    /// Takes no new requests, and waits for those in hand.
    async fn stop(self) {
        self.handle.stop(true).await;
        if let Ok(Err(error)) = self.task.await {
            warn!(%error, "an HTTP server ended with an error");
        }
    }
}
