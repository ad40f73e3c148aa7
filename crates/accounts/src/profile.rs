//! What people say about themselves.

use std::sync::Arc;

use msgflash_kernel::{Announce, Clock, NoAnnouncement, Phone, Problems, UserId};

use crate::error::SignInError;
use crate::ports::{AccountReader, SignInUnits};
use crate::rules;
use crate::session::account_of;
use crate::user::User;

/// What is to be different; `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileChange {
    /// Another full name.
    pub full_name: Option<String>,
    /// Another number, as they wrote it.
    pub phone: Option<String>,
    /// Another name to be shown by, or none.
    pub display_name: Option<Option<String>>,
}

impl ProfileChange {
    /// Everything that is wrong with it.
    pub fn check(&self) -> Result<(), Problems> {
        checked(self).map(drop)
    }
}

/// A change as it will be kept.
#[expect(
    clippy::option_option,
    reason = "left out, cleared and given are three different things"
)]
struct Checked {
    full_name: Option<String>,
    phone: Option<Phone>,
    display_name: Option<Option<String>>,
}

fn checked(change: &ProfileChange) -> Result<Checked, Problems> {
    let mut problems = Problems::default();
    let full_name = change.full_name.as_deref();
    let full_name = full_name.map(|it| rules::full_name(it, &mut problems));
    let phone = change.phone.as_deref();
    let phone = phone.and_then(|it| rules::phone(it, &mut problems));
    let display_name = change.display_name.as_ref();
    let display_name = display_name.map(|it| rules::display_name(it.as_deref(), &mut problems));
    problems.into_result()?;
    Ok(Checked {
        full_name,
        phone,
        display_name,
    })
}

/// Reads and changes profiles.
pub struct Profiles {
    users: Arc<dyn AccountReader>,
    units: Arc<dyn SignInUnits>,
    clock: Arc<dyn Clock>,
    announce: Arc<dyn Announce>,
}

impl Profiles {
    /// Wires the use case.
    pub fn new(
        users: Arc<dyn AccountReader>,
        units: Arc<dyn SignInUnits>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            users,
            units,
            clock,
            announce: Arc::new(NoAnnouncement),
        }
    }

    /// Tells others, who may remember people.
    #[must_use]
    pub fn announcing(mut self, announce: Arc<dyn Announce>) -> Self {
        self.announce = announce;
        self
    }

    /// The caller.
    pub async fn read(&self, caller: UserId) -> Result<User, SignInError> {
        let user = self.users.find(caller).await?;
        user.filter(|it| it.suspended_at.is_none())
            .ok_or(SignInError::Unauthorized)
    }

    /// Changes what the caller says about themselves; everything wrong is told at once.
    pub async fn change(&self, caller: UserId, change: ProfileChange) -> Result<User, SignInError> {
        let Checked {
            full_name,
            phone,
            display_name,
        } = checked(&change)?;
        let mut unit = self.units.begin().await?;
        let user = unit.users().lock(caller).await?;
        let mut user = user
            .filter(|it| it.suspended_at.is_none())
            .ok_or(SignInError::Unauthorized)?;
        let before = user.clone();
        if let Some(full_name) = full_name {
            user.full_name = full_name;
        }
        if let Some(phone) = phone {
            user.phone = phone.to_string();
        }
        if let Some(display_name) = display_name {
            user.display_name = display_name;
        }
        if user != before {
            user.updated_at = self.clock.now();
            unit.users().update(&user).await?;
            unit.commit().await?;
            self.announce.changed(account_of(caller)).await;
        }
        Ok(user)
    }
}

#[cfg(test)]
mod tests;
