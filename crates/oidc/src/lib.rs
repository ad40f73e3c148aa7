//! Signing in at an `OpenID` provider, such as Google: the authorization code flow with PKCE.
//!
//! Knows what a provider publishes, how a code becomes an identity and what must be verified on the
//! way; whose account an identity opens is for the domain to say. Start at [`OidcProvider`].

mod directory;
mod provider;
mod token;
mod transport;

#[cfg(test)]
mod tests;

pub use provider::{InvalidConfig, OidcConfig, OidcProvider};
