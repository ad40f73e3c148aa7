//! Teams.

mod remains;
