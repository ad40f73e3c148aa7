//! `testkit-cluster -- <command> …` runs a command with one PostgreSQL for all its tests.
//!
//! Signals are passed on, the command's exit code is ours, and the cluster ends with the command.

use std::{
    env,
    io::IsTerminal as _,
    process::{ExitCode, ExitStatus, Stdio},
};

use anyhow::{Context as _, Result};
use msgflash_testkit::{SERVER_VARIABLE, start_throwaway_cluster};
use tokio::{
    process::{Child, Command},
    signal::unix::{SignalKind, signal},
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
        None => Some(start_throwaway_cluster()?),
    };
    if let Some(cluster) = &cluster {
        command.env(SERVER_VARIABLE, cluster.url());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let status = runtime.block_on(async {
        let child = command
            .spawn()
            .with_context(|| format!("cannot run {}", program.display()))?;
        wait(child).await
    });
    if let Some(cluster) = cluster {
        cluster.stop();
    }
    Ok(ExitCode::from(code(status?)))
}

/// The child's end. Until then every signal that would end us goes to it.
async fn wait(mut child: Child) -> Result<ExitStatus> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    // A terminal sends Ctrl-C to the child as well, and a second one would cut its ending short.
    let is_interactive = std::io::stdin().is_terminal() || std::io::stderr().is_terminal();
    loop {
        let name = tokio::select! {
            status = child.wait() => return Ok(status?),
            _ = interrupt.recv() => if is_interactive { continue } else { "INT" },
            _ = terminate.recv() => "TERM",
            _ = hang_up.recv() => "HUP",
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

/// As shells count: a signal is 128 and its number.
fn code(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt as _;
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}
