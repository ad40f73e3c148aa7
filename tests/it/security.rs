//! What strangers try, route by route and byte by byte.
//!
//! Elsewhere: ids of other workspaces (`tenancy`, `teams::tenancy`), what each role may do
//! (`teams::matrix`), addresses that lead inside (`surface::links`, and the sender's own tests), and
//! what the log never says (`console::secrets`).

mod floods;
mod routes;
mod secrets;
mod smuggling;
mod socket;
mod tokens;
