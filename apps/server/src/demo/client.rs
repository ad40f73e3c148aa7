//! The demo as a client of the public API: HTTP and nothing else.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use msgflash_kernel::{Clock as _, SystemClock};
use msgflash_messaging::events::timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use super::RECIPIENT;

/// A client with a key.
pub(super) struct Client {
    http: reqwest::Client,
    base: String,
    key: String,
}

impl Client {
    pub(super) fn new(base: &str, key: &str) -> Result<Self> {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(10))
            .build()?;
        Ok(Self {
            http,
            base: base.to_owned(),
            key: key.to_owned(),
        })
    }

    /// One call; anything but success is an error that tells the answer.
    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let url = format!("{}/api/v1/{path}", self.base);
        let mut request = self
            .http
            .request(method.clone(), url)
            .header("x-api-key", &self.key);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request
            .send()
            .await
            .with_context(|| format!("{method} {path}"))?;
        let status = answer.status();
        let value: Value = answer
            .json()
            .await
            .with_context(|| format!("{method} {path}"))?;
        if !status.is_success() {
            bail!(
                "{method} {path} answered {status}: {}",
                value["error"]["message"]
            );
        }
        Ok(value["data"].clone())
    }

    /// Subscribes the receiver to every event and answers the secret. Endpoints of earlier rounds
    /// are removed: their receivers are gone.
    pub(super) async fn subscribe(&self, url: &str) -> Result<String> {
        let known = self.call(Method::GET, "webhooks", None).await?;
        for endpoint in known.as_array().into_iter().flatten() {
            let ours = endpoint["url"]
                .as_str()
                .is_some_and(|url| url.ends_with("/demo-hook"));
            if let (true, Some(id)) = (ours, endpoint["id"].as_str()) {
                self.call(Method::DELETE, &format!("webhooks/{id}"), None)
                    .await?;
            }
        }
        let events = [
            "message.sent",
            "message.delivered",
            "message.read",
            "message.failed",
            "message.received",
            "instance.connected",
            "instance.disconnected",
            "instance.restricted",
        ];
        let body = json!({ "url": url, "events": events });
        let made = self.call(Method::POST, "webhooks", Some(&body)).await?;
        made["secret"]
            .as_str()
            .map(str::to_owned)
            .context("the endpoint came without a secret")
    }

    /// Waits until the instance says that it is connected.
    pub(super) async fn wait_connected(&self, instance: &str) -> Result<()> {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let state = self
                .call(Method::GET, &format!("instances/{instance}/state"), None)
                .await?;
            if state["status"] == "connected" {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("the phone was not linked in time; the last state was {state}");
            }
            tokio::time::sleep(Duration::from_millis(400)).await;
        }
    }

    /// Sends a message now and answers its id.
    pub(super) async fn send(&self, instance: &str, content: Value) -> Result<String> {
        self.accept("messages/send", instance, content).await
    }

    /// Sends a message after `wait` and answers its id.
    pub(super) async fn schedule(
        &self,
        instance: &str,
        wait: Duration,
        mut content: Value,
    ) -> Result<String> {
        content["scheduledAt"] = json!(timestamp(SystemClock.now() + wait));
        self.accept("messages/schedule", instance, content).await
    }

    async fn accept(&self, path: &str, instance: &str, mut body: Value) -> Result<String> {
        body["instanceId"] = json!(instance);
        body["to"] = json!(RECIPIENT);
        let message = self.call(Method::POST, path, Some(&body)).await?;
        message["id"]
            .as_str()
            .map(str::to_owned)
            .context("the message came without an id")
    }
}
