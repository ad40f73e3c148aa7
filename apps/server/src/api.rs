//! The surfaces this server offers.

pub mod health;
pub mod provider;
#[cfg(test)]
mod tests;
pub mod v1;
