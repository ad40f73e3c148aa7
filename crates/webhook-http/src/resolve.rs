//! Names into addresses that may be called.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use msgflash_webhooks::target::is_public;
use reqwest::dns::{Addrs, Name, Resolving};

/// What a look-up answers.
pub type Lookup = io::Result<Vec<IpAddr>>;

/// Turns names into addresses.
#[async_trait]
pub trait Resolve: Send + Sync {
    /// The addresses of `name`.
    async fn resolve(&self, name: &str) -> Lookup;
}

/// The machine's resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, name: &str) -> Lookup {
        let found = tokio::net::lookup_host((name, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

/// Marks a refusal among the errors of a connection.
#[derive(Debug, thiserror::Error)]
#[error("address not allowed")]
pub(crate) struct NotAllowed;

/// Marks a failed look-up among the errors of a connection.
#[derive(Debug, thiserror::Error)]
#[error("the name was not found")]
pub(crate) struct NotFound;

/// Resolves for reqwest and refuses names that lead anywhere private.
pub(crate) struct Guard {
    pub(crate) resolver: Arc<dyn Resolve>,
    pub(crate) allow_private: bool,
}

impl reqwest::dns::Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = Arc::clone(&self.resolver);
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found = resolver.resolve(name.as_str()).await;
            let addresses = found.map_err(|_| NotFound)?;
            if addresses.is_empty() {
                return Err(NotFound.into());
            }
            // One private address among public ones is an attempt to slip through: refuse them all.
            if !allow_private && !addresses.iter().all(|address| is_public(*address)) {
                return Err(NotAllowed.into());
            }
            // The connector sets the port of the URL.
            let addresses = addresses
                .into_iter()
                .map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}
