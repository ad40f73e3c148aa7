//! The simulated gateway, in this process: it remembers what left it.

use anyhow::{Context as _, Result, ensure};
use evolution_simulator::{Options, Running, Simulator};
use reqwest::{Client, RequestBuilder};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::flow;
use crate::pg::{Database, Session};
use crate::scene;
use crate::server::Server;

/// Its key.
const KEY: &str = "bench-gateway-key";

/// What the product lets it tell.
const EVENTS: [&str; 7] = [
    "CONNECTION_UPDATE",
    "MESSAGES_UPSERT",
    "MESSAGES_UPDATE",
    "SEND_MESSAGE",
    "STATUS_INSTANCE",
    "LOGOUT_INSTANCE",
    "REMOVE_INSTANCE",
];

/// A running gateway.
pub(crate) struct Gateway {
    running: Running,
    client: Client,
}

/// A message that left.
#[derive(Deserialize)]
struct Left {
    number: String,
    text: Option<String>,
}

/// A request that was answered.
#[derive(Deserialize)]
struct Asked {
    at: String,
}

impl Gateway {
    /// Starts one that knows nobody and makes nobody wait.
    pub(crate) fn start() -> Result<Self> {
        Self::start_at(0.0)
    }

    /// The same, where everything takes this share of what it takes a phone.
    pub(crate) fn start_at(time_scale: f64) -> Result<Self> {
        let options = Options {
            api_key: KEY.to_owned(),
            time_scale,
            special_numbers: false,
            ..Options::default()
        };
        Ok(Self {
            running: Simulator::start(options).context("the simulator does not start")?,
            client: Client::builder()
                .no_proxy()
                .build()
                .context("an HTTP client")?,
        })
    }

    /// Where it answers.
    pub(crate) fn url(&self) -> String {
        self.running.url()
    }

    /// Makes a session that is linked to a number, and tells nobody of it.
    pub(crate) async fn open(&self, session: &str, number: i64) -> Result<()> {
        let made = json!({
            "instanceName": session, "integration": "WHATSAPP-BAILEYS", "qrcode": false,
        });
        self.post("/instance/create", &made).await?;
        let path = format!("/simulator/instances/{session}/open");
        let phone = json!({ "number": number.to_string() });
        let opened = self.post(&path, &phone).await?;
        ensure!(
            opened["state"] == "open",
            "the number is not linked: {opened}"
        );
        Ok(())
    }

    /// From now on it tells what happens to a session.
    pub(crate) async fn tell(&self, session: &str, url: &str, secret: &str) -> Result<()> {
        let body = json!({ "webhook": {
            "enabled": true, "url": url, "byEvents": false, "base64": false, "events": EVENTS,
            "headers": { "authorization": format!("Bearer {secret}") },
        } });
        let path = format!("/webhook/set/{session}");
        self.post(&path, &body).await.map(drop)
    }

    /// Links the numbers of the first `tenants` and starts a server that sends from them without pauses, with
    /// `settings` besides; answers when it has taken over all their lanes.
    pub(crate) async fn serve(
        &self,
        database: &Database,
        session: &Session,
        tenants: u32,
        settings: &[(&str, &str)],
    ) -> Result<Server> {
        for tenant in 0..tenants {
            let number = scene::number(tenant);
            self.open(&scene::session(tenant), number).await?;
        }
        let url = self.url();
        let own = [
            ("evolution_url", url.as_str()),
            ("evolution_api_key", KEY),
            ("pace_ms", "0"),
        ];
        let server = Server::start(database.url(), &[&own[..], settings].concat()).await?;
        for tenant in 0..tenants {
            let name = scene::session(tenant);
            let callback = format!("http://{}/provider/evolution/{name}", server.address);
            self.tell(&name, &callback, scene::WEBHOOK_SECRET).await?;
        }
        let owned = "SELECT count(*) FROM lanes WHERE owner IS NOT NULL";
        let lanes = i64::from(tenants);
        flow::until(session, "the lanes have an owner", owned, lanes).await?;
        Ok(server)
    }

    /// The number of each message that left with this text, as often as it did.
    pub(crate) async fn left(&self, session: &str, text: &str) -> Result<Vec<i64>> {
        let url = format!(
            "{}/simulator/messages?instance={session}",
            self.running.control_url()
        );
        let answer = self.client.get(url).send().await?.bytes().await?;
        let all: Vec<Left> = serde_json::from_slice(&answer).context("no list of messages")?;
        all.iter()
            .filter(|it| it.text.as_deref() == Some(text))
            .map(|it| it.number.parse().context("a message to no number"))
            .collect()
    }

    /// When the last message of a session was asked for. The others are not told: who asks often would wait the
    /// longer, the more there are.
    pub(crate) async fn last_asked(&self, session: &str) -> Result<Option<OffsetDateTime>> {
        let url = format!(
            "{}/simulator/requests?path=/message/sendText/{session}&last=1",
            self.running.control_url()
        );
        let answer = self.client.get(url).send().await?.bytes().await?;
        let all: Vec<Asked> = serde_json::from_slice(&answer).context("no list of requests")?;
        all.last()
            .map(|it| OffsetDateTime::parse(&it.at, &Rfc3339).context("a request at no time"))
            .transpose()
    }

    /// Stops it.
    pub(crate) async fn stop(self) {
        self.running.stop().await;
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let request = self.client.post(format!("{}{path}", self.url()));
        let answer = with(request, body).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "{path} answered {status}: {text}");
        serde_json::from_str(&text).with_context(|| format!("{path} answered no JSON"))
    }
}

/// The request with the key and a body.
pub(crate) fn with(request: RequestBuilder, body: &Value) -> RequestBuilder {
    request
        .header("apikey", KEY)
        .header("Content-Type", "application/json")
        .body(body.to_string())
}
