//! The real `msgflash`, as a process of its own.

use std::fs::OpenOptions;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use msgflash_local_postgres::end_with_us;

use crate::http::Connection;
use crate::machine::{peak_kb, resident_kb, root};

/// Longer than this no start takes.
const START: Duration = Duration::from_secs(30);
/// A process that does not end by itself within this is killed.
const END: Duration = Duration::from_secs(40);

/// A running server; killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    /// Where its API answers.
    pub(crate) address: SocketAddr,
    /// From the start of the process to the first `200` of `/readyz`.
    pub(crate) ready_after: Duration,
}

/// The program to measure: `BENCH_SERVER`, or the release build of this workspace.
pub(crate) fn program() -> Result<PathBuf> {
    let named = std::env::var_os("BENCH_SERVER").map(PathBuf::from);
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("target"), |dir| root().join(dir));
    let program = named.unwrap_or_else(|| target.join("release/msgflash"));
    ensure!(
        program.is_file(),
        "{} is not there: cargo build --release -p msgflash-server",
        program.display()
    );
    Ok(program)
}

impl Server {
    /// Starts it with settings by their names in `msgflash.toml`, and waits until it is ready.
    pub(crate) async fn start(url: &str, settings: &[(&str, &str)]) -> Result<Self> {
        let begun = Instant::now();
        let mut server = Self::start_worker(url, settings)?;
        while !server.is_ready().await {
            if let Some(status) = server.child.try_wait()? {
                bail!("msgflash ended with {status} when started with {settings:?}");
            }
            ensure!(
                begun.elapsed() < START,
                "msgflash was not ready in {START:?}"
            );
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        server.ready_after = begun.elapsed();
        Ok(server)
    }

    /// The same for a process without an API, which nobody can ask whether it is ready.
    pub(crate) fn start_worker(url: &str, settings: &[(&str, &str)]) -> Result<Self> {
        let address = free_address()?;
        let mut command = Command::new(program()?);
        command.arg("serve");
        let own = [
            ("database_url", url),
            ("bind", &address.to_string()),
            // Nobody looks elsewhere first: its end need not be waited for.
            ("drain_seconds", "0"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let others = settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        for (name, value) in own.into_iter().chain(others) {
            command.arg("--set").arg(format!("{name}={value}"));
        }
        // A place without a msgflash.toml, and an environment without settings.
        command.current_dir(std::env::temp_dir()).env_clear();
        command.stdin(Stdio::null()).stdout(log()?).stderr(log()?);
        // Spawned on the main thread, where lines run.
        end_with_us(&mut command);
        let child = command.spawn().context("msgflash does not start")?;
        Ok(Self {
            child,
            address,
            ready_after: Duration::ZERO,
        })
    }

    /// Its resident memory in megabytes.
    pub(crate) fn resident_mb(&self) -> Result<f64> {
        megabytes(resident_kb(self.child.id()))
    }

    /// The most it ever had, from its start on.
    pub(crate) fn peak_mb(&self) -> Result<f64> {
        megabytes(peak_kb(self.child.id()))
    }

    /// Asks it to end and waits until it has, so that everything it counted is written.
    pub(crate) async fn stop(mut self) -> Result<()> {
        let id = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status()?;
        ensure!(asked.success(), "msgflash could not be asked to end");
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "msgflash ended with {status}");
                return Ok(());
            }
            ensure!(begun.elapsed() < END, "msgflash did not end");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn is_ready(&self) -> bool {
        let Ok(mut connection) = Connection::open(self.address).await else {
            return false;
        };
        let request = format!("GET /readyz HTTP/1.1\r\nHost: {}\r\n\r\n", self.address);
        let answer = connection.exchange(request.as_bytes()).await;
        answer.is_ok_and(|answer| answer.status == 200)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails for one that ended, which is fine.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn megabytes(kb: Option<u64>) -> Result<f64> {
    let kb = kb.context("the server's memory cannot be read")?;
    Ok(kb as f64 / 1_024.0)
}

/// Where the server's log goes, which it writes as by default: to nowhere, or to the end of the file
/// `BENCH_LOG` names when somebody looks for the reason of a failure.
fn log() -> Result<Stdio> {
    let Some(path) = std::env::var_os("BENCH_LOG") else {
        return Ok(Stdio::null());
    };
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    Ok(file.into())
}

/// A port nobody uses at this moment.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
