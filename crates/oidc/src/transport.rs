//! HTTP as the protocol's library wants it, within limits.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse, http};
use reqwest::header::AUTHORIZATION;
use reqwest::{Client, Request, redirect, retry};
use url::{Host, Url};

/// Finding the provider and shaking hands is quick or hopeless.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// The longest answer that is read. Documents with keys have a few thousand bytes.
const LONGEST_ANSWER: usize = 256 * 1024;

/// Why there is no answer, in words without addresses, codes and tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TransportError {
    /// Keys and secrets do not travel in the open.
    #[error("an address of the provider is not https")]
    NotSecure,
    #[error("the request could not be made")]
    Malformed,
    #[error("it took too long")]
    TimedOut,
    #[error("could not connect")]
    NotConnected,
    #[error("the connection broke")]
    Broken,
    #[error("the answer is too long")]
    TooLong,
}

/// Makes requests. Follows no redirect, uses no proxy of the environment and repeats nothing.
pub(crate) struct Transport {
    client: Client,
    /// Whether the provider itself is on this machine and answers in the open, for development. The
    /// documents of any other one lead to https alone: they must not name what listens here.
    is_local: bool,
}

impl Transport {
    /// Gives each request `timeout`, to the end of its answer. A TLS provider must have been installed for
    /// the process.
    pub(crate) fn new(timeout: Duration, issuer: &Url) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(timeout)
            .build()?;
        let is_local = issuer.scheme() == "http";
        Ok(Self { client, is_local })
    }

    /// Whether anything is sent there.
    pub(crate) fn may_ask(&self, url: &Url) -> bool {
        is_secure(url) && (self.is_local || url.scheme() == "https")
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let mut request = Request::try_from(request).map_err(|_| TransportError::Malformed)?;
        // Our secret, or an access token: no layer below may print it.
        if let Some(credentials) = request.headers_mut().get_mut(AUTHORIZATION) {
            credentials.set_sensitive(true);
        }
        if !self.may_ask(request.url()) {
            return Err(TransportError::NotSecure);
        }
        let mut answer = self
            .client
            .execute(request)
            .await
            .map_err(|it| failure(&it))?;
        let mut response = http::Response::new(Vec::new());
        *response.status_mut() = answer.status();
        *response.headers_mut() = answer.headers().clone();
        while let Some(chunk) = answer.chunk().await.map_err(|it| failure(&it))? {
            if response.body().len() + chunk.len() > LONGEST_ANSWER {
                return Err(TransportError::TooLong);
            }
            response.body_mut().extend_from_slice(&chunk);
        }
        Ok(response)
    }
}

impl<'c> AsyncHttpClient<'c> for Transport {
    type Error = TransportError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, TransportError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

/// Whether what is sent there can be read by nobody else: https, or this machine, for development.
pub(crate) fn is_secure(url: &Url) -> bool {
    let here = || match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => url.has_host(),
        "http" => here(),
        _ => false,
    }
}

fn failure(error: &reqwest::Error) -> TransportError {
    if error.is_timeout() {
        TransportError::TimedOut
    } else if error.is_connect() {
        TransportError::NotConnected
    } else {
        TransportError::Broken
    }
}
