//! The `msgflash` program.

use std::process::ExitCode;

use clap::Parser as _;
use msgflash_server::cli::{Cli, Output};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let out = Output::new(cli.global.json);
    // One TLS implementation for every client in the process.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // Many threads: migrations block in place, which a single-threaded runtime cannot.
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            out.failure(&anyhow::Error::from(error).into());
            return ExitCode::FAILURE;
        }
    };
    let done = runtime.block_on(cli.run());
    // A database must not outlive the command because some task still holds it.
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            out.failure(&failure);
            ExitCode::from(failure.exit)
        }
    }
}
