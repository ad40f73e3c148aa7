//! Addresses of files: `<public url>/media/<token>/<name>`.
//!
//! A token is a nonce of 128 random bits, until when it opens, how large the file is, a mark of whose
//! it is, and a signature over all of it with a key that every process of an installation knows. So
//! what somebody made up is refused without a look at anything, and whether an address is a
//! workspace's own upload can be told where nothing may be waited for. A signature only ever closes
//! doors: what opens is the row, and without it a token is nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use msgflash_kernel::{Secret, WorkspaceId};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use url::Url;

use super::{Media, name};

/// The bytes of the key that signs.
pub const KEY_BYTES: usize = 32;
/// The random bytes of a token.
pub const NONCE_BYTES: usize = 16;
/// Where files are, under the public address.
pub const PATH: &str = "/media";

const OWNER_BYTES: usize = 8;
const SIGNATURE_BYTES: usize = 16;
/// The nonce, two numbers, the owner's mark.
const SIGNED_BYTES: usize = NONCE_BYTES + 4 + 4 + OWNER_BYTES;

/// The key that signs addresses, the same in every process.
pub type LinkKey = Secret<[u8; KEY_BYTES]>;

/// Writes addresses and reads them.
#[derive(Debug)]
pub struct MediaLinks {
    base: String,
    key: LinkKey,
}

/// What a token says, once its signature was found to be ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Under what the row is found: never the token itself, so that no copy of the rows opens files.
    pub hash: [u8; 32],
    /// Until when it opens, in whole seconds.
    pub expires_at: OffsetDateTime,
    /// How large the file is.
    pub size: u32,
    nonce: [u8; NONCE_BYTES],
    owner: [u8; OWNER_BYTES],
}

impl MediaLinks {
    /// Addresses under `base`, which is where clients reach us, without a slash at the end.
    pub fn new(base: &str, key: LinkKey) -> Self {
        let base = format!("{base}{PATH}");
        Self { base, key }
    }

    /// A new address of a file, and under what its row is found.
    pub fn issue(&self, media: &Media, nonce: [u8; NONCE_BYTES]) -> (String, [u8; 32]) {
        let until = u32::try_from(media.expires_at.unix_timestamp()).unwrap_or(u32::MAX);
        let size = u32::try_from(media.size).unwrap_or(u32::MAX);
        let mut token = Vec::with_capacity(SIGNED_BYTES + SIGNATURE_BYTES);
        token.extend_from_slice(&nonce);
        token.extend_from_slice(&until.to_be_bytes());
        token.extend_from_slice(&size.to_be_bytes());
        token.extend_from_slice(&self.owner(&nonce, media.workspace));
        let signature = self.mac(b"link", &[&token]).finalize().into_bytes();
        token.extend_from_slice(&signature[..SIGNATURE_BYTES]);
        let token = URL_SAFE_NO_PAD.encode(token);
        let name = name::in_url(&media.original_name, media.kind);
        (format!("{}/{token}/{name}", self.base), hash(&nonce))
    }

    /// What a token says; `None` when we never wrote it.
    pub fn read(&self, token: &str) -> Option<Ticket> {
        let token = URL_SAFE_NO_PAD.decode(token).ok()?;
        if token.len() != SIGNED_BYTES + SIGNATURE_BYTES {
            return None;
        }
        let (signed, signature) = token.split_at(SIGNED_BYTES);
        let mac = self.mac(b"link", &[signed]);
        mac.verify_truncated_left(signature).ok()?;
        let nonce: [u8; NONCE_BYTES] = signed[..16].try_into().ok()?;
        let until = u32::from_be_bytes(signed[16..20].try_into().ok()?);
        Some(Ticket {
            hash: hash(&nonce),
            expires_at: OffsetDateTime::from_unix_timestamp(i64::from(until)).ok()?,
            size: u32::from_be_bytes(signed[20..24].try_into().ok()?),
            nonce,
            owner: signed[24..].try_into().ok()?,
        })
    }

    /// Whether an address leads to an upload of this workspace, here and nowhere else: nobody will fetch
    /// it, wherever here is.
    pub fn is_own_here(&self, url: &Url, workspace: WorkspaceId) -> bool {
        let is_here = Url::parse(&self.base)
            .is_ok_and(|base| url.origin() == base.origin() && url.path().starts_with(base.path()));
        is_here && self.ticket(url, workspace).is_some()
    }

