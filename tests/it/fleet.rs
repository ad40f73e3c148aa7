//! Several processes on one database.

mod principals;
mod rate;
mod rolling;
mod sending;
