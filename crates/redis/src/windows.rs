//! The rate limiter over the line.

use async_trait::async_trait;
use msgflash_quotas::{KeyId, RateDecision, RateLimiter, SlidingWindows};
use time::{Duration, OffsetDateTime};

use crate::line::{BadAddress, Line};

/// Rate windows in Redis, and in this process while that is away.
///
/// Time is the Redis server's, so the clocks of the processes do not matter. When Redis goes away
/// the windows of this process begin empty: a key may then make its whole limit once more, in
/// each process.
pub struct RedisWindows {
    line: Line,
    own: SlidingWindows,
}

impl RedisWindows {
    /// Connects to `address`, such as `redis://…` or `rediss://…`. A Redis that is away is no
    /// failure.
    pub async fn start(address: &str) -> Result<Self, BadAddress> {
        Ok(Self {
            line: Line::start(address).await?,
            own: SlidingWindows::default(),
        })
    }
}

#[async_trait]
impl RateLimiter for RedisWindows {
    async fn hit(&self, key: KeyId, limit: u32, now: OffsetDateTime) -> RateDecision {
        let name = format!("msgflash:rate:{key}");
        let Some((allowed, used, reset)) = self.line.ask(&name, limit).await else {
            return self.own.decide(key, limit, now);
        };
        RateDecision {
            allowed: allowed == 1,
            limit,
            remaining: limit.saturating_sub(used + u32::from(allowed)),
            reset: Duration::microseconds(reset),
        }
    }
}
