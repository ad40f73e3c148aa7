//! How people sign up and in, as one bundle of use cases.

use msgflash_accounts::{
    AuthenticateSession, ChangePassword, EndSessions, LogIn, Profiles, RefreshSession, RequestMail,
    ResetPassword, SignUp, VerifyEmail,
};

/// Everything the console's own sign-in is made of.
pub struct People {
    /// Tells whose session a token is.
    pub authenticate: AuthenticateSession,
    /// Makes accounts.
    pub sign_up: SignUp,
    /// Verifies addresses.
    pub verify_email: VerifyEmail,
    /// Takes requests for mail.
    pub request_mail: RequestMail,
    /// Begins sessions.
    pub log_in: LogIn,
    /// Ends them.
    pub end_sessions: EndSessions,
    /// Gives a new one for an old one.
    pub refresh: RefreshSession,
    /// Sets forgotten passwords.
    pub reset_password: ResetPassword,
    /// Changes known ones.
    pub change_password: ChangePassword,
    /// Reads and changes profiles.
    pub profiles: Profiles,
}
