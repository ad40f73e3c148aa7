//! Stores of teams.

pub(crate) mod remains;
