//! One running server: database, workers, HTTP; and its orderly end.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_web::HttpServer;
use actix_web::dev::ServerHandle;
use anyhow::{Context as _, Result};
use msgflash_postgres::Listening;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::config::Config;
use crate::database::Database;
use crate::notices;
use crate::wire::{self, Backend};
use crate::workers::WorkersHandle;

/// Runs until told to stop.
pub async fn run(config: Config) -> Result<()> {
    if config.evolution.is_none() && config.roles.worker {
        warn!("no gateway is configured (MSGFLASH_EVOLUTION_URL): messages wait and then fail");
    }
    let server = Server::start(config).await?;
    signalled().await;
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
        let database = Database::open(&config).await?;
        database.reach(&config).await?;
        let applied = msgflash_postgres::migrate(database.url()).await?;
        if !applied.is_empty() {
            info!(count = applied.len(), "schema brought up to date");
        }
        let postgres = database.connect(&config)?;
        let draining = CancellationToken::new();
        let backend = wire::backend(&config, &postgres)?;
        let workers = wire::workers(&config, &postgres, &backend)?.start();
        let listening =
            notices::listen(config.roles, &postgres, &backend.bells, &backend.principals);
        let http = match listener {
            Some(listener) => {
                let services =
                    wire::services(&config, &postgres, &backend, draining.clone()).await?;
                Some(Http::start(&config, listener, Arc::new(services))?)
            }
            None => None,
        };
        Ok(Self {
            config,
            backend,
            http,
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

    /// Stops in order: not ready, no new requests, no new work, calls in hand finish.
    pub async fn stop(self) {
        self.draining.cancel();
        if let Some(http) = self.http {
            http.handle.stop(true).await;
            if let Ok(Err(error)) = http.task.await {
                warn!(%error, "the HTTP server ended with an error");
            }
        }
        if !self.workers.stop(self.config.shutdown).await {
            warn!("some calls were still in hand; their outcome will be looked up");
        }
        if let Err(error) = self.backend.meter.flush().await {
            warn!(%error, "the last API requests could not be counted");
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
    fn start(
        config: &Config,
        listener: TcpListener,
        services: Arc<crate::services::Services>,
    ) -> Result<Self> {
        let address = listener.local_addr()?;
        let server = HttpServer::new(move || crate::app::app(Arc::clone(&services)))
            .disable_signals()
            .shutdown_timeout(config.shutdown.as_secs())
            .listen(listener)?
            .run();
        let handle = server.handle();
        let task = tokio::spawn(server);
        info!(%address, "the API is listening");
        Ok(Self {
            address,
            handle,
            task,
        })
    }
}
