//! `testkit-cluster -- <command> …` runs a command with one `PostgreSQL` for all its tests.
//!
//! Signals are passed on, the command's exit code is ours, and the cluster ends with the command.

use std::{
    env,
    io::IsTerminal as _,
    process::{ExitCode, ExitStatus, Stdio},
};

use anyhow::{Context as _, Result};
use msgflash_testkit::{SERVER_VARIABLE, ThrowawayCluster};
use tokio::{
    process::{Child, Command},
    signal::unix::{Signal, SignalKind, signal},
};

fn main() -> Result<ExitCode> {
    let arguments: Vec<_> = env::args_os()
        .skip(1)
        .skip_while(|argument| argument == "--")
        .collect();
    let (program, arguments) = arguments
        .split_first()
        .context("usage: testkit-cluster -- <command> [argument …]")?;
    let mut command = Command::new(program);
    command.args(arguments);

    // A server somebody chose is used as it is.
    let cluster = match env::var_os(SERVER_VARIABLE) {
        Some(_) => None,
        None => Some(ThrowawayCluster::start()?),
    };
    if let Some(cluster) = &cluster {
        command.env(SERVER_VARIABLE, cluster.url());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let status = runtime.block_on(async {
        // Before the command runs: a signal must never find us without its handler.
        let signals = Signals::catch()?;
        let child = command
            .spawn()
            .with_context(|| format!("cannot run {}", program.display()))?;
        signals.pass_on_to(child).await
    });
    drop(cluster);
    Ok(ExitCode::from(code(status?)))
}

/// The signals that would end us.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    fn catch() -> Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Answers with the child's end; until then it gets our signals.
    async fn pass_on_to(mut self, mut child: Child) -> Result<ExitStatus> {
        // A terminal sends Ctrl-C to the child too, and a second one would cut its ending short.
        let is_interactive = std::io::stdin().is_terminal() || std::io::stderr().is_terminal();
        loop {
            let name = tokio::select! {
                status = child.wait() => return Ok(status?),
                _ = self.interrupt.recv() => if is_interactive { continue } else { "INT" },
                _ = self.terminate.recv() => "TERM",
                _ = self.hang_up.recv() => "HUP",
            };
            if let Some(pid) = child.id() {
                // The shell's own `kill`: the program is not on every system.
                let script = format!("kill -s {name} {pid}");
                drop(
                    Command::new("sh")
                        .args(["-c", &script])
                        .stdin(Stdio::null())
                        .status()
                        .await,
                );
            }
        }
    }
}

/// As shells count: a signal is 128 and its number.
fn code(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt as _;
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}
