//! Posts webhook deliveries over HTTP, to public addresses only.
//!
//! A name is resolved, every address is checked, and the connection goes to exactly those
//! addresses: nothing can change between the check and the connection. No redirect is followed.
//! Start at [`HttpWebhookSender`].

mod resolve;
mod sender;

pub use resolve::{Lookup, Resolve, SystemResolver};
pub use sender::{HttpWebhookSender, SenderError};
