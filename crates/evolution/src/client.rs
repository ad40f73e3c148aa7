//! Transport: who is called, with which key and limit, and whether anything was written.

use std::sync::Arc;
use std::time::Duration;

use msgflash_messaging::instance::signs::SignListener;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Client, Method, redirect, retry};
use serde_json::Value;
use url::Url;

use crate::config::{EvolutionConfig, InvalidConfig};
use crate::turns::Turns;
use crate::verdict::sign_of;

/// Finding the host and shaking hands is quick or hopeless.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The gateway closes connections that rest for 5 s. One it closes just as we write would make
/// the outcome of that send unknown, so ours are dropped earlier.
const IDLE_TIMEOUT: Duration = Duration::from_secs(3);
/// Answers beyond this are cut off: a gateway gone mad must not take our memory.
const LONGEST_ANSWER: usize = 32 * 1024 * 1024;
/// A client of one gateway.
///
/// It follows no redirect, uses no proxy from the environment and repeats nothing but reads, and
/// those only when nothing was written.
pub struct EvolutionClient {
    http: Client,
    pub(crate) config: EvolutionConfig,
    /// Who makes, links or unlinks which session.
    pub(crate) turns: Turns,
    /// Hears what answers say about the gateway and its sessions.
    listener: Option<Arc<dyn SignListener>>,
}

/// What the gateway answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The body; `None` when it is not JSON, as from a proxy.
    pub(crate) body: Option<Value>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Lost {
    /// Nothing was written: no such host, refused, no handshake.
    NeverSent(String),
    /// Something was written and no answer came in time.
    TimedOut,
    /// Something was written, and the connection ended before the answer did.
    Broken(String),
}

impl EvolutionClient {
    /// A client. A TLS provider must have been installed for the process.
    pub fn new(config: EvolutionConfig) -> Result<Self, InvalidConfig> {
        if !matches!(config.base_url.scheme(), "http" | "https") {
            return Err(InvalidConfig::Address);
        }
        let key = config.api_key.reveal();
        let mut key = HeaderValue::from_str(key).map_err(|_| InvalidConfig::Key)?;
        if key.is_empty() {
            return Err(InvalidConfig::Key);
        }
        key.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert("apikey", key);

        let connect = CONNECT_TIMEOUT
            .min(config.call_timeout)
            .min(config.send_timeout);
        let http = Client::builder()
            .default_headers(headers)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .no_proxy()
            // One request per connection at a time keeps "was anything written" answerable.
            .http1_only()
            .connect_timeout(connect)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .build()
            .map_err(|_| InvalidConfig::Client)?;
        Ok(Self {
            http,
            config,
            turns: Turns::default(),
            listener: None,
        })
    }

    /// The same client, with somebody who hears what answers say about the gateway.
    #[must_use]
    pub fn heard_by(mut self, listener: Arc<dyn SignListener>) -> Self {
        self.listener = Some(listener);
        self
    }

    /// A read. Asked once more when nothing was written the first time.
    pub(crate) async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Answer, Lost> {
        self.read(Method::GET, path, query, None).await
    }

    /// A read that carries its question in the body.
    pub(crate) async fn ask(&self, path: &[&str], body: &Value) -> Result<Answer, Lost> {
        self.read(Method::POST, path, &[], Some(body)).await
    }

    /// A call that changes something at the gateway.
    pub(crate) async fn change(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&Value>,
    ) -> Result<Answer, Lost> {
        let limit = self.config.call_timeout;
        self.exchange(method, path, &[], body, limit).await
    }

    /// A send: one call, whatever happens.
    pub(crate) async fn deliver(&self, path: &[&str], body: &Value) -> Result<Answer, Lost> {
        let limit = self.config.send_timeout;
        self.exchange(Method::POST, path, &[], Some(body), limit)
            .await
    }

