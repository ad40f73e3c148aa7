//! A whole MsgFlash per test: its own database, its own simulator, its own server on port 0.
//!
//! Tests speak HTTP with JSON of their own, never with the server's types, so an accidental rename
//! fails. Rows that have no route yet are written with SQL. Start at [`Stack`].

pub mod account;
pub mod book;
pub mod burst;
pub mod calendar;
pub mod client;
pub mod dice;
pub mod fleet;
pub mod identity;
pub mod plans;
pub mod process;
pub mod promise;
pub mod receiver;
pub mod stack;
pub mod stored;
pub mod tap;
pub mod team;
pub mod till;
pub mod work;

pub use account::Account;
pub use burst::Burst;
pub use client::{Client, Reply};
pub use dice::Dice;
pub use fleet::Fleet;
pub use identity::{Browser, IdentityServer};
pub use plans::PlansFile;
pub use process::Program;
pub use receiver::{Delivery, Receiver};
pub use stack::Stack;
pub use stored::assert_unchanged;
pub use tap::Tap;
pub use team::{Crew, Person, TEAMS};
pub use till::{Brand, Till};
pub use work::{EVENTS, id_of, moment_in, text};

pub use msgflash_testkit::{PATIENCE, eventually, within};
