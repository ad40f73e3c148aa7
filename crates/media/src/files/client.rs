//! The HTTP client of buckets, bounded like those of the other adapters.

use std::time::Duration;

use object_store::ClientOptions;
use object_store::client::{HttpClient, HttpConnector};
use reqwest::redirect;

/// Finding the host and shaking hands is quick or hopeless.
const CONNECT: Duration = Duration::from_secs(5);
/// The longest wait for the next bytes.
const READ: Duration = Duration::from_secs(15);
/// The longest a whole request may take: sixteen megabytes over a slow line.
const WHOLE: Duration = Duration::from_mins(1);

/// Connects to buckets: over no proxy of the environment, and following nobody elsewhere.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) allow_http: bool,
}

impl HttpConnector for Client {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .https_only(!self.allow_http)
            .connect_timeout(CONNECT)
            .read_timeout(READ)
            .timeout(WHOLE)
            .build();
        let client = client.map_err(|error| object_store::Error::Generic {
            store: "S3",
            source: error.into(),
        })?;
        Ok(HttpClient::new(client))
    }
}
