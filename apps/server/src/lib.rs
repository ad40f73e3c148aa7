//! The MsgFlash server: domains and adapters behind HTTP.
//!
//! Start at [`app`] for the whole, at [`api::v1::routes`] for what there is, and at
//! [`api::policy`] for what every call passes first.

pub mod address_book;
mod alarms;
pub mod api;
pub mod app;
pub mod billing;
pub mod campaigns;
mod chance;
pub mod cli;
pub mod config;
mod database;
mod demo;
mod docs_page;
pub mod http;
mod logging;
pub mod lookups;
pub mod media;
mod no_gateway;
mod notices;
pub mod openapi;
pub mod people;
pub mod principals;
mod probe;
mod recall;
pub mod serve;
pub mod services;
pub mod statuses;
pub mod suppressions;
pub mod teams;
#[cfg(test)]
mod testing;
pub mod uploads;
pub mod wire;
pub mod workers;
