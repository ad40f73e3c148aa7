//! Log lines, and spans for a collector.

use std::io::IsTerminal as _;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt};

use crate::config::{Config, LogFormat};

#[cfg(feature = "otel")]
mod otel;

/// Ends the export of spans when it goes out of scope.
#[must_use = "spans are sent while it lives"]
pub(crate) struct Logging {
    #[cfg(feature = "otel")]
    _export: Option<otel::Export>,
}

/// Starts logging to standard error. Commands that answer and leave log warnings only, unless the
/// operator asks for more.
pub(crate) fn start(config: &Config, serving: bool) -> Logging {
    let level = if serving || config.log != "info" {
        config.log.as_str()
    } else {
        "warn"
    };
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let lines = match config.log_format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    let subscriber = tracing_subscriber::registry().with(filter).with(lines);
    #[cfg(feature = "otel")]
    let (export, subscriber) = {
        let (export, spans) = otel::start(config).unzip();
        (export, subscriber.with(spans))
    };
    // A second start in one process (the demo's) keeps the first.
    let _ = subscriber.try_init();
    Logging {
        #[cfg(feature = "otel")]
        _export: export,
    }
}
