//! A webhook receiver that remembers what it got.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix_web::web::{Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::Value;
use tokio::sync::mpsc;

/// One delivery.
#[derive(Clone, Debug)]
pub(crate) struct Hook {
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) text: String,
    pub(crate) body: Value,
    pub(crate) at: Instant,
}

impl Hook {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn event(&self) -> &str {
        self.body["event"].as_str().unwrap_or_default()
    }
}

struct Inner {
    hooks: mpsc::UnboundedSender<Hook>,
    answers: Mutex<VecDeque<u16>>,
}

/// Listens on a free port; answers 200 unless told otherwise.
pub(crate) struct Receiver {
    pub(crate) url: String,
    inner: Arc<Inner>,
    hooks: mpsc::UnboundedReceiver<Hook>,
    seen: Vec<Hook>,
    server: actix_web::dev::ServerHandle,
}

impl Receiver {
    pub(crate) fn start() -> Self {
        let (tell, hooks) = mpsc::unbounded_channel();
        let inner = Arc::new(Inner {
            hooks: tell,
            answers: Mutex::default(),
        });
        let data = Data::new(Arc::clone(&inner));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .app_data(web::PayloadConfig::new(16 * 1024 * 1024))
                .default_service(web::to(receive))
        })
        .workers(1)
        .disable_signals()
        .shutdown_timeout(0)
        .bind("127.0.0.1:0")
        .unwrap();
        let url = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self {
            url,
            inner,
            hooks,
            seen: Vec::new(),
            server: handle,
        }
    }

    /// The next deliveries are answered like this, one status each.
    pub(crate) fn answer(&self, statuses: &[u16]) {
        self.inner.answers.lock().unwrap().extend(statuses);
    }

    /// Waits for a delivery that fits; those before it stay available.
    pub(crate) async fn until(&mut self, fits: impl Fn(&Hook) -> bool) -> Hook {
        if let Some(hook) = self.seen.iter().find(|hook| fits(hook)) {
            return hook.clone();
        }
        let next = async {
            loop {
                let hook = self.hooks.recv().await.unwrap();
                self.seen.push(hook.clone());
                if fits(&hook) {
                    return hook;
                }
            }
        };
        let patience = Duration::from_secs(30);
        tokio::time::timeout(patience, next)
            .await
            .expect("the delivery never came")
    }

    /// Waits for so many deliveries that fit, from the first on.
    pub(crate) async fn take(&mut self, count: usize, fits: impl Fn(&Hook) -> bool) -> Vec<Hook> {
        loop {
            let found: Vec<Hook> = self
                .seen()
                .iter()
                .filter(|hook| fits(hook))
                .cloned()
                .collect();
            if found.len() >= count {
                return found;
            }
            let next = tokio::time::timeout(Duration::from_secs(30), self.hooks.recv()).await;
            self.seen
                .push(next.expect("the delivery never came").unwrap());
        }
    }

    pub(crate) async fn event(&mut self, event: &str) -> Hook {
        self.until(|hook| hook.event() == event).await
    }

    /// Waits for the ack of this status for this message.
    pub(crate) async fn ack(&mut self, key: &str, status: &str) -> Hook {
        self.until(|hook| {
            hook.event() == "messages.update"
                && hook.body["data"]["keyId"] == key
                && hook.body["data"]["status"] == status
        })
        .await
    }

    /// Everything so far, in order of arrival.
    pub(crate) fn seen(&mut self) -> &[Hook] {
        while let Ok(hook) = self.hooks.try_recv() {
            self.seen.push(hook);
        }
        &self.seen
    }

    /// The statuses acknowledged for a message so far.
    pub(crate) fn acks(&mut self, key: &str) -> Vec<String> {
        self.seen()
            .iter()
            .filter(|hook| hook.event() == "messages.update" && hook.body["data"]["keyId"] == key)
            .map(|hook| hook.body["data"]["status"].as_str().unwrap().to_owned())
            .collect()
    }

    pub(crate) fn forget(&mut self) {
        self.seen();
        self.seen.clear();
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

async fn receive(request: HttpRequest, inner: Data<Arc<Inner>>, body: Bytes) -> HttpResponse {
    let status = inner.answers.lock().unwrap().pop_front().unwrap_or(200);
    let headers = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    let text = String::from_utf8_lossy(&body).into_owned();
    let hook = Hook {
        path: request.path().to_owned(),
        headers,
        body: serde_json::from_str(&text).unwrap_or_default(),
        text,
        at: Instant::now(),
    };
    let _ = inner.hooks.send(hook);
    HttpResponse::build(actix_web::http::StatusCode::from_u16(status).unwrap()).finish()
}
