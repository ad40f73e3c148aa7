//! The simulator as a program.

use std::net::SocketAddr;

use anyhow::Context as _;
use clap::{Parser, ValueEnum};
use evolution_simulator::{Options, Simulator, Version};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

const GUIDE: &str = "\
Send the key in the header `apikey`. A first session:

  curl -H 'apikey: simulator-key' -H 'content-type: application/json' \\
       -d '{\"instanceName\":\"one\",\"integration\":\"WHATSAPP-BAILEYS\",\"qrcode\":true}' \\
       http://127.0.0.1:8080/instance/create
  curl -d '{\"number\":\"33600000001\"}' http://127.0.0.1:8080/simulator/instances/one/scan
  curl -H 'apikey: simulator-key' -H 'content-type: application/json' \\
       -d '{\"number\":\"33612345678\",\"text\":\"Hello\"}' \\
       http://127.0.0.1:8080/message/sendText/one
  curl http://127.0.0.1:8080/simulator/messages?instance=one

Control API (JSON, no key):
  GET  /simulator/instances[/NAME[?until=open]]   state of instances
  POST /simulator/instances/NAME/scan             {\"number\", \"profileName\"?} scan the QR code
  POST /simulator/instances/NAME/open             the same without any QR code or delay
  POST /simulator/instances/NAME/drop             {\"code\": 401|402|403|406|408|428|440|500|503|515, \"stays\"?}
  POST /simulator/instances/NAME/ban              WhatsApp bans the number: drop with 403
  POST /simulator/instances/NAME/dead             socket dead although the state says open
  POST /simulator/instances/NAME/unload | load    out of the gateway's memory and back
  POST /simulator/instances/NAME/next-qr | qr-limit | storm
  POST /simulator/instances/NAME/inbound          {\"from\", \"text\", ...} a message arrives
  POST /simulator/instances/NAME/ack              {\"keyId\", \"status\"} an ack by hand
  POST /simulator/instances/NAME/rogue            {\"kind\"} a webhook that should be refused
  GET  /simulator/messages?instance=&number=      what really left for WhatsApp
  GET  /simulator/requests | /simulator/webhooks  what came in, what was posted (last 10,000)
  GET|POST|DELETE /simulator/faults               {\"fault\", \"instance\"?, \"number\"?, \"times\"?}
  GET|PUT|DELETE  /simulator/recipients/NUMBER    {\"exists\": false} or {\"jid\": \"...\"}
  GET|PATCH /simulator/gateway                    time scale, version, licence, route to WhatsApp
  POST /simulator/restart                         {\"downMs\"?, \"coldMs\"?} restart the gateway
  POST /simulator/down | up                       {\"cold\"?} the same by hand, in two steps
  POST /simulator/reset                           forget everything

Recipients 155501000NN fail by themselves: 01 times out, 02 never answers but is sent, 06 is
refused later, 07 gets no acks, 10 has no WhatsApp... The full tables are in docs/simulator.md.";

/// A stand-in for the Evolution API gateway: same answers, same webhooks, no phone.
#[derive(Debug, Parser)]
#[command(version, after_long_help = GUIDE)]
struct Arguments {
    /// Where to listen; port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:8080")]
    bind: SocketAddr,
    /// Where the control API listens besides; with it, a gateway that is down refuses connections.
    #[arg(long)]
    control_bind: Option<SocketAddr>,
    /// The global API key.
    #[arg(
        long,
        env = "SIMULATOR_API_KEY",
        hide_env_values = true,
        default_value = "simulator-key"
    )]
    api_key: String,
    /// Multiplies every simulated delay: 0.1 is ten times faster, 0 has no delays.
    #[arg(long, default_value_t = 1.0, value_parser = factor)]
    time_scale: f64,
    /// QR codes are scanned by themselves after 1-3 seconds.
    #[arg(long)]
    auto_scan: bool,
    /// Random ids and delays come from here; another one every time when not given.
    #[arg(long)]
    seed: Option<u64>,
    /// The release to imitate.
    #[arg(long, value_enum, default_value = "2.3.7")]
    version_to_imitate: Release,
    /// Treat the special recipient numbers like any other.
    #[arg(long)]
    no_special_numbers: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Release {
    #[value(name = "2.3.7")]
    Stable,
    #[value(name = "2.4.0-rc2")]
    Next,
}

fn factor(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(factor) if factor.is_finite() && factor >= 0.0 => Ok(factor),
        _ => Err("a number, 0 or more".to_owned()),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).init();

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut running = Simulator::start(Options {
        bind: arguments.bind,
        control_bind: arguments.control_bind,
        api_key: arguments.api_key,
        time_scale: arguments.time_scale,
        auto_scan: arguments.auto_scan,
        // A server keeps the ids of earlier runs: they must not come twice.
        seed: arguments.seed.unwrap_or_else(rand::random),
        version: match arguments.version_to_imitate {
            Release::Stable => Version::Stable,
            Release::Next => Version::Next,
        },
        special_numbers: !arguments.no_special_numbers,
        ..Options::default()
    })
    .with_context(|| match arguments.control_bind {
        Some(control) => format!("cannot listen on {} and {control}", arguments.bind),
        None => format!("cannot listen on {}", arguments.bind),
    })?;
    tracing::info!(url = %running.url(), control = %running.control_url(), "the simulator listens");

    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = running.ended() => anyhow::bail!("the simulator ended by itself"),
    }
    running.stop().await;
    Ok(())
}
