//! The private `PostgreSQL` of a one-machine set-up.
//!
//! This crate knows how to find `PostgreSQL`'s programs, how to run them as a child of ours on a
//! socket nobody else can open, and how to leave nothing behind. It knows no SQL beyond
//! `CREATE DATABASE`, no configuration and no schema: callers hand in paths and get a URL back.
//! It downloads nothing; `./run` does that.
//!
//! Linux only: the promise that no server outlives its owner rests on `PR_SET_PDEATHSIG`.
//!
//! It is the one crate of the workspace that may use `unsafe`; all of it is in `system.rs`, and so is
//! [`end_with_us`] for other programs that shall not outlive whoever starts them. Start reading at
//! [`Cluster`].

mod boot;
mod cluster;
mod error;
mod identity;
mod place;
mod postmaster;
mod programs;
mod system;

pub use cluster::{Cluster, Options};
pub use error::ClusterError;
pub use programs::{Programs, ProgramsMissing};
pub use system::end_with_us;
