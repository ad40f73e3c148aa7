//! Chance as a port.

/// A source of unpredictable bytes, for secrets and jitter.
pub trait Random: Send + Sync {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// A predictable source for tests: a counter, byte by byte.
#[derive(Debug, Default)]
pub struct CountingRandom(std::sync::atomic::AtomicU8);

impl Random for CountingRandom {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }
}
