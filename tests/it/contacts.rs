//! The address book as its callers see it, one module per topic.

mod bulk;
mod crash;
mod groups;
mod jobs;
mod list;
mod manage;
mod members;
mod messages;
mod once;
mod order;
mod search;
mod team;
mod walk;

/// Nobody's id.
const NOBODY: &str = "0197b3c0-1111-7000-8000-00000000dead";
