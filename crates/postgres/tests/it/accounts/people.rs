//! Use cases on the stores, and somebody who signs in.

use std::net::IpAddr;
use std::sync::Arc;

use msgflash_accounts::{
    AnswerMailRequests, AuthenticateSession, BeginSession, ChangePassword, EndSessions, Guard,
    KeptMail, KeyRing, LogIn, MailReader as _, PortalLinks, RefreshSession, RequestMail,
    ResetPassword, SessionTokens, SignInElsewhere, SignUp, SignUpOrder, SignedIn, SuspendUser,
    TokenMails, VerifyEmail,
};
use msgflash_kernel::{FixedClock, RandomIds, Secret};
use msgflash_postgres::Postgres;

use crate::stage::{NoHashing, Stage, Uuids, clock};

pub(crate) const EMAIL: &str = "lea@shop.test";
pub(crate) const PASSWORD: &str = "Corr3ct-horse";

pub(crate) fn ip() -> IpAddr {
    IpAddr::from([203, 0, 113, 7])
}

pub(crate) fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn mails() -> TokenMails {
    let links = PortalLinks::new("https://app.test");
    TokenMails::new(links, Arc::new(Uuids), Arc::new(RandomIds))
}

pub(crate) fn order() -> SignUpOrder {
    SignUpOrder {
        full_name: "Lea Roy".to_owned(),
        email: EMAIL.to_owned(),
        phone: "+33600000001".to_owned(),
        password: secret(PASSWORD),
    }
}

/// Everything about signing in, as one process has it.
pub(crate) struct People {
    pub(crate) stage: Stage,
    pub(crate) clock: Arc<FixedClock>,
    tokens: Arc<SessionTokens>,
}

impl People {
    pub(crate) async fn new() -> Self {
        let stage = Stage::new().await;
        let clock = clock();
        let ring = ring(&stage.postgres, &clock);
        let issuer = "https://msgflash.test";
        let tokens = SessionTokens::new(ring, Arc::clone(&clock) as _, issuer);
        Self {
            stage,
            clock,
            tokens: Arc::new(tokens),
        }
    }

    pub(crate) fn store(&self) -> Arc<Postgres> {
        Arc::new(self.stage.postgres.clone())
    }

    fn guard(&self) -> Guard {
        Guard::new(self.store(), self.clock.clone(), Arc::new(RandomIds))
    }

    fn begin(&self) -> BeginSession {
        BeginSession::new(self.tokens.clone(), self.clock.clone(), Arc::new(RandomIds))
    }

    pub(crate) fn log_in(&self) -> LogIn {
        let (users, units) = (self.store(), self.store());
        LogIn::new(
            users,
            units,
            Arc::new(NoHashing),
            self.guard(),
            self.begin(),
        )
    }

    pub(crate) fn elsewhere(&self) -> SignInElsewhere {
        SignInElsewhere::new(self.store(), self.begin())
    }

    pub(crate) fn authenticate(&self) -> AuthenticateSession {
        AuthenticateSession::new(self.tokens.clone(), self.store(), self.clock.clone())
    }

    pub(crate) fn refresh(&self) -> RefreshSession {
        let ids = Arc::new(RandomIds);
        RefreshSession::new(self.store(), self.tokens.clone(), self.clock.clone(), ids)
    }

    pub(crate) fn end(&self) -> EndSessions {
        EndSessions::new(self.store(), self.clock.clone())
    }

    pub(crate) fn suspend(&self) -> SuspendUser {
        SuspendUser::new(self.store(), mails(), self.clock.clone())
    }

    pub(crate) fn sign_up(&self) -> SignUp {
        SignUp::new(
            self.store(),
            Arc::new(NoHashing),
            self.guard(),
            mails(),
            self.clock.clone(),
            Arc::new(RandomIds),
        )
    }

    pub(crate) fn verify(&self) -> VerifyEmail {
        VerifyEmail::new(self.store(), self.store(), self.store(), self.clock.clone())
    }

    pub(crate) fn request(&self) -> RequestMail {
        let ids = Arc::new(RandomIds);
        RequestMail::new(self.store(), self.guard(), self.clock.clone(), ids)
    }

    pub(crate) fn answer(&self) -> AnswerMailRequests {
        AnswerMailRequests::new(self.store(), mails(), self.clock.clone())
    }

    pub(crate) fn reset(&self) -> ResetPassword {
        ResetPassword::new(
            (self.store(), self.store()),
            self.store(),
            Arc::new(NoHashing),
            self.guard(),
            mails(),
            self.clock.clone(),
        )
    }

    pub(crate) fn change_password(&self) -> ChangePassword {
        let (users, units) = (self.store(), self.store());
        let hasher = Arc::new(NoHashing);
        let guard = self.guard();
        ChangePassword::new(users, units, hasher, guard, mails(), self.clock.clone())
    }

    /// Lea with her address verified, signed in.
    pub(crate) async fn lea(&self) -> SignedIn {
        self.stage.user(EMAIL).await;
        self.signed_in().await
    }

    pub(crate) async fn signed_in(&self) -> SignedIn {
        let signed_in = self.log_in().log_in(EMAIL, secret(PASSWORD), ip()).await;
        signed_in.expect("signed in")
    }

    pub(crate) async fn counts(&self, signed_in: &SignedIn) -> bool {
        let token = signed_in.token.reveal();
        self.authenticate().session(Some(token)).await.is_ok()
    }

    /// The newest mails, newest first.
    pub(crate) async fn mailbox(&self) -> Vec<KeptMail> {
        self.stage.postgres.newest(100).await.expect("read")
    }

    /// The token in the newest mail.
    pub(crate) async fn link(&self) -> String {
        let mails = self.mailbox().await;
        let text = &mails.first().expect("a mail").mail.content.text;
        let token = text.split("?token=").nth(1).expect("a link");
        token[..43].to_owned()
    }
}

pub(crate) fn ring(postgres: &Postgres, clock: &Arc<FixedClock>) -> Arc<KeyRing> {
    Arc::new(KeyRing::new(
        Arc::new(postgres.clone()),
        Arc::new(Uuids),
        Arc::clone(clock) as _,
        Arc::new(RandomIds),
    ))
}
