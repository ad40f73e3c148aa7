//! `testkit-cluster -- <command> … [--then <command> …]` runs commands, one after the other, with
//! one `PostgreSQL` for all their tests.
//!
//! Signals are passed on to the command that is running, and no other follows. The first failure
//! is our exit code, and the cluster ends with the last command.

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
    let mut commands: Vec<Command> = Vec::new();
    for words in arguments.split(|argument| argument == "--then") {
        let usage = "usage: testkit-cluster -- <command> … [--then <command> …]";
        let (program, arguments) = words.split_first().context(usage)?;
        let mut command = Command::new(program);
        command.args(arguments);
        commands.push(command);
    }

    // A server somebody chose is used as it is.
    let cluster = match env::var_os(SERVER_VARIABLE) {
        Some(_) => None,
        None => Some(ThrowawayCluster::start()?),
    };
    if let Some(cluster) = &cluster {
        for command in &mut commands {
            command.env(SERVER_VARIABLE, cluster.url());
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let code = runtime.block_on(run(commands));
    drop(cluster);
    Ok(ExitCode::from(code?))
}

async fn run(commands: Vec<Command>) -> Result<u8> {
    // Before any command runs: a signal must never find us without its handler.
    let mut signals = Signals::catch()?;
    let mut outcome = 0;
    for mut command in commands {
        let child = command
            .spawn()
            .with_context(|| format!("cannot run {}", command.as_std().get_program().display()))?;
        let status = signals.pass_on_to(child).await?;
        if outcome == 0 {
            outcome = code(status);
        }
        if signals.came {
            break;
        }
    }
    Ok(outcome)
}

/// The signals that would end us.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
    /// Whether there has been one.
    came: bool,
}

impl Signals {
    fn catch() -> Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            came: false,
        })
    }

    /// Answers with the child's end; until then it gets our signals.
    async fn pass_on_to(&mut self, mut child: Child) -> Result<ExitStatus> {
        // A terminal sends Ctrl-C to the child too, and a second one would cut its ending short.
        let is_interactive = std::io::stdin().is_terminal() || std::io::stderr().is_terminal();
        loop {
            let name = tokio::select! {
                status = child.wait() => return Ok(status?),
                _ = self.interrupt.recv() => "INT",
                _ = self.terminate.recv() => "TERM",
                _ = self.hang_up.recv() => "HUP",
            };
            self.came = true;
            if name == "INT" && is_interactive {
                continue;
            }
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
