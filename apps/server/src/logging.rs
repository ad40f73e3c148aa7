//! Log lines, and spans for a collector.

use std::io::IsTerminal as _;

use tracing::Level;
use tracing_subscriber::filter::filter_fn;
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

/// What the operator asks for. The database's driver tells the values of its statements to whoever
/// asks for more than that it is there: passwords' hashes, keys, links, what people write. Nobody does.
fn filter(level: &str) -> EnvFilter {
    let quiet = "tokio_postgres=info".parse().expect("a constant");
    EnvFilter::try_new(level)
        .unwrap_or_else(|_| EnvFilter::new("info"))
        .add_directive(quiet)
}

/// The same for whoever asks for a part of the driver, or for all that happens in a span: what is asked more
/// exactly wins over what is asked of the whole.
fn may_be_told(target: &str, level: Level) -> bool {
    level <= Level::INFO || !target.starts_with("tokio_postgres")
}

/// Starts logging to standard error. Commands that answer and leave log warnings only, unless the
/// operator asks for more.
pub(crate) fn start(config: &Config, serving: bool) -> Logging {
    let level = if serving || config.log != "info" {
        config.log.as_str()
    } else {
        "warn"
    };
    let filter = filter(level);
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let lines = match config.log_format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    let subscriber = tracing_subscriber::registry()
        .with(filter)
        .with(filter_fn(|it| may_be_told(it.target(), *it.level())))
        .with(lines);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_hears_what_the_database_is_told() {
        for asked in [
            "debug",
            "trace",
            "tokio_postgres=trace",
            "info,tokio_postgres=debug",
        ] {
            let shown = filter(asked).to_string();
            assert!(shown.contains("tokio_postgres=info"), "{shown}");
            assert!(!shown.contains("tokio_postgres=trace"), "{shown}");
            assert!(!shown.contains("tokio_postgres=debug"), "{shown}");
        }
    }

    #[test]
    fn nor_does_who_asks_for_a_part_of_the_driver() {
        let part = "tokio_postgres::query";
        // The filter alone would let it through.
        let shown = filter("info,tokio_postgres::query=debug").to_string();
        assert!(shown.contains("tokio_postgres::query=debug"), "{shown}");
        assert!(!may_be_told(part, Level::DEBUG) && !may_be_told(part, Level::TRACE));
        assert!(!may_be_told("tokio_postgres", Level::DEBUG));
        assert!(may_be_told(part, Level::INFO) && may_be_told(part, Level::ERROR));
        assert!(may_be_told("msgflash_postgres", Level::TRACE));
    }
}
