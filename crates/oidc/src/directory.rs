//! What the provider publishes about itself: where it is asked, and the keys it signs with.

use std::sync::Arc;

use msgflash_accounts::ProviderError;
use msgflash_kernel::Clock;
use openidconnect::core::CoreProviderMetadata;
use openidconnect::{DiscoveryError, IssuerUrl};
use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex;

use crate::transport::{Transport, TransportError};

/// For how long what was read is not asked for again.
const FRESH: Duration = Duration::hours(1);
/// For how long it still counts while the provider does not answer.
const STALE: Duration = Duration::hours(24);
/// After a failure the provider is left alone for so long.
const PAUSE: Duration = Duration::seconds(10);
/// How often an unknown key is a reason to ask before its time. Whoever shows unknown keys must not
/// make us ask without end.
const ASK_FOR_KEYS: Duration = Duration::MINUTE;

/// What was read, and when.
#[derive(Clone)]
pub(crate) struct Published {
    pub(crate) metadata: Arc<CoreProviderMetadata>,
    read_at: OffsetDateTime,
}

#[derive(Default)]
struct State {
    published: Option<Published>,
    failed_at: Option<OffsetDateTime>,
    asked_for_keys_at: Option<OffsetDateTime>,
}

/// Reads it when it is needed, and remembers it. Whoever needs it at once waits for one reading.
pub(crate) struct Directory {
    issuer: IssuerUrl,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

impl Directory {
    pub(crate) fn new(issuer: IssuerUrl, clock: Arc<dyn Clock>) -> Self {
        Self {
            issuer,
            clock,
            state: Mutex::default(),
        }
    }

    /// What is published, as far as we know.
    pub(crate) async fn published(&self, http: &Transport) -> Result<Published, ProviderError> {
        let mut state = self.state.lock().await;
        let younger = |age| {
            let now = self.clock.now();
            let published = state.published.clone();
            published.filter(|it| now < it.read_at + age)
        };
        let (fresh, usable) = (younger(FRESH), younger(STALE));
        if let Some(published) = fresh {
            return Ok(published);
        }
        match (self.read(&mut state, http).await, usable) {
            (Err(cause), Some(old)) => {
                tracing::warn!(%cause, "what the identity provider published before still counts");
                Ok(old)
            }
            (read, _) => read,
        }
    }

    /// What is published now, for somebody who met a key that is not in `old`. `None` when it was asked
    /// for a moment ago.
    pub(crate) async fn newer(
        &self,
        old: &Published,
        http: &Transport,
    ) -> Result<Option<Published>, ProviderError> {
        let mut state = self.state.lock().await;
        let newer = state.published.clone();
        if let Some(newer) = newer.filter(|it| it.read_at > old.read_at) {
            return Ok(Some(newer));
        }
        let now = self.clock.now();
        if within(state.asked_for_keys_at, ASK_FOR_KEYS, now) {
            return Ok(None);
        }
        let read = self.read(&mut state, http).await?;
        // A try that failed is no answer; failures have a pause of their own.
        state.asked_for_keys_at = Some(now);
        Ok(Some(read))
    }

    async fn read(&self, state: &mut State, http: &Transport) -> Result<Published, ProviderError> {
        if within(state.failed_at, PAUSE, self.clock.now()) {
            let why = "it did not a moment ago".to_owned();
            return Err(ProviderError::Unavailable(why));
        }
        let read = CoreProviderMetadata::discover_async(self.issuer.clone(), http).await;
        let read = read.map_err(|it| explain(&it)).and_then(|metadata| {
            // A browser goes there, so nobody else looks at it.
            let secure = http.may_ask(metadata.authorization_endpoint().url());
            let insecure = || ProviderError::Unavailable(TransportError::NotSecure.to_string());
            secure.then_some(metadata).ok_or_else(insecure)
        });
        // Not when it began: what waited for it did not fail before it did.
        let now = self.clock.now();
        match read {
            Ok(metadata) => {
                let published = Published {
                    metadata: Arc::new(metadata),
                    read_at: now,
                };
                state.published = Some(published.clone());
                state.failed_at = None;
                Ok(published)
            }
            Err(cause) => {
                state.failed_at = Some(now);
                Err(cause)
            }
        }
    }
}

fn within(since: Option<OffsetDateTime>, span: Duration, now: OffsetDateTime) -> bool {
    since.is_some_and(|it| now < it + span)
}

/// The answer itself may hold anything, and is left out.
fn explain(error: &DiscoveryError<TransportError>) -> ProviderError {
    let why = match error {
        DiscoveryError::Request(cause) => cause.to_string(),
        DiscoveryError::Response(status, ..) => format!("status {status} instead of a document"),
        DiscoveryError::Parse(_) => "its document cannot be read".to_owned(),
        DiscoveryError::Validation(_) => "its document is of another issuer".to_owned(),
        _ => "its document cannot be asked for".to_owned(),
    };
    ProviderError::Unavailable(why)
}
