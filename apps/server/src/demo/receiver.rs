//! The demo's own webhook receiver: takes deliveries, checks both signatures, passes them on.

use std::sync::{Arc, OnceLock};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use anyhow::{Context as _, Result};
use msgflash_webhooks::signing;
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The smallest picture there is: one grey pixel.
const PICTURE: &[u8] = include_bytes!("picture.png");

/// A webhook as it arrived.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) name: String,
    pub(super) payload: Value,
    /// Whether both signatures were right.
    pub(super) verified: bool,
}

/// A small server on a free port.
pub(super) struct Receiver {
    base: String,
    handle: ServerHandle,
    state: Arc<State>,
    heard: UnboundedReceiver<Heard>,
}

struct State {
    secret: OnceLock<String>,
    pass_on: UnboundedSender<Heard>,
}

impl Receiver {
    pub(super) fn start() -> Result<Self> {
        let (pass_on, heard) = unbounded_channel();
        let state = Arc::new(State {
            secret: OnceLock::new(),
            pass_on,
        });
        let shared = web::Data::from(Arc::clone(&state));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(shared.clone())
                .route("/demo-hook", web::post().to(hook))
                .route("/picture.png", web::get().to(picture))
        })
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .context("cannot start the webhook receiver")?;
        let address = *server
            .addrs()
            .first()
            .context("the receiver has no address")?;
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Ok(Self {
            base: format!("http://{address}"),
            handle,
            state,
            heard,
        })
    }

    pub(super) fn hook_url(&self) -> String {
        format!("{}/demo-hook", self.base)
    }

    pub(super) fn picture_url(&self) -> String {
        format!("{}/picture.png", self.base)
    }

    /// The secret the API gave for this receiver.
    pub(super) fn expect_secret(&self, secret: String) {
        // The endpoint is made once per round and there is one round.
        let _ = self.state.secret.set(secret);
    }

    /// The next webhook.
    pub(super) async fn next(&mut self) -> Option<Heard> {
        self.heard.recv().await
    }

    pub(super) async fn stop(self) {
        self.handle.stop(false).await;
    }
}

async fn hook(request: HttpRequest, body: web::Bytes, state: web::Data<State>) -> HttpResponse {
    let header = |name: &str| {
        request
            .headers()
            .get(name)
            .and_then(|it| it.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    let Some(secret) = state.secret.get() else {
        // Not known yet: asking for a repetition is what a real receiver would do.
        return HttpResponse::ServiceUnavailable().finish();
    };
    let verified = verify(secret, &header, &body);
    let payload = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let heard = Heard {
        name: header("x-msgflash-event"),
        payload,
        verified,
    };
    let _ = state.pass_on.send(heard);
    HttpResponse::Ok().finish()
}

/// Both signatures, computed again from what arrived.
fn verify(secret: &str, header: &dyn Fn(&str) -> String, body: &[u8]) -> bool {
    let documented = signing::documented_signature(secret, body);
    let timestamp = header("webhook-timestamp");
    let standard = timestamp
        .parse()
        .ok()
        .and_then(|at| signing::standard_signature(secret, &header("webhook-id"), at, body));
    header("x-msgflash-signature") == documented
        && standard.is_some_and(|expected| header("webhook-signature") == expected)
}

async fn picture() -> HttpResponse {
    HttpResponse::Ok().content_type("image/png").body(PICTURE)
}
