//! How people sign up and in, as one bundle of use cases.

use std::sync::Arc;

use msgflash_accounts::{
    AccountReader, AnswerMailRequests, AuthenticateSession, BeginSession, ChangePassword,
    EndSessions, Guard, IdentityProvider, KeyRing, LogIn, MailRequests, PasswordHasher,
    PortalLinks, Profiles, RefreshSession, RequestMail, ResetPassword, RotateSigningKey,
    SessionReader, SessionTokens, SignInByRedirect, SignInElsewhere, SignInStarts, SignInThrottle,
    SignInUnits, SignUp, SigningKeyStore, SuspendUser, TokenMails, TokenReader, VerifyEmail,
};
use msgflash_kernel::{Announce, Clock, Ids, Nudge, Random};

/// What the use cases stand on.
pub struct PeoplePorts {
    /// People.
    pub users: Arc<dyn AccountReader>,
    /// Their sessions, remembered for a moment.
    pub sessions: Arc<dyn SessionReader>,
    /// What links carry.
    pub tokens: Arc<dyn TokenReader>,
    /// Changes of all of these.
    pub units: Arc<dyn SignInUnits>,
    /// Keys that sign.
    pub keys: Arc<dyn SigningKeyStore>,
    /// Counts tries.
    pub throttle: Arc<dyn SignInThrottle>,
    /// Takes down who asked for mail.
    pub requests: Arc<dyn MailRequests>,
    /// Wakes whoever answers them.
    pub wake: Arc<dyn Nudge>,
    /// Who proves identities elsewhere, when somebody does.
    pub provider: Option<Arc<dyn IdentityProvider>>,
    /// Remembers who went there.
    pub starts: Arc<dyn SignInStarts>,
    /// Passwords.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Tells other processes what changed.
    pub announce: Arc<dyn Announce>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub ids: Arc<dyn Ids>,
    /// Chance.
    pub random: Arc<dyn Random>,
    /// Who tokens say they come from.
    pub issuer: String,
    /// Where the links of mails lead.
    pub portal: String,
}

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
    /// Answers them.
    pub answer_requests: Arc<AnswerMailRequests>,
    /// Begins sessions.
    pub log_in: LogIn,
    /// Begins sessions of people who prove themselves elsewhere.
    pub elsewhere: Option<SignInByRedirect>,
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
    /// Lets another key sign.
    pub rotate_key: RotateSigningKey,
    /// Shuts accounts and opens them again.
    pub suspend: SuspendUser,
}

impl People {
    /// Wires the use cases.
    pub fn new(ports: PeoplePorts) -> Self {
        let PeoplePorts {
            users,
            sessions,
            tokens,
            units,
            keys,
            throttle,
            requests,
            wake,
            provider,
            starts,
            hasher,
            announce,
            clock,
            ids,
            random,
            issuer,
            portal,
        } = ports;
        let ring = KeyRing::new(
            keys,
            Arc::clone(&random),
            Arc::clone(&clock),
            Arc::clone(&ids),
        );
        let ring = Arc::new(ring);
        let signed = Arc::new(SessionTokens::new(
            Arc::clone(&ring),
            Arc::clone(&clock),
            issuer,
        ));
        let begin = BeginSession::new(Arc::clone(&signed), Arc::clone(&clock), Arc::clone(&ids));
        let guard = Guard::new(throttle, Arc::clone(&clock), Arc::clone(&ids));
        let (now, tell) = (|| Arc::clone(&clock), || Arc::clone(&announce));
        let elsewhere = provider.map(|provider| {
            let sign_in =
                SignInElsewhere::new(Arc::clone(&units), begin.clone()).announcing(tell());
            let (guard, random) = (guard.clone(), Arc::clone(&random));
            SignInByRedirect::new(provider, starts, sign_in, guard, now(), random)
        });
        let mails = TokenMails::new(PortalLinks::new(&portal), random, Arc::clone(&ids));
        Self {
            authenticate: AuthenticateSession::new(Arc::clone(&signed), sessions, now()),
            sign_up: SignUp::new(
                Arc::clone(&units),
                Arc::clone(&hasher),
                guard.clone(),
                mails.clone(),
                now(),
                Arc::clone(&ids),
            ),
            verify_email: VerifyEmail::new(
                Arc::clone(&tokens),
                Arc::clone(&users),
                Arc::clone(&units),
                now(),
            ),
            request_mail: RequestMail::new(requests, guard.clone(), now(), Arc::clone(&ids))
                .nudging(wake),
            answer_requests: Arc::new(AnswerMailRequests::new(
                Arc::clone(&units),
                mails.clone(),
                now(),
            )),
            log_in: LogIn::new(
                Arc::clone(&users),
                Arc::clone(&units),
                Arc::clone(&hasher),
                guard.clone(),
                begin,
            ),
            elsewhere,
            end_sessions: EndSessions::new(Arc::clone(&units), now()).announcing(tell()),
            refresh: RefreshSession::new(Arc::clone(&units), signed, now(), Arc::clone(&ids))
                .announcing(tell()),
            reset_password: ResetPassword::new(
                (tokens, Arc::clone(&users)),
                Arc::clone(&units),
                Arc::clone(&hasher),
                guard.clone(),
                mails.clone(),
                now(),
            )
            .announcing(tell()),
            change_password: ChangePassword::new(
                Arc::clone(&users),
                Arc::clone(&units),
                hasher,
                guard,
                mails.clone(),
                now(),
            )
            .announcing(tell()),
            profiles: Profiles::new(users, Arc::clone(&units), now()).announcing(tell()),
            rotate_key: RotateSigningKey::new(ring),
            suspend: SuspendUser::new(units, mails, now()).announcing(tell()),
        }
    }
}
