//! A simulator, a receiver and a client, set up for one test.

use std::collections::HashMap;

use evolution_simulator::{Options, Running, Simulator};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::receiver::Receiver;
use crate::{normal, recording};

/// The key of the recordings.
pub(crate) const KEY: &str = "global-key-for-recording-0001";
/// Owner and profile of the recordings.
pub(crate) const OWNER: &str = "5511912345678";
pub(crate) const PROFILE: &str = "Clinica Exemplo";

pub(crate) struct Stage {
    pub(crate) simulator: Running,
    pub(crate) hooks: Receiver,
    client: reqwest::Client,
    /// Recorded tokens and message ids, and what they are this time.
    known: HashMap<String, String>,
}

impl Stage {
    /// Without delays.
    pub(crate) fn instant() -> Self {
        Self::with(&Options {
            time_scale: 0.0,
            ..Options::default()
        })
    }

    pub(crate) fn with(options: &Options) -> Self {
        let simulator = Simulator::start(Options {
            api_key: KEY.to_owned(),
            ..options.clone()
        })
        .unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self {
            simulator,
            hooks: Receiver::start(),
            client,
            known: HashMap::new(),
        }
    }

    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Option<String>,
    ) -> reqwest::Result<(u16, Value)> {
        let base = if path.starts_with("/simulator") {
            self.simulator.control_url()
        } else {
            self.simulator.url()
        };
        let url = format!("{base}{path}");
        let mut request = self.client.request(method, url);
        if let Some(key) = key {
            request = request.header("apikey", key);
        }
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body);
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let text = answer.text().await?;
        Ok((
            status,
            serde_json::from_str(&text).unwrap_or(Value::String(text)),
        ))
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.call(Method::GET, path, Some(KEY), None).await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::POST, path, Some(KEY), Some(body.to_string()))
            .await
            .unwrap()
    }

    pub(crate) async fn delete(&self, path: &str) -> (u16, Value) {
        self.call(Method::DELETE, path, Some(KEY), None)
            .await
            .unwrap()
    }

    /// A control call that must work.
    pub(crate) async fn control(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.post(&format!("/simulator{path}"), body).await;
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        answer
    }

    /// Changes the switches of the gateway.
    pub(crate) async fn switch(&self, change: Value) {
        let body = Some(change.to_string());
        let path = "/simulator/gateway";
        let (status, answer) = self.call(Method::PATCH, path, None, body).await.unwrap();
        assert_eq!(status, 200, "{answer}");
    }

    pub(crate) async fn fault(&self, fault: &str) {
        self.control("/faults", json!({ "fault": fault, "times": 1 }))
            .await;
    }

    /// An open instance whose webhook wants everything.
    pub(crate) async fn open(&self, name: &str) -> Value {
        let hook = json!({ "url": format!("{}/{name}", self.hooks.url), "events": [] });
        let body =
            json!({ "instanceName": name, "integration": "WHATSAPP-BAILEYS", "webhook": hook });
        let (status, created) = self.post("/instance/create", body).await;
        assert_eq!(status, 201, "{created}");
        let phone = json!({ "number": OWNER, "profileName": PROFILE });
        self.control(&format!("/instances/{name}/open"), phone)
            .await;
        created
    }

    /// The same, and everything it announces has arrived: nothing else is under way.
    pub(crate) async fn open_quietly(&mut self, name: &str) {
        self.open(name).await;
        self.hooks.event("instance.create").await;
        self.hooks
            .until(|hook| hook.body["data"]["state"] == "open")
            .await;
        self.hooks.forget();
    }

    pub(crate) async fn send(&self, name: &str, number: &str) -> (u16, Value) {
        let body = json!({ "number": number, "text": "Olá" });
        self.post(&format!("/message/sendText/{name}"), body).await
    }

    /// A send that may take as long as it likes.
    pub(crate) fn sending(&self, name: &str, number: &str) -> JoinHandle<reqwest::Result<()>> {
        let url = format!("{}/message/sendText/{name}", self.simulator.url());
        let body = json!({ "number": number, "text": "Olá" });
        let request = self.client.post(url).header("apikey", KEY).json(&body);
        tokio::spawn(async move { request.send().await.map(drop) })
    }

    /// Sends and returns the message id.
    pub(crate) async fn send_key(&self, name: &str, number: &str) -> String {
        let (status, answer) = self.send(name, number).await;
        assert_eq!(status, 201, "{answer}");
        answer["key"]["id"].as_str().unwrap().to_owned()
    }

    /// What really left for this number.
    pub(crate) async fn left(&self, name: &str, number: &str) -> Vec<Value> {
        let path = format!("/simulator/messages?instance={name}&number={number}");
        self.get(&path).await.1.as_array().unwrap().clone()
    }

    /// Repeats recorded exchanges and compares the answers.
    pub(crate) async fn replay(&mut self, numbers: &[&str]) {
        for number in numbers {
            self.replay_one(number).await;
        }
    }

    async fn replay_one(&mut self, number: &str) {
        let hooks = self.hooks.url.clone();
        // The simulator knows only one kind of host that does not resolve.
        let dead = if number == "114" {
            "example.invalid"
        } else {
            "example.test"
        };
        let swap = [
            ("http://hooks.example.test", hooks.as_str()),
            ("example.test", dead),
        ];
        let recorded = recording::read(number, &swap);
        let request = &recorded["request"];
        let method = request["method"].as_str().unwrap().parse().unwrap();
        let key = request["headers"]["apikey"]
            .as_str()
            .map(|key| self.current(key));
        let body = match &request["body"] {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            body => Some(self.current(&unshortened(body).to_string())),
        };
        let path = request["path"].as_str().unwrap();
        let (status, answer) = self.call(method, path, key.as_deref(), body).await.unwrap();
        assert_eq!(recorded["status"], status, "recording {number}: {answer}");
        if let Some(difference) = normal::difference(&recorded["body"], &answer) {
            panic!("recording {number}: {difference}");
        }
        for pointer in ["/hash", "/key/id"] {
            let pair = (recorded["body"].pointer(pointer), answer.pointer(pointer));
            if let (Some(Value::String(old)), Some(Value::String(new))) = pair {
                self.known.insert(old.clone(), new.clone());
            }
        }
    }

    fn current(&self, text: &str) -> String {
        self.known
            .iter()
            .fold(text.to_owned(), |text, (old, new)| text.replace(old, new))
    }

    /// This run's id for a recorded one.
    pub(crate) fn known(&self, recorded: &str) -> String {
        self.known[recorded].clone()
    }
}

/// The recordings cut long files short; what is left of them is a whole number of bytes.
fn unshortened(body: &Value) -> Value {
    let mut body = body.clone();
    for field in ["media", "audio"] {
        if let Some(text) = body[field].as_str().and_then(|text| text.split_once('…')) {
            body[field] = json!(text.0);
        } else if body[field].is_null() {
            body.as_object_mut().unwrap().remove(field);
        }
    }
    body
}
