//! Seeded randomness, so that two runs with one seed draw the same ids and delays in the same
//! order of calls.

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Mutex;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use uuid::{Builder, Uuid};

use crate::lock;

/// The source of every id and every random delay.
pub(crate) struct Chance {
    source: Mutex<StdRng>,
}

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            source: Mutex::new(StdRng::seed_from_u64(seed)),
        }
    }

    fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        lock(&self.source).fill(&mut bytes);
        bytes
    }

    /// So many milliseconds, drawn from the range.
    pub(crate) fn millis(&self, range: Range<u64>) -> Duration {
        Duration::from_millis(lock(&self.source).random_range(range))
    }

    /// One of some choices.
    pub(crate) fn one_of<T: Copy>(&self, choices: &[T]) -> T {
        choices[lock(&self.source).random_range(0..choices.len())]
    }

    /// A factor around one: 0.8 to 1.2.
    pub(crate) fn jitter(&self) -> f64 {
        lock(&self.source).random_range(0.8..1.2)
    }

    pub(crate) fn uuid(&self) -> Uuid {
        Builder::from_random_bytes(self.bytes()).into_uuid()
    }

    /// The id of a sent message: `3EB0` and 18 upper-case hexadecimal digits.
    pub(crate) fn message_key(&self) -> String {
        hex_after("3EB0", &self.bytes::<9>())
    }

    /// The id of a message typed on a phone.
    pub(crate) fn phone_key(&self) -> String {
        hex_after("3A", &self.bytes::<9>())
    }

    /// A database id as the gateway's ORM draws them: `c` and 24 lower-case letters or digits.
    pub(crate) fn row_id(&self) -> String {
        const ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
        let mut id = String::with_capacity(25);
        id.push('c');
        for byte in self.bytes::<24>() {
            id.push(char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]));
        }
        id
    }

    /// Eight characters to type on the phone instead of scanning.
    pub(crate) fn pairing_code(&self) -> String {
        const ALPHABET: &[u8; 32] = b"123456789ABCDEFGHJKLMNPQRSTVWXYZ";
        self.bytes::<8>()
            .iter()
            .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
            .collect()
    }

    /// What the QR picture says.
    pub(crate) fn qr_text(&self) -> String {
        let reference = STANDARD.encode(self.bytes::<48>());
        let [first, second, third] = std::array::from_fn(|_| STANDARD.encode(self.bytes::<32>()));
        format!("2@{reference},{first},{second},{third}")
    }

    /// Random bytes in the odd form the gateway gives binary fields.
    pub(crate) fn secret_bytes(&self) -> [u8; 32] {
        self.bytes()
    }
}

fn hex_after(prefix: &str, bytes: &[u8]) -> String {
    let mut text = String::with_capacity(prefix.len() + bytes.len() * 2);
    text.push_str(prefix);
    for byte in bytes {
        let _ = write!(text, "{byte:02X}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_draws_one_sequence() {
        let (one, two) = (Chance::new(7), Chance::new(7));
        assert_eq!(one.message_key(), two.message_key());
        assert_eq!(one.uuid(), two.uuid());
    }

    #[test]
    fn a_message_key_is_3eb0_and_18_upper_case_digits() {
        let key = Chance::new(1).message_key();
        assert_eq!(key.len(), 22);
        assert!(key.starts_with("3EB0"));
        assert!(
            key.bytes()
                .all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte))
        );
    }
}
