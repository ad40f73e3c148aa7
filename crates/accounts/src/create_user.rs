//! New people.

use std::sync::Arc;

use msgflash_kernel::{Clock, Id, Ids, Phone, Problems, Secret};

use crate::error::AccountsError;
use crate::password::PasswordHasher;
use crate::ports::{AccountUnits, Registration};
use crate::rules;
use crate::user::User;

/// What a new user says about themselves.
#[derive(Clone, Debug)]
pub struct UserOrder {
    /// Their address.
    pub email: String,
    /// Full name.
    pub full_name: String,
    /// Their number.
    pub phone: Option<Phone>,
    /// The password they chose.
    pub password: Secret<String>,
    /// Whether the address is known to be theirs, such as when the operator makes the account.
    pub is_verified: bool,
}

/// Makes users.
pub struct CreateUser {
    units: Arc<dyn AccountUnits>,
    hasher: Arc<dyn PasswordHasher>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

impl CreateUser {
    /// Wires the use case.
    pub fn new(
        units: Arc<dyn AccountUnits>,
        hasher: Arc<dyn PasswordHasher>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        Self {
            units,
            hasher,
            clock,
            ids,
        }
    }

    /// Makes a user on the free plan.
    pub async fn create(&self, order: UserOrder) -> Result<User, AccountsError> {
        let (email, full_name) = checked(&order)?;
        let now = self.clock.now();
        let user = User {
            id: Id::new(self.ids.next()),
            email,
            full_name,
            display_name: None,
            phone: order
                .phone
                .map(|phone| phone.to_string())
                .unwrap_or_default(),
            avatar_url: None,
            // Before the unit: hashing is slow, and a transaction must not wait for it.
            password_hash: Some(self.hasher.hash(order.password).await?),
            email_verified_at: order.is_verified.then_some(now),
            suspended_at: None,
            created_at: now,
            updated_at: now,
        };
        let mut unit = self.units.begin().await?;
        match unit.users().insert(&user, self.ids.next()).await? {
            Registration::Done => unit.commit().await?,
            Registration::EmailTaken => return Err(AccountsError::EmailTaken),
        }
        Ok(user)
    }
}

/// The address and the name as they are kept, or everything that is wrong.
fn checked(order: &UserOrder) -> Result<(String, String), Problems> {
    let mut problems = Problems::default();
    let email = rules::email(&order.email, &mut problems);
    let full_name = rules::full_name(&order.full_name, &mut problems);
    rules::new_password("password", &order.password, &mut problems);
    problems.into_result()?;
    Ok((email, full_name))
}

#[cfg(test)]
mod tests {
    use msgflash_kernel::{Fault as _, FixedClock, Kind, SequentialIds};
    use time::macros::datetime;

    use super::*;
    use crate::fake::FakeUnits;
    use crate::password::MockPasswordHasher;

    fn order() -> UserOrder {
        UserOrder {
            email: " Lea@shop.test ".to_owned(),
            full_name: " Lea Roy ".to_owned(),
            phone: Phone::parse("+33600000001").ok(),
            password: Secret::new("Corr3ct-horse".to_owned()),
            is_verified: true,
        }
    }

    fn use_case(units: &FakeUnits) -> CreateUser {
        let mut hasher = MockPasswordHasher::new();
        hasher
            .expect_hash()
            .returning(|password| Ok(Secret::new(format!("hash of {}", password.reveal()))));
        CreateUser::new(
            Arc::new(units.clone()),
            Arc::new(hasher),
            Arc::new(FixedClock::at(datetime!(2026-05-01 10:00 UTC))),
            Arc::new(SequentialIds::default()),
        )
    }

    #[tokio::test]
    async fn a_new_user_is_recorded_without_the_password() {
        let units = FakeUnits::default();
        units.with(|unit| {
            unit.users.expect_insert().times(1).returning(|user, _| {
                let hash = user.password_hash.as_ref().expect("hashed");
                assert_eq!(hash.reveal(), "hash of Corr3ct-horse");
                Ok(Registration::Done)
            });
        });
        let user = use_case(&units).create(order()).await.expect("valid");
        assert_eq!(
            (user.email.as_str(), user.full_name.as_str()),
            ("Lea@shop.test", "Lea Roy")
        );
        assert_eq!(user.phone, "+33600000001");
        assert_eq!(user.email_verified_at, Some(user.created_at));
        assert!(!format!("{user:?}").contains("Corr3ct-horse"));
        assert!(units.committed());
    }

    #[tokio::test]
    async fn a_taken_address_is_a_conflict_and_keeps_nothing() {
        let units = FakeUnits::default();
        units.with(|unit| {
            unit.users
                .expect_insert()
                .returning(|_, _| Ok(Registration::EmailTaken));
        });
        let refused = use_case(&units).create(order()).await.expect_err("taken");
        assert_eq!(
            (refused.kind(), refused.code()),
            (Kind::Conflict, "CONFLICT")
        );
        assert!(!units.committed());
    }

    #[tokio::test]
    async fn everything_wrong_is_told_at_once() {
        let bad = UserOrder {
            email: "lea@shop".to_owned(),
            full_name: "L".to_owned(),
            password: Secret::new("short".to_owned()),
            ..order()
        };
        let units = FakeUnits::default();
        let refused = use_case(&units).create(bad).await.expect_err("invalid");
        let AccountsError::Invalid(problems) = refused else {
            panic!("{refused:?}")
        };
        let fields: Vec<_> = problems
            .0
            .iter()
            .map(|problem| problem.field.as_str())
            .collect();
        assert_eq!(fields, ["email", "fullName", "password"]);
    }
}