    /// What an address says that leads to an upload of this workspace. The host is not looked at:
    /// processes may be configured for different ones, and no other place writes our signature.
    pub fn own(&self, url: &str, workspace: WorkspaceId) -> Option<Ticket> {
        // Read like the check reads it that let it in: a shortcut here could read it otherwise.
        self.ticket(&Url::parse(url).ok()?, workspace)
    }

    fn ticket(&self, url: &Url, workspace: WorkspaceId) -> Option<Ticket> {
        let mut parts = url.path_segments()?.rev();
        let (_, token, folder) = (parts.next()?, parts.next()?, parts.next()?);
        let ticket = self.read(token).filter(|_| folder == &PATH[1..])?;
        let owner = self.mac(b"owner", &[&ticket.nonce, workspace.uuid().as_bytes()]);
        owner.verify_truncated_left(&ticket.owner).ok()?;
        Some(ticket)
    }

    fn owner(&self, nonce: &[u8], workspace: WorkspaceId) -> [u8; OWNER_BYTES] {
        let mac = self.mac(b"owner", &[nonce, workspace.uuid().as_bytes()]);
        let whole = mac.finalize().into_bytes();
        std::array::from_fn(|at| whole[at])
    }

    /// A signature over `parts`, which have fixed lengths, for one use and no other.
    fn mac(&self, purpose: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.key.reveal()).expect("a key of any length will do");
        mac.update(b"msgflash media v1 ");
        mac.update(purpose);
        for part in parts {
            mac.update(part);
        }
        mac
    }
}

fn hash(nonce: &[u8]) -> [u8; 32] {
    Sha256::digest(nonce).into()
}

#[cfg(test)]
mod tests {
    use msgflash_kernel::Id;
    use uuid::Uuid;

    use super::super::testing::media;
    use super::*;

    fn links(key: u8) -> MediaLinks {
        MediaLinks::new("http://localhost:4080", Secret::new([key; KEY_BYTES]))
    }

    #[test]
    fn an_address_is_known_again_by_its_own_workspace_whatever_the_host() {
        let links = links(1);
        let (url, hash) = links.issue(&media(), [7; NONCE_BYTES]);
        assert!(url.starts_with("http://localhost:4080/media/"), "{url}");
        assert!(url.ends_with("/photo.png"), "{url}");
        let ticket = links.own(&url, media().workspace).expect("ours");
        assert_eq!((ticket.hash, ticket.size), (hash, 3));
        assert_eq!(ticket.expires_at, media().expires_at);
        let elsewhere = url.replace("http://localhost:4080", "https://api.shop.test/base");
        assert!(links.own(&elsewhere, media().workspace).is_some());
        // However it is written: what is let in is known again.
        for odd in [url.replace('/', "\\"), url.replace("media", "me\tdia")] {
            assert!(links.own(&odd, media().workspace).is_some(), "{odd:?}");
        }
        let here = |url: &str| {
            let url = Url::parse(url).expect("a URL");
            links.is_own_here(&url, media().workspace)
        };
        assert!(here(&url) && !here(&elsewhere));
        assert!(!here(&url.replace("localhost:4080", "169.254.169.254")));
        let stranger = Id::new(Uuid::from_u128(0xBAD));
        assert_eq!(links.own(&url, stranger), None);
        assert_eq!(
            links.own("https://a.test/media/x/y", media().workspace),
            None
        );
    }

    #[test]
    fn whatever_is_changed_about_a_token_makes_it_nothing() {
        let (url, _) = links(1).issue(&media(), [7; NONCE_BYTES]);
        let token = url.rsplit('/').nth(1).expect("a token");
        assert!(links(1).read(token).is_some());
        assert_eq!(links(2).read(token), None, "another key");
        let raw = URL_SAFE_NO_PAD.decode(token).expect("base64");
        for at in 0..raw.len() {
            let mut other = raw.clone();
            other[at] ^= 1;
            assert_eq!(links(1).read(&URL_SAFE_NO_PAD.encode(other)), None, "{at}");
        }
        for odd in ["", "a", &token[1..], &format!("{token}AAAA"), "ü"] {
            assert_eq!(links(1).read(odd), None, "{odd}");
        }
    }

    #[test]
    fn the_key_is_in_no_log() {
        let shown = format!("{:?}", links(77));
        assert!(!shown.contains("77"), "{shown}");
    }
}
