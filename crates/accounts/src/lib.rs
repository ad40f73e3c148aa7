//! People, their sessions and their API keys: who somebody is, and how they prove it.
//!
//! Knows users, passwords, sessions, keys and the mail about them; refuses to know what a caller may
//! do, which workspace they act in or how a request reaches us. Start at [`authenticate`] for what a
//! key must survive, at [`session`] for what a token of the console is, at [`one_time`] for what the
//! links of mails carry, at [`elsewhere`] for signing in with an account elsewhere, and at [`throttle`] for how often somebody may try.
//!
//! Each use case names the ports it takes: [`Authenticate`] one, [`LogIn`] and its neighbours those of
//! [`SignInUnits`]. What costs time goes through [`PasswordHasher`], mail through [`Mailer`]. Mocks come with the
//! feature `mocks`.
//!
//! ```
//! use std::sync::Arc;
//!
//! use async_trait::async_trait;
//! use msgflash_accounts::{AuthError, Authenticate, Credential, CredentialReader};
//! use msgflash_kernel::StoreError;
//!
//! /// A store without any key.
//! struct NoKeys;
//!
//! #[async_trait]
//! impl CredentialReader for NoKeys {
//!     async fn find(&self, _: &[u8; 32]) -> Result<Option<Credential>, StoreError> {
//!         Ok(None)
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(async {
//! let authenticate = Authenticate::new(Arc::new(NoKeys));
//! let refusal = authenticate.key(Some("msgf_live_0123")).await;
//! assert!(matches!(refusal, Err(AuthError::Unauthorized)));
//! # });
//! ```

pub mod audit;
pub mod authenticate;
pub mod change_password;
pub mod create_user;
pub mod elsewhere;
pub mod error;
pub mod key;
pub mod key_use;
pub mod mail;
pub mod mail_request;
pub mod manage_keys;
pub mod one_time;
pub mod password;
pub mod ports;
pub mod profile;
pub mod reset_password;
mod rules;
pub mod session;
pub mod sign_up;
pub mod suspend;
pub mod throttle;
pub mod user;
pub mod verify_email;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod sample;

pub use audit::{AuditEntry, AuditReader, AuditStore, Audited, KeptEntry, Target};
pub use authenticate::Authenticate;
pub use change_password::ChangePassword;
pub use create_user::{CreateUser, UserOrder};
pub use elsewhere::provider::{IdentityProvider, ProviderError};
pub use elsewhere::redirect::{Answer, RedirectError, SignInByRedirect};
pub use elsewhere::start::{SignInStart, SignInStarts};
pub use elsewhere::{ExternalIdentity, IdentityStore, SignInElsewhere};
pub use error::{AccountsError, AuthError, SessionError, SignInError};
pub use key::{ApiKey, ApiKeyId, InvalidKey, KeyKind, KeySecret};
pub use key_use::{KeyUse, KeyUseReader, ReadKeyUse};
pub use mail::{
    Draft, KeptMail, Letter, MailError, MailId, MailQueue, MailReader, MailStore, Mailer, NoMailer,
    OutgoingMail, PortalLinks, ReadMails, Rendered, SendMails,
};
pub use mail_request::{
    AnswerMailRequests, MailRequest, MailRequestStore, MailRequests, RequestMail, TokenMails,
};
pub use manage_keys::{CreateKey, KeyOrder, ListKeys, RevokeKey};
pub use one_time::{OneTimeSecret, OneTimeToken, Purpose, TokenReader, TokenState, TokenStore};
pub use password::{InlineHasher, PasswordHasher, PooledHasher};
pub use ports::{
    AccountReader, AccountUnit, AccountUnits, Credential, CredentialReader, KeyReader, KeyStore,
    Registration, SignInUnit, SignInUnits, UserStore,
};
pub use profile::{ProfileChange, Profiles};
pub use reset_password::ResetPassword;
pub use rules::{MAX_EMAIL, email_address};
pub use session::authenticate::AuthenticateSession;
pub use session::end::EndSessions;
pub use session::key::{SigningKey, SigningKeyId, SigningKeyStore};
pub use session::key_ring::{KeyRing, RotateSigningKey};
pub use session::log_in::{BeginSession, LogIn};
pub use session::refresh::RefreshSession;
pub use session::token::SessionTokens;
pub use session::{
    Session, SessionEnd, SessionId, SessionReader, SessionState, SessionStore, SignedIn,
};
pub use sign_up::{SignUp, SignUpOrder};
pub use suspend::SuspendUser;
pub use throttle::{Door, Guard, SignInThrottle, Try, TryStore};
pub use user::User;
pub use verify_email::{VerificationState, Verified, VerifyEmail};

#[cfg(any(test, feature = "mocks"))]
pub use audit::{MockAuditReader, MockAuditStore};
#[cfg(any(test, feature = "mocks"))]
pub use elsewhere::MockIdentityStore;
#[cfg(any(test, feature = "mocks"))]
pub use elsewhere::provider::MockIdentityProvider;
#[cfg(any(test, feature = "mocks"))]
pub use elsewhere::start::MockSignInStarts;
#[cfg(any(test, feature = "mocks"))]
pub use key_use::MockKeyUseReader;
#[cfg(any(test, feature = "mocks"))]
pub use mail::{MockMailQueue, MockMailReader, MockMailStore, MockMailer};
#[cfg(any(test, feature = "mocks"))]
pub use mail_request::{MockMailRequestStore, MockMailRequests};
#[cfg(any(test, feature = "mocks"))]
pub use one_time::{MockTokenReader, MockTokenStore};
#[cfg(any(test, feature = "mocks"))]
pub use password::MockPasswordHasher;
#[cfg(any(test, feature = "mocks"))]
pub use ports::{
    MockAccountReader, MockCredentialReader, MockKeyReader, MockKeyStore, MockUserStore,
};
#[cfg(any(test, feature = "mocks"))]
pub use session::key::MockSigningKeyStore;
#[cfg(any(test, feature = "mocks"))]
pub use session::{MockSessionReader, MockSessionStore};
#[cfg(any(test, feature = "mocks"))]
pub use throttle::{MockSignInThrottle, MockTryStore};
