//! Signing up.

use std::net::IpAddr;
use std::sync::Arc;

use msgflash_kernel::{Clock, Id, Ids, Phone, Problems, Secret};

use crate::error::SignInError;
use crate::mail_request::TokenMails;
use crate::one_time::Purpose;
use crate::password::PasswordHasher;
use crate::ports::{Registration, SignInUnits};
use crate::rules;
use crate::throttle::{Door, Guard};
use crate::user::User;

/// What somebody says about themselves when they sign up.
#[derive(Clone, Debug)]
pub struct SignUpOrder {
    /// Full name.
    pub full_name: String,
    /// Their address.
    pub email: String,
    /// Their number, as they wrote it.
    pub phone: String,
    /// The password they chose.
    pub password: Secret<String>,
}

impl SignUpOrder {
    /// Everything that is wrong with it.
    pub fn check(&self) -> Result<(), Problems> {
        checked(self).map(drop)
    }
}

/// Makes accounts for whoever asks.
pub struct SignUp {
    units: Arc<dyn SignInUnits>,
    hasher: Arc<dyn PasswordHasher>,
    guard: Guard,
    mails: TokenMails,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

impl SignUp {
    /// Wires the use case.
    pub fn new(
        units: Arc<dyn SignInUnits>,
        hasher: Arc<dyn PasswordHasher>,
        guard: Guard,
        mails: TokenMails,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        Self {
            units,
            hasher,
            guard,
            mails,
            clock,
            ids,
        }
    }

    /// Makes an account on the free plan, which opens once its address is verified; the mail for
    /// that is on its way when this answers.
    pub async fn sign_up(&self, order: SignUpOrder, ip: IpAddr) -> Result<User, SignInError> {
        let (email, full_name, phone) = checked(&order)?;
        self.guard.pass(Door::SignUp, &email, ip).await?;
        let now = self.clock.now();
        let user = User {
            id: Id::new(self.ids.next()),
            email,
            full_name,
            display_name: None,
            phone: phone.map(|it| it.to_string()).unwrap_or_default(),
            avatar_url: None,
            // Before the unit: hashing is slow, and a transaction must not wait for it.
            password_hash: Some(self.hasher.hash(order.password).await?),
            email_verified_at: None,
            suspended_at: None,
            created_at: now,
            updated_at: now,
        };
        let mut unit = self.units.begin().await?;
        match unit.users().insert(&user, self.ids.next()).await? {
            Registration::Done => {}
            Registration::EmailTaken => return Err(SignInError::EmailTaken),
        }
        let purpose = Purpose::VerifyEmail;
        self.mails.token(unit.as_mut(), &user, purpose, now).await?;
        unit.commit().await?;
        Ok(user)
    }
}

fn checked(order: &SignUpOrder) -> Result<(String, String, Option<Phone>), Problems> {
    let mut problems = Problems::default();
    let full_name = rules::full_name(&order.full_name, &mut problems);
    let email = rules::email(&order.email, &mut problems);
    let phone = rules::phone(&order.phone, &mut problems);
    rules::new_password("password", &order.password, &mut problems);
    problems.into_result()?;
    Ok((email, full_name, phone))
}

#[cfg(test)]
mod tests;
