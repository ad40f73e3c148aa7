//! Posting one event, and posting it again.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix_web::web::Bytes;
use reqwest::header::USER_AGENT;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::envelope::Envelope;
use super::event::Event;
use super::token;
use crate::clock;
use crate::gateway::Gateway;
use crate::instance::{Instance, Webhook};
use crate::log::Posted;

/// The waits between the ten attempts, in seconds, before jitter.
const WAITS: [u64; 9] = [5, 10, 20, 40, 80, 160, 300, 300, 300];
const SHORTEST_WAIT: Duration = Duration::from_secs(5);
/// Answers after which an event is lost at once.
const FINAL: [u16; 5] = [400, 401, 403, 404, 422];
/// How long a chain of events waits for the one before it. Events about one message keep their
/// order this way even when no simulated time passes between them.
pub(crate) const ORDER_PATIENCE: Duration = Duration::from_secs(1);

/// One event on its way to one receiver.
pub(crate) struct Delivery {
    pub(crate) instance: String,
    pub(crate) event: String,
    pub(crate) url: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

enum Outcome {
    Received,
    Lost,
    Again,
}

/// Tells when a receiver has answered, whatever it answered, or nobody will.
#[derive(Default)]
pub(crate) struct Receipt(Option<oneshot::Receiver<()>>);

impl Receipt {
    /// Waits for the answer, but no longer than this.
    pub(crate) async fn within(&mut self, patience: Duration) {
        let Some(told) = self.0.as_mut() else { return };
        if tokio::time::timeout(patience, told).await.is_ok() {
            self.0 = None;
        }
    }
}

/// Sends an event of this instance, if its webhook wants it. Returns at once.
pub(crate) fn emit(
    gateway: &Arc<Gateway>,
    instance: &Instance,
    event: Event,
    data: &[u8],
) -> Receipt {
    match prepare(gateway, instance, event, data) {
        Some(delivery) => delivery.launch(gateway),
        None => Receipt::default(),
    }
}

/// Sends a hand-made body to the instance's webhook, whatever it subscribed to.
pub(crate) fn post_rogue(
    gateway: &Arc<Gateway>,
    instance: &Instance,
    event: &str,
    body: Bytes,
    headers: Option<Map<String, Value>>,
) -> bool {
    let Some(webhook) = instance.with(|state| state.webhook.clone()) else {
        return false;
    };
    let headers = headers.or(webhook.headers.clone());
    let delivery = Delivery {
        instance: instance.name.clone(),
        event: event.to_owned(),
        url: address(&webhook, event),
        headers: header_map(gateway, headers.as_ref(), instance, event),
        body,
    };
    delivery.launch(gateway);
    true
}

fn prepare(gateway: &Gateway, instance: &Instance, event: Event, data: &[u8]) -> Option<Delivery> {
    let (webhook, sender) = instance.with(|state| {
        let wanted = state.live.is_some()
            && state
                .webhook
                .as_ref()
                .is_some_and(|webhook| wants(webhook, event));
        let sender = state.owner.as_ref().map(|owner| owner.jid.clone());
        wanted.then(|| (state.webhook.clone(), sender))
    })?;
    let webhook = webhook?;
    let body = Envelope {
        event: event.dotted(),
        instance: &instance.name,
        destination: &webhook.url,
        date_time: &clock::iso(clock::now()),
        sender: sender.as_deref(),
        server_url: gateway.url(),
        apikey: &instance.token,
    }
    .around(data);
    Some(Delivery {
        instance: instance.name.clone(),
        event: event.dotted().to_owned(),
        url: address(&webhook, event.dotted()),
        headers: header_map(gateway, webhook.headers.as_ref(), instance, event.dotted()),
        body,
    })
}

fn wants(webhook: &Webhook, event: Event) -> bool {
    webhook.enabled
        && webhook.url.starts_with("http")
        && webhook.events.iter().any(|name| name == event.configured())
}

fn address(webhook: &Webhook, event: &str) -> String {
    if webhook.by_events {
        return format!("{}/{}", webhook.url, event.replace('.', "-"));
    }
    webhook.url.clone()
}

fn header_map(
    gateway: &Gateway,
    configured: Option<&Map<String, Value>>,
    instance: &Instance,
    event: &str,
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(
        ACCEPT,
        HeaderValue::from_static("application/json, text/plain, */*"),
    );
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static("axios/1.21.1"));
    let mut put = |name: &str, value: &str| {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    };
    for (name, value) in configured.into_iter().flatten() {
        let Some(value) = value.as_str() else {
            continue;
        };
        if name == "jwt_key" {
            let token = token::sign(value, clock::now().unix_timestamp());
            put(AUTHORIZATION.as_str(), &format!("Bearer {token}"));
        } else {
            put(name, value);
        }
    }
    if gateway.mode().is_next() {
        put("X-Instance-ID", &instance.id);
        put("X-Instance-Name", &instance.name);
        put("X-Event-Type", event);
        put("X-Timestamp", &clock::iso(clock::now()));
    }
    headers
}

