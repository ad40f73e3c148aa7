//! The messaging provider port, spoken to an Evolution API 2.3 gateway.
//!
//! Knows the gateway's routes, its JSON and its odd answers, and what each of them proves about a
//! message; refuses to know what a message is for, and never repeats a send. Start at
//! [`EvolutionClient`] for calls, at `verdict` for what an answer proves and at
//! [`EvolutionDecoder`] for what the gateway posts.

mod client;
mod config;
mod echo;
mod inbound;
mod lookup;
mod number;
mod provider;
mod session;
mod turns;
mod verdict;
mod wire;

pub use client::EvolutionClient;
pub use config::{EvolutionConfig, InvalidConfig};
pub use echo::{expected_echo, status_echo};
pub use inbound::EvolutionDecoder;
