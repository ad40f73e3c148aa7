//! Uploaded files: where their bytes lie, and what they are.
//!
//! Knows a folder and a bucket ([`StoredFiles`]), and how formats begin ([`Signatures`]); refuses to
//! know whose files they are, how long they live and which are taken. Nothing here believes what
//! people call their files: keys are the domain's, types are the bytes'.

mod files;
mod sniff;

pub use files::{InvalidStore, S3Settings, StoredFiles};
pub use sniff::Signatures;