impl Delivery {
    /// Starts the attempts. They end with the gateway's current life: a restart forgets them.
    fn launch(self, gateway: &Arc<Gateway>) -> Receipt {
        let (tell, told) = oneshot::channel();
        let life = gateway.life();
        // Noted here and not in the task: who asks after an answer finds what went before it.
        let first = self.note(gateway, 1);
        let gateway = Arc::clone(gateway);
        let tasks = gateway.tasks.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = life.cancelled() => {}
                () = self.run(&gateway, &life, &first, tell) => {}
            }
        });
        Receipt(Some(told))
    }

    async fn run(
        self,
        gateway: &Gateway,
        life: &CancellationToken,
        first: &OnceLock<u16>,
        tell: oneshot::Sender<()>,
    ) {
        let outcome = self.attempt(gateway, first).await;
        drop(tell);
        if !matches!(outcome, Outcome::Again) {
            return;
        }
        for (attempt, wait) in (2..).zip(WAITS) {
            let wait = Duration::from_secs(wait).mul_f64(gateway.chance.jitter());
            gateway.pace.pause(wait.max(SHORTEST_WAIT)).await;
            // A wait that ends together with the life must not post once more.
            let Some(noted) = gateway.within(life, || self.note(gateway, attempt)) else {
                return;
            };
            if !matches!(self.attempt(gateway, &noted).await, Outcome::Again) {
                return;
            }
        }
        tracing::warn!(instance.name = %self.instance, event = %self.event, "a webhook was given up");
    }

    /// Puts an attempt into the log; its status is filled in later.
    fn note(&self, gateway: &Gateway, attempt: u32) -> Arc<OnceLock<u16>> {
        let status = Arc::new(OnceLock::new());
        gateway.deliveries.add(Posted {
            at: clock::now(),
            instance: self.instance.clone(),
            event: self.event.clone(),
            url: self.url.clone(),
            attempt,
            status: Arc::clone(&status),
            body: self.body.clone(),
        });
        status
    }

    async fn attempt(&self, gateway: &Gateway, noted: &OnceLock<u16>) -> Outcome {
        // Bounded, because a burst must not use up the process's file descriptors.
        let Ok(_permit) = gateway.posts.acquire().await else {
            return Outcome::Lost;
        };
        let request = gateway.http.post(&self.url).headers(self.headers.clone());
        let Ok(answer) = request.body(self.body.clone()).send().await else {
            return Outcome::Again;
        };
        let status = answer.status().as_u16();
        let _ = noted.set(status); // Set once per attempt.
        // Reading the answer to its end lets the connection be used again.
        let _ = answer.bytes().await;
        match status {
            200..=299 => Outcome::Received,
            status if FINAL.contains(&status) => Outcome::Lost,
            _ => Outcome::Again,
        }
    }
}
