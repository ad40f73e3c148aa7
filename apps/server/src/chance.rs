//! Chance from the operating system.

use msgflash_kernel::Random;
use rand::TryRng as _;
use rand::rngs::SysRng;

/// The operating system's source of randomness.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        // Without randomness there are no secrets; going on would be worse than stopping.
        SysRng
            .try_fill_bytes(bytes)
            .expect("the operating system provides randomness");
    }
}
