//! A webhook receiver that keeps what arrives and answers what the test says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::Value;

use crate::eventually;

/// A delivery as it arrived.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The raw body.
    pub raw: Vec<u8>,
    /// The body as JSON.
    pub json: Value,
}

impl Delivery {
    /// A header's value; empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map(String::as_str)
            .unwrap_or_default()
    }
}

#[derive(Default)]
struct State {
    heard: Vec<Delivery>,
    /// Statuses for the next deliveries; 200 when none is left.
    answers: Vec<u16>,
    /// How long each answer takes.
    delay: Duration,
}

/// A small server on a free port.
pub struct Receiver {
    /// Where deliveries go.
    pub url: String,
    state: Arc<Mutex<State>>,
    handle: ServerHandle,
}

impl Receiver {
    /// One that answers 200.
    pub async fn start() -> Self {
        Self::answering(&[]).await
    }

    /// One that answers the first deliveries with these statuses, and 200 afterwards.
    pub async fn answering(statuses: &[u16]) -> Self {
        Self::behaving(statuses, Duration::ZERO).await
    }

    /// One that answers 200 after a while.
    pub async fn slow(delay: Duration) -> Self {
        Self::behaving(&[], delay).await
    }

    async fn behaving(statuses: &[u16], delay: Duration) -> Self {
        let answers = statuses.iter().rev().copied().collect();
        let state = Arc::new(Mutex::new(State {
            heard: Vec::new(),
            answers,
            delay,
        }));
        let shared = web::Data::from(Arc::clone(&state));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(shared.clone())
                .default_service(web::to(hear))
        })
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .expect("a free port");
        let address = server.addrs()[0];
        let url = format!("http://{address}/hook");
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        let there = tokio::net::TcpStream::connect(address).await;
        there.expect("it listens");
        Self { url, state, handle }
    }

    /// What arrived so far.
    pub fn heard(&self) -> Vec<Delivery> {
        self.state.lock().expect("unpoisoned").heard.clone()
    }

    /// What arrived of one event so far.
    pub fn heard_of(&self, event: &str) -> Vec<Delivery> {
        self.heard()
            .into_iter()
            .filter(|it| it.header("x-msgflash-event") == event)
            .collect()
    }

    /// Waits until `count` deliveries of an event arrived and answers them.
    pub async fn wait_for(&self, event: &str, count: usize) -> Vec<Delivery> {
        eventually(&format!("{count} deliveries of {event}"), async || {
            let heard = self.heard_of(event);
            (heard.len() >= count).then_some(heard)
        })
        .await
    }

    /// Ends it.
    pub async fn stop(self) {
        self.handle.stop(false).await;
    }
}

async fn hear(
    request: HttpRequest,
    body: web::Bytes,
    state: web::Data<Mutex<State>>,
) -> HttpResponse {
    let headers = request.headers().iter().map(|(name, value)| {
        (
            name.as_str().to_owned(),
            value.to_str().unwrap_or_default().to_owned(),
        )
    });
    let delivery = Delivery {
        headers: headers.collect(),
        raw: body.to_vec(),
        json: serde_json::from_slice(&body).unwrap_or(Value::Null),
    };
    let (status, delay) = {
        let mut state = state.lock().expect("unpoisoned");
        state.heard.push(delivery);
        (state.answers.pop().unwrap_or(200), state.delay)
    };
    tokio::time::sleep(delay).await;
    HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::OK)).finish()
}