    async fn read(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Answer, Lost> {
        let limit = self.config.call_timeout;
        match self
            .exchange(method.clone(), path, query, body, limit)
            .await
        {
            Err(Lost::NeverSent(cause)) => {
                tracing::debug!(cause, "the provider was not reached, asking once more");
                self.exchange(method, path, query, body, limit).await
            }
            answer => answer,
        }
    }

    fn address(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut address = self.config.base_url.clone();
        if let Ok(mut segments) = address.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            address.query_pairs_mut().extend_pairs(query);
        }
        address
    }

    async fn exchange(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&Value>,
        limit: Duration,
    ) -> Result<Answer, Lost> {
        let address = self.address(path, query);
        let mut request = self.http.request(method, address).timeout(limit);
        if let Some(body) = body {
            request = request.json(body);
        }
        let mut response = request.send().await.map_err(Lost::from)?;
        let status = response.status().as_u16();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(Lost::from)? {
            if bytes.len() + chunk.len() > LONGEST_ANSWER {
                return Err(Lost::Broken("the answer is too long".into()));
            }
            bytes.extend_from_slice(&chunk);
        }
        let answer = Answer {
            status,
            body: self.json(&bytes),
        };
        if let Some(listener) = &self.listener
            && let Some(sign) = sign_of(path, &answer)
        {
            listener.heard(path.get(2).copied(), sign);
        }
        Ok(answer)
    }

    /// Reads a body without our key in it, should anybody on the way echo it.
    fn json(&self, bytes: &[u8]) -> Option<Value> {
        let text = std::str::from_utf8(bytes).ok()?;
        let key = self.config.api_key.reveal();
        // Replacing a key of a few letters would tear the JSON apart.
        if key.len() >= 8 && text.contains(key.as_str()) {
            return serde_json::from_str(&text.replace(key, "[key]")).ok();
        }
        serde_json::from_str(text).ok()
    }
}

impl From<reqwest::Error> for Lost {
    /// Keeps the innermost cause only: the outer ones name the address.
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let mut cause: &dyn std::error::Error = &error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        let text = cause.to_string();
        // The order matters: a connection that was not made in time is both.
        if error.is_connect() || error.is_builder() {
            Self::NeverSent(text)
        } else if error.is_timeout() {
            Self::TimedOut
        } else {
            Self::Broken(text)
        }
    }
}

#[cfg(test)]
mod tests {
    use msgflash_kernel::Secret;

    use super::*;

    fn client(base: &str, key: &str) -> Result<EvolutionClient, InvalidConfig> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let base = Url::parse(base).expect("a URL");
        EvolutionClient::new(EvolutionConfig::new(base, Secret::new(key.to_owned())))
    }

    #[test]
    fn keeps_a_path_before_the_routes_and_escapes_what_follows() {
        let client = client("http://gateway.test/wa/", "k").expect("valid");
        let address = client.address(&["instance", "connect", "a/b?"], &[("number", "+1")]);
        assert_eq!(
            address.as_str(),
            "http://gateway.test/wa/instance/connect/a%2Fb%3F?number=%2B1"
        );
        assert_eq!(client.address(&[], &[]).as_str(), "http://gateway.test/wa");
    }

    #[test]
    fn refuses_what_cannot_be_called() {
        assert_eq!(
            client("ftp://gateway.test", "k").err(),
            Some(InvalidConfig::Address)
        );
        assert_eq!(
            client("http://gateway.test", "").err(),
            Some(InvalidConfig::Key)
        );
        assert_eq!(
            client("http://gateway.test", "a\nb").err(),
            Some(InvalidConfig::Key)
        );
    }

    #[test]
    fn a_body_that_echoes_the_key_is_read_without_it() {
        let client = client("http://gateway.test", "sesame-1").expect("valid");
        let body = client
            .json(br#"{"message":"bad key sesame-1"}"#)
            .expect("JSON");
        assert_eq!(body["message"], "bad key [key]");
    }
}
