//! The mails about accounts.
//!
//! None names the person: whoever signs up chooses that name and may give somebody else's address,
//! and we would carry their words to a stranger.

use time::Duration;

use super::render::Draft;
use crate::one_time::{OneTimeSecret, Purpose};

/// Where the links of mails go, and who sends them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortalLinks {
    portal: String,
    product: String,
}

impl PortalLinks {
    /// Links to the console at `portal`, such as `https://app.example.com`.
    pub fn new(portal: &str) -> Self {
        Self {
            portal: portal.trim_end_matches('/').to_owned(),
            product: "MsgFlash".to_owned(),
        }
    }

    /// Calls the product something else.
    #[must_use]
    pub fn called(mut self, product: impl Into<String>) -> Self {
        self.product = product.into();
        self
    }

    /// What the product is called.
    pub fn product(&self) -> &str {
        &self.product
    }

    /// The address of a page of the console; `path` begins with a slash.
    pub fn page(&self, path: &str) -> String {
        format!("{}{path}", self.portal)
    }

    /// The page that verifies an address.
    pub fn verify_email(&self, token: &OneTimeSecret) -> String {
        self.page(&format!("/verify-email?token={}", token.reveal()))
    }

    /// The page that takes a new password.
    pub fn reset_password(&self, token: &OneTimeSecret) -> String {
        self.page(&format!("/reset-password?token={}", token.reveal()))
    }
}

/// A mail about an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Letter {
    /// Asks whoever has the address to say that it is theirs.
    VerifyEmail(OneTimeSecret),
    /// Lets them choose another password.
    ResetPassword(OneTimeSecret),
    /// The password is another one now.
    PasswordChanged,
    /// The account was shut.
    AccountSuspended,
    /// It was opened again.
    AccountReactivated,
}

impl Letter {
    /// What it says.
    pub fn draft(&self, links: &PortalLinks) -> Draft {
        let product = links.product();
        match self {
            Self::VerifyEmail(token) => Draft {
                kind: Purpose::VerifyEmail.as_str(),
                subject: format!("Verify your e-mail address for {product}"),
                before: vec![format!(
                    "Somebody made an account at {product} with this address. If it was you, \
                     verify the address to sign in. The link works once, within 24 hours."
                )],
                link: Some(("Verify address".to_owned(), links.verify_email(token))),
                after: vec!["If it was not you, ignore this mail.".to_owned()],
                counts_for: Some(Purpose::VerifyEmail.life()),
            },
            Self::ResetPassword(token) => Draft {
                kind: Purpose::ResetPassword.as_str(),
                subject: format!("Reset your {product} password"),
                before: vec![format!(
                    "Somebody asked for a new password for the {product} account with this \
                     address. The link works once, within 60 minutes."
                )],
                link: Some((
                    "Choose a new password".to_owned(),
                    links.reset_password(token),
                )),
                after: vec![
                    "If it was not you, ignore this mail: your password stays as it is.".to_owned(),
                ],
                counts_for: Some(Purpose::ResetPassword.life()),
            },
            Self::PasswordChanged => Draft {
                kind: "password_changed",
                subject: format!("Your {product} password was changed"),
                before: vec![format!(
                    "The password of your {product} account was changed, and other sessions were \
                     signed out."
                )],
                link: Some((
                    "It was not you? Reset it".to_owned(),
                    links.page("/forgot-password"),
                )),
                after: Vec::new(),
                counts_for: None,
            },
            Self::AccountSuspended => notice(
                "account_suspended",
                format!("Your {product} account is suspended"),
                format!(
                    "Your {product} account was suspended. Nobody can sign in to it, and its API \
                     keys do not work. Your data is kept."
                ),
            ),
            Self::AccountReactivated => notice(
                "account_reactivated",
                format!("Your {product} account is active again"),
                format!("Your {product} account was reactivated. You can sign in again."),
            ),
        }
    }
}

fn notice(kind: &'static str, subject: String, text: String) -> Draft {
    Draft {
        kind,
        subject,
        before: vec![text],
        link: None,
        after: Vec::new(),
        counts_for: None::<Duration>,
    }
}

#[cfg(test)]
mod tests {
    use msgflash_kernel::CountingRandom;

    use super::*;

    #[test]
    fn links_lead_to_the_configured_portal_in_both_parts() {
        let token = OneTimeSecret::generate(&CountingRandom::default());
        for portal in ["https://app.shop.test", "https://app.shop.test/"] {
            let links = PortalLinks::new(portal);
            for (letter, page) in [
                (Letter::VerifyEmail(token.clone()), "verify-email"),
                (Letter::ResetPassword(token.clone()), "reset-password"),
            ] {
                let mail = letter.draft(&links).render();
                let link = format!("https://app.shop.test/{page}?token={}", token.reveal());
                assert!(mail.text.contains(&link), "{}", mail.text);
                assert!(mail.html.contains(&link), "{}", mail.html);
            }
        }
    }

    #[test]
    fn nothing_is_sent_after_its_link_has_expired() {
        let token = OneTimeSecret::generate(&CountingRandom::default());
        let links = PortalLinks::new("https://app.shop.test");
        let reset = Letter::ResetPassword(token).draft(&links);
        assert_eq!(reset.counts_for, Some(Duration::minutes(60)));
    }

    #[test]
    fn the_product_is_called_what_the_operator_calls_it() {
        let links = PortalLinks::new("https://app.shop.test").called("Shop Mail");
        for letter in [
            Letter::PasswordChanged,
            Letter::AccountSuspended,
            Letter::AccountReactivated,
        ] {
            let mail = letter.draft(&links).render();
            assert!(mail.subject.contains("Shop Mail") && !mail.text.contains("MsgFlash"));
        }
    }
}
