//! The sender.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use msgflash_webhooks::delivery::{PostError, Response, SignedRequest};
use msgflash_webhooks::ports::WebhookSender;
use msgflash_webhooks::target::is_public_host;
use reqwest::redirect::Policy;
use reqwest::{Client, Url};

use crate::resolve::{Guard, NotAllowed, NotFound, Resolve, SystemResolver};

/// How much of an answer is kept.
const EXCERPT: usize = 1024;

/// Posts deliveries.
pub struct HttpWebhookSender {
    client: Client,
    allow_private: bool,
}

/// The HTTP client could not be built.
#[derive(Debug, thiserror::Error)]
#[error("the webhook client could not be built: {0}")]
pub struct SenderError(String);

impl HttpWebhookSender {
    /// A sender that gives each request `timeout`, from the name look-up to the end of the answer.
    pub fn new(timeout: Duration, allow_private: bool) -> Result<Self, SenderError> {
        Self::with_resolver(timeout, allow_private, Arc::new(SystemResolver))
    }

    /// A sender with a resolver of its own.
    pub fn with_resolver(
        timeout: Duration,
        allow_private: bool,
        resolver: Arc<dyn Resolve>,
    ) -> Result<Self, SenderError> {
        let client = Client::builder()
            .timeout(timeout)
            .redirect(Policy::none())
            // A proxy of the environment would resolve and connect for us, unchecked.
            .no_proxy()
            .dns_resolver(Arc::new(Guard {
                resolver,
                allow_private,
            }))
            .pool_max_idle_per_host(16)
            .pool_idle_timeout(Duration::from_secs(15))
            .build()
            .map_err(|error| SenderError(error.to_string()))?;
        Ok(Self {
            client,
            allow_private,
        })
    }

    /// Literal addresses never reach the resolver.
    fn is_allowed(&self, url: &Url) -> bool {
        self.allow_private || url.host().is_some_and(|host| is_public_host(&host))
    }
}

#[async_trait]
impl WebhookSender for HttpWebhookSender {
    async fn post(&self, request: &SignedRequest) -> Result<Response, PostError> {
        let url = Url::parse(&request.url)
            .map_err(|_| PostError::Connection("the URL cannot be read".to_owned()))?;
        if !self.is_allowed(&url) {
            return Err(PostError::Forbidden);
        }
        let mut post = self.client.post(url).body(request.body.clone());
        for (name, value) in &request.headers {
            post = post.header(*name, value);
        }
        let mut answer = post.send().await.map_err(|error| failure(&error))?;
        let status = answer.status().as_u16();
        let retry_after = answer
            .headers()
            .get("retry-after")
            .and_then(|value| value.to_str().ok())
            .map(ToOwned::to_owned);
        // The status is the answer; a body that is slow or endless does not change it.
        let mut excerpt = Vec::new();
        while excerpt.len() < EXCERPT {
            match answer.chunk().await {
                Ok(Some(chunk)) => excerpt.extend_from_slice(&chunk),
                Ok(None) | Err(_) => break,
            }
        }
        let excerpt = beginning(&excerpt);
        Ok(Response {
            status,
            excerpt,
            retry_after,
        })
    }
}

/// What can be read of the beginning of a body. What stands for unreadable bytes is longer than
/// they are, so the text is cut again.
fn beginning(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(EXCERPT)]);
    text[..text.floor_char_boundary(EXCERPT)].to_owned()
}

/// What went wrong, in words without addresses or URLs.
fn failure(error: &reqwest::Error) -> PostError {
    if error.is_timeout() {
        return PostError::Timeout;
    }
    let mut cause = error.source();
    let mut kind = None;
    while let Some(inner) = cause {
        if inner.is::<NotAllowed>() {
            return PostError::Forbidden;
        }
        if inner.is::<NotFound>() {
            return PostError::Connection("the name was not found".to_owned());
        }
        if inner.is::<rustls::Error>() {
            return PostError::Connection("the TLS handshake failed".to_owned());
        }
        cause = match inner.downcast_ref::<io::Error>() {
            Some(error) => {
                kind = Some(error.kind());
                // Its `source` leaves out the error it wraps.
                error.get_ref().map(|it| it as &(dyn Error + 'static))
            }
            None => inner.source(),
        };
    }
    let words = match kind {
        Some(io::ErrorKind::ConnectionRefused) => "connection refused",
        Some(io::ErrorKind::ConnectionReset) => "connection reset",
        Some(io::ErrorKind::UnexpectedEof) => "connection closed",
        _ if error.is_connect() => "could not connect",
        _ => "the request failed",
    };
    PostError::Connection(words.to_owned())
}
