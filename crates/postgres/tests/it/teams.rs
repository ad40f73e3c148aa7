//! Teams.

mod keeping;
mod remains;
mod sending;
