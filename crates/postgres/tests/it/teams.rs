//! Teams.

mod keeping;
mod remains;
