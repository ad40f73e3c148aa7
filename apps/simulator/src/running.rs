//! Starting and stopping.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use actix_web::dev::{Server, ServerHandle};
use actix_web::web::{self, Data, PayloadConfig};
use actix_web::{App, HttpServer};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::gateway::Gateway;
use crate::{Options, api, connection, control};

/// The gateway's own limit on bodies.
const BODY_LIMIT: usize = 136 * 1024 * 1024;
/// Threads for webhooks, acks and connections.
const BACKGROUND_THREADS: usize = 2;

/// The entry to everything.
#[derive(Debug)]
pub struct Simulator;

impl Simulator {
    /// Starts a simulator on threads of its own, so it works under any runtime or none. It
    /// listens when this returns.
    pub fn start(options: Options) -> io::Result<Running> {
        let listener = TcpListener::bind(options.bind)?;
        let url = format!("http://{}", listener.local_addr()?);
        let (ended_tell, ended) = oneshot::channel();
        let (ready_tell, ready) = std::sync::mpsc::sync_channel(1);
        let own_url = url.clone();
        let thread = thread::Builder::new()
            .name("evolution-simulator".to_owned())
            .spawn(move || {
                let result = run(&options, listener, &own_url, &ready_tell);
                if let Err(error) = &result {
                    tracing::error!(%error, "the simulator ended");
                }
                let _ = ready_tell.try_send(result.map(|()| None));
                let _ = ended_tell.send(());
            })?;
        let handle = match ready.recv() {
            Ok(Ok(Some(handle))) => handle,
            Ok(Err(error)) => return Err(error),
            Ok(Ok(None)) | Err(_) => return Err(io::Error::other("the simulator did not start")),
        };
        Ok(Running {
            url,
            handle,
            ended,
            thread: Some(thread),
        })
    }
}

type Ready = std::sync::mpsc::SyncSender<io::Result<Option<ServerHandle>>>;

/// The simulator's thread: serves until it is stopped.
fn run(options: &Options, listener: TcpListener, url: &str, ready: &Ready) -> io::Result<()> {
    let background = Builder::new_multi_thread()
        .worker_threads(BACKGROUND_THREADS)
        .thread_name("evolution-simulator-background")
        .enable_all()
        .build()?;
    let gateway = Gateway::new(options, background.handle().clone()).map_err(io::Error::other)?;
    gateway.set_url(url.to_owned());
    let gateway = Arc::new(gateway);
    let workers = options.workers.max(1);
    let served = actix_web::rt::System::new().block_on(async {
        let server = serve(listener, &gateway, workers)?;
        let _ = ready.try_send(Ok(Some(server.handle())));
        server.await
    });
    gateway.end_life();
    background.shutdown_background(); // What is left only waits.
    served
}

fn serve(listener: TcpListener, gateway: &Arc<Gateway>, workers: usize) -> io::Result<Server> {
    let gateway = Data::new(Arc::clone(gateway));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(gateway.clone())
            .app_data(PayloadConfig::new(BODY_LIMIT))
            .configure(control::routes)
            .default_service(web::to(api::entry))
    })
    .on_connect(connection::remember)
    .workers(workers)
    .shutdown_timeout(0)
    .disable_signals()
    .listen(listener)?
    .run();
    Ok(server)
}

/// A simulator at work. It stops when this is dropped; [`Running::stop`] also waits for the end.
#[derive(Debug)]
pub struct Running {
    url: String,
    handle: ServerHandle,
    ended: oneshot::Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// The base address, for example `http://127.0.0.1:8080`.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Stops and waits until nothing of it runs any more.
    pub async fn stop(mut self) {
        drop(self.handle.stop(false));
        let _ = (&mut self.ended).await; // Closed or told: it has ended either way.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }

    /// Waits until it ends by itself, which only an error makes it do.
    pub async fn ended(&mut self) {
        let _ = (&mut self.ended).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.handle.stop(false)); // The command is under way before the future is polled.
    }
}
