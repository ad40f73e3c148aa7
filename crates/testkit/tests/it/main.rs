//! The promises of the test kit, kept against a real server.

mod cluster;
mod database;
