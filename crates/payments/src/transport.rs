//! HTTP to a provider, within limits.

use std::time::Duration;

use msgflash_billing::ProviderError;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Client, RequestBuilder, StatusCode, redirect, retry};
use serde_json::Value;
use url::{Host, Url};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Somebody is waiting for the page.
const TIMEOUT: Duration = Duration::from_secs(15);
/// The longest answer that is read, in bytes.
const LONGEST_ANSWER: usize = 512 * 1024;

/// A provider cannot be asked at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidConfig {
    /// The address is not safe to send keys to.
    #[error("a payment provider has an https address, or an http address of this machine")]
    Address,
    /// The key cannot be sent.
    #[error("the key of the payment provider is empty or cannot be sent")]
    Key,
    /// The secret of its webhooks cannot be used.
    #[error("the webhook secret of the payment provider is empty or has another form")]
    Secret,
    /// The HTTP client could not be built.
    #[error("the HTTP client could not be built")]
    Client,
}

/// Makes requests. Follows no redirect, uses no proxy of the environment and repeats nothing.
pub(crate) struct Transport {
    client: Client,
    base: Url,
    authorization: HeaderValue,
}

/// An answer: its status, and its body where it is JSON.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Transport {
    /// Whether requests could be made so; no client is built.
    pub(crate) fn check(base: &str, key: &str) -> Result<(Url, HeaderValue), InvalidConfig> {
        let base = Url::parse(base).map_err(|_| InvalidConfig::Address)?;
        if !is_secure(&base) {
            return Err(InvalidConfig::Address);
        }
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidConfig::Key);
        }
        let authorization = HeaderValue::from_str(&format!("Bearer {key}"));
        let authorization = authorization.map_err(|_| InvalidConfig::Key)?;
        Ok((base, authorization))
    }

    /// Asks at `base`, with this key.
    pub(crate) fn new(base: &str, key: &str) -> Result<Self, InvalidConfig> {
        let (base, mut authorization) = Self::check(base, key)?;
        // No layer below may print it.
        authorization.set_sensitive(true);
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .build()
            .map_err(|_| InvalidConfig::Client)?;
        Ok(Self {
            client,
            base,
            authorization,
        })
    }

    /// The address of a path, whose parts are escaped: references come from outside.
    pub(crate) fn url(&self, parts: &[&str]) -> Url {
        let mut url = self.base.clone();
        // Only addresses without a host have no path, and those were refused.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(parts);
        }
        url
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Asks, and reads the answer, whatever its status.
    pub(crate) async fn ask(&self, request: RequestBuilder) -> Result<Answer, ProviderError> {
        let request = request.header(AUTHORIZATION, self.authorization.clone());
        let mut answer = request.send().await.map_err(|it| failure(&it))?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|it| failure(&it))? {
            if body.len() + chunk.len() > LONGEST_ANSWER {
                return Err(ProviderError::Refused("its answer is too long".to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Ok(Answer { status, body })
    }

    /// The same where only success is an answer.
    pub(crate) async fn expect(&self, request: RequestBuilder) -> Result<Value, ProviderError> {
        self.ask(request).await?.success()
    }
}

impl Answer {
    /// The body of an answer that grants what was asked.
    pub(crate) fn success(self) -> Result<Value, ProviderError> {
        if self.status.is_success() {
            return Ok(self.body);
        }
        Err(self.refusal())
    }

    /// What an answer means that does not. Its code may be told; its text may name people.
    pub(crate) fn refusal(&self) -> ProviderError {
        let status = self.status.as_u16();
        match status {
            408 | 504 => ProviderError::TimedOut,
            429 | 500..=599 => ProviderError::Unavailable,
            401 | 403 => ProviderError::NotSetUp("it refuses the key".to_owned()),
            _ => ProviderError::Refused(match self.code() {
                Some(code) => format!("{status}: {code}"),
                None => status.to_string(),
            }),
        }
    }

    /// The provider's own word for what is wrong.
    pub(crate) fn code(&self) -> Option<&str> {
        let body = &self.body;
        let code = body["error"]["code"].as_str().or(body["code"].as_str())?;
        let is_word = |it: &&str| {
            let mut bytes = it.bytes();
            it.len() <= 64 && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        Some(code).filter(is_word)
    }
}

/// Whether keys may travel there: https, or this machine, for tests and development.
fn is_secure(url: &Url) -> bool {
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => url.has_host(),
        "http" => is_here,
        _ => false,
    }
}

fn failure(error: &reqwest::Error) -> ProviderError {
    if error.is_timeout() && !error.is_connect() {
        ProviderError::TimedOut
    } else {
        ProviderError::Unavailable
    }
}

/// Text of an event; empty text is none.
pub(crate) fn text(value: &Value) -> Option<String> {
    value
        .as_str()
        .filter(|it| !it.is_empty())
        .map(str::to_owned)
}
