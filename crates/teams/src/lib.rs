//! Workspaces: in whose space a caller acts, and who pays there.
//!
//! Knows what a team is and which workspace a key or a person opens; refuses to know what is kept in a
//! workspace. Start at [`access`] for the rules about keys and the team header.

pub mod access;
pub mod error;
pub mod remains;
pub mod team;

pub use access::{require_personal, workspace_for_key, workspace_for_person};
pub use error::AccessError;
pub use remains::{EndRemains, Remains};
pub use team::Team;
