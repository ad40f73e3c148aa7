//! The demo: everything on one machine with a simulated phone, seen through the public API.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use evolution_simulator::{Options, Running, Simulator};
use msgflash_kernel::{Random as _, Secret};
use reqwest::Url;

use crate::chance::SystemRandom;
use crate::cli::{Failure, Output};
use crate::config::{Config, Evolution};
use crate::serve::Server;

mod account;
mod client;
mod receiver;
mod timeline;

use account::Setup;
use client::Client;
use receiver::Receiver;
use timeline::Timeline;

/// How much faster than a real phone the simulated one is.
const TIME_SCALE: f64 = 0.4;
/// The key between the server and the simulator, both in this process.
const GATEWAY_KEY: &str = "demo-gateway-key";
/// Whom the demo writes to.
const RECIPIENT: &str = "+33612345678";
/// The number of the simulated phone.
const OWN_NUMBER: &str = "33611112222";
/// How long the whole round may take before it counts as failed.
const PATIENCE: Duration = Duration::from_mins(2);

/// Runs the demo; with `once` it ends after its round and fails when a step was not seen.
pub(crate) async fn run(config: Config, once: bool, out: Output) -> Result<(), Failure> {
    let begun = Instant::now();
    let mut stage = Stage::start(config, out).await?;
    let played = tokio::select! {
        played = play(&mut stage, out) => played.map(Some),
        () = crate::serve::signalled() => Ok(None),
    };
    match played {
        Ok(Some(())) => {
            out.say(format!(
                "\nEvery step was seen, in {:.0} s.",
                begun.elapsed().as_secs_f64()
            ));
            if !once {
                stage.explain(out);
                crate::serve::signalled().await;
            }
            stage.stop(out).await;
            Ok(())
        }
        Ok(None) => {
            stage.stop(out).await;
            if once {
                Err(anyhow::anyhow!("interrupted before every step was seen").into())
            } else {
                Ok(())
            }
        }
        Err(error) => {
            stage.stop(out).await;
            Err(error.into())
        }
    }
}

/// Everything that runs during the demo.
struct Stage {
    simulator: Running,
    receiver: Receiver,
    server: Server,
    setup: Option<Setup>,
}

impl Stage {
    async fn start(mut config: Config, out: Output) -> Result<Self> {
        step(out, "Starting the WhatsApp simulator");
        let simulator = Simulator::start(Options {
            bind: "127.0.0.1:0".parse()?,
            api_key: GATEWAY_KEY.to_owned(),
            time_scale: TIME_SCALE,
            seed: seed(),
            ..Options::default()
        })
        .context("cannot start the simulator")?;
        config.evolution = Some(Evolution {
            url: Url::parse(&simulator.url())?,
            api_key: Secret::new(GATEWAY_KEY.to_owned()),
        });
        // Simulator, receiver and server talk over the loopback.
        config.allow_private_targets = true;
        config.callback_url = Url::parse(&format!("http://{}", config.bind))?;
        let receiver = Receiver::start()?;
        step(out, "Starting PostgreSQL and the server");
        let server = Server::start(config).await?;
        step(out, &format!("The API answers at {}", server.base()));
        Ok(Self {
            simulator,
            receiver,
            server,
            setup: None,
        })
    }

    fn explain(&self, out: Output) {
        let Some(setup) = &self.setup else { return };
        let base = self.server.base();
        let (key, instance) = (&setup.key, &setup.instance);
        out.say(format!(
            "\nThe server stays up until Ctrl-C. Try it:\n\n\
             curl {base}/api/v1/messages/send \\\n  \
               -H 'x-api-key: {key}' -H 'Content-Type: application/json' \\\n  \
               -d '{{\"instanceId\":\"{instance}\",\"to\":\"{RECIPIENT}\",\"type\":\"text\",\"text\":\"Hello from curl\"}}'\n\n\
             curl '{base}/api/v1/messages?limit=5' -H 'x-api-key: {key}'\n\
             curl {base}/api/v1/usage -H 'x-api-key: {key}'\n\n\
             API key    {key}\n\
             Docs       {base}/docs\n\
             Simulator  {} (what the phone received: /simulator/messages)",
            self.simulator.url()
        ));
    }

    async fn stop(self, out: Output) {
        step(out, "Stopping");
        self.server.stop().await;
        self.receiver.stop().await;
        self.simulator.stop().await;
    }
}

/// One round: link the phone, send three messages, watch them arrive.
async fn play(stage: &mut Stage, out: Output) -> Result<()> {
    step(out, "Making a demo account, an instance and an API key");
    let setup = account::prepare(stage.server.backend()).await?;
    let client = Client::new(&stage.server.base(), &setup.key)?;
    let (instance, session) = (setup.instance.clone(), setup.session.clone());
    stage.setup = Some(setup);

    let secret = client.subscribe(&stage.receiver.hook_url()).await?;
    stage.receiver.expect_secret(secret);

    step(
        out,
        "Linking the simulated phone: the QR code is \"scanned\" for you",
    );
    account::link(
        stage.server.backend(),
        &instance,
        &stage.simulator.url(),
        &session,
    )
    .await?;
    client.wait_connected(&instance).await?;

    step(
        out,
        "Sending a text, an image and a scheduled message through the public API",
    );
    let mut timeline = Timeline::default();
    let text = client.send(
        &instance,
        serde_json::json!({
            "type": "text", "text": "Hello from MsgFlash!",
        }),
    );
    timeline.track("text", text.await?, out);
    let image = client.send(
        &instance,
        serde_json::json!({
            "type": "image", "mediaUrl": stage.receiver.picture_url(), "text": "A picture",
        }),
    );
    timeline.track("image", image.await?, out);
    let scheduled = client.schedule(
        &instance,
        Duration::from_secs(4),
        serde_json::json!({
            "type": "text", "text": "Sent at its time",
        }),
    );
    timeline.track("scheduled", scheduled.await?, out);

    let deadline = Instant::now() + PATIENCE;
    while !timeline.is_complete() {
        let left = deadline.saturating_duration_since(Instant::now());
        let Ok(event) = tokio::time::timeout(left, stage.receiver.next()).await else {
            bail!(
                "not every step was seen in time; missing: {}",
                timeline.missing()
            );
        };
        let event = event.context("the webhook receiver ended")?;
        if !event.verified {
            bail!("a webhook came with a wrong signature: {}", event.name);
        }
        timeline.note(&event, out);
    }
    timeline.summary(out);
    Ok(())
}

/// Another one every time: WhatsApp's ids never come twice, and the database keeps those of
/// earlier demos.
fn seed() -> u64 {
    let mut bytes = [0u8; 8];
    SystemRandom.fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

fn step(out: Output, what: &str) {
    out.say(format!("• {what}"));
}
