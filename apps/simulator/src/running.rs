//! Starting and stopping.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::web::{self, Data, PayloadConfig};
use actix_web::{App, HttpServer};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::door::Door;
use crate::gateway::Gateway;
use crate::{Options, api, connection, control};

/// The gateway's own limit on bodies.
const BODY_LIMIT: usize = 136 * 1024 * 1024;
/// Longer than clients keep connections they do not use: see the product's server.
const IDLE: Duration = Duration::from_secs(100);
/// Threads for webhooks, acks and connections.
const BACKGROUND_THREADS: usize = 2;

/// The entry to everything.
#[derive(Debug)]
pub struct Simulator;

impl Simulator {
    /// Starts a simulator on threads of its own, so it works under any runtime or none. It
    /// listens when this returns.
    pub fn start(options: Options) -> io::Result<Running> {
        let place = Place::take(&options)?;
        let (url, control_url) = (place.url(), place.control_url());
        let stop = CancellationToken::new();
        let (ended_tell, ended) = oneshot::channel();
        let (ready_tell, ready) = std::sync::mpsc::sync_channel(1);
        let stopping = stop.clone();
        let thread = thread::Builder::new()
            .name("evolution-simulator".to_owned())
            .spawn(move || {
                let result = run(&options, place, &stopping, &ready_tell);
                if let Err(error) = &result {
                    tracing::error!(%error, "the simulator ended");
                }
                let _ = ready_tell.try_send(result.and_then(|()| Err(did_not_start())));
                let _ = ended_tell.send(());
            })?;
        ready.recv().unwrap_or_else(|_| Err(did_not_start()))?;
        Ok(Running {
            url,
            control_url,
            stop,
            ended,
            thread: Some(thread),
        })
    }
}

fn did_not_start() -> io::Error {
    io::Error::other("the simulator did not start")
}

type Ready = std::sync::mpsc::SyncSender<io::Result<()>>;

/// The addresses a simulator listens on.
struct Place {
    door: Option<Door>,
    listener: TcpListener,
    control: Option<TcpListener>,
}

impl Place {
    fn take(options: &Options) -> io::Result<Self> {
        let control = options.control_bind.map(TcpListener::bind).transpose()?;
        // The port is closed only when the control API can be reached without it.
        let (door, listener) = if control.is_some() {
            let (door, listener) = Door::open(options.bind)?;
            (Some(door), listener)
        } else {
            (None, TcpListener::bind(options.bind)?)
        };
        Ok(Self {
            door,
            listener,
            control,
        })
    }

    fn url(&self) -> String {
        url_of(&self.listener)
    }

    fn control_url(&self) -> String {
        url_of(self.control.as_ref().unwrap_or(&self.listener))
    }
}

fn url_of(listener: &TcpListener) -> String {
    let address = listener.local_addr().map(|address| address.to_string());
    format!("http://{}", address.unwrap_or_default())
}

/// The simulator's thread: serves until it is stopped.
fn run(options: &Options, place: Place, stop: &CancellationToken, ready: &Ready) -> io::Result<()> {
    let background = Builder::new_multi_thread()
        .worker_threads(BACKGROUND_THREADS)
        .thread_name("evolution-simulator-background")
        .enable_all()
        .build()?;
    let gateway = Gateway::new(options, background.handle().clone()).map_err(io::Error::other)?;
    gateway.set_url(place.url());
    let gateway = Arc::new(gateway);
    let workers = options.workers.max(1);
    let served = actix_web::rt::System::new()
        .block_on(async { serve_lives(&gateway, place, workers, stop, ready).await });
    gateway.end_life();
    background.shutdown_background(); // What is left only waits.
    served
}

/// One server after the other: a gateway that goes down and comes up again is a new one on the
/// same port.
async fn serve_lives(
    gateway: &Arc<Gateway>,
    place: Place,
    workers: usize,
    stop: &CancellationToken,
    ready: &Ready,
) -> io::Result<()> {
    let Place {
        door,
        mut listener,
        control,
    } = place;
    if let Some(control) = control {
        let server = serve(control, gateway, 1)?;
        let (handle, stop) = (server.handle(), stop.clone());
        actix_web::rt::spawn(server);
        actix_web::rt::spawn(async move {
            stop.cancelled().await;
            handle.stop(false).await;
        });
    }
    loop {
        let mut server = serve(listener, gateway, workers)?;
        let handle = server.handle();
        gateway.listening.send_replace(true);
        let _ = ready.try_send(Ok(())); // Only the first time anybody listens.
        let is_over = tokio::select! {
            ended = &mut server => return ended,
            () = stop.cancelled() => true,
            () = gateway.until_down(), if door.is_some() => false,
        };
        drop(handle.stop(false)); // The command is under way before the future is polled.
        server.await?;
        gateway.listening.send_replace(false);
        let (false, Some(door)) = (is_over, &door) else {
            return Ok(());
        };
        tokio::select! {
            () = gateway.until_up() => {}
            () = stop.cancelled() => return Ok(()),
        }
        listener = door.reopen()?;
    }
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
    .keep_alive(IDLE)
    .client_request_timeout(IDLE)
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
    control_url: String,
    stop: CancellationToken,
    ended: oneshot::Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// The base address, for example `http://127.0.0.1:8080`.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// The base address of the control API: [`Running::url`], unless it has one of its own.
    pub fn control_url(&self) -> String {
        self.control_url.clone()
    }

    /// Stops and waits until nothing of it runs any more.
    pub async fn stop(mut self) {
        self.stop.cancel();
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
        self.stop.cancel();
    }
}
