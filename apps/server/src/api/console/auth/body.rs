//! What people write to sign up and in.

use msgflash_accounts::SignUpOrder;
use msgflash_kernel::{Problems, Secret};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::check::Need;
use crate::http::{Check, Field};

/// An account to make.
#[derive(Clone, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SignUp)]
pub struct SignUpBody {
    /// Full name, 2 to 100 characters.
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 2, max_length = 100, example = "Lea Roy")]
    pub full_name: Field<String>,
    /// E-mail address; it cannot be changed later.
    #[serde(default)]
    #[schema(value_type = String, required = true, format = Email, max_length = 254, example = "lea@shop.test")]
    pub email: Field<String>,
    /// Phone number in international form.
    #[serde(default)]
    #[schema(value_type = String, required = true, example = "+33612345678")]
    pub phone: Field<String>,
    /// 8 to 128 characters.
    #[serde(default)]
    #[schema(value_type = String, required = true, format = Password, min_length = 8, max_length = 128, example = "Corr3ct-horse")]
    pub password: Field<String>,
}

impl SignUpBody {
    /// Notes every problem of the body at once.
    pub(super) fn check(&self) -> Result<SignUpOrder, Problems> {
        let mut check = Check::default();
        let mut text = |name: &str, field: &Field<String>| {
            let given = check.given(name, field, Need::Must, "text");
            given.cloned().unwrap_or_default()
        };
        let order = SignUpOrder {
            full_name: text("fullName", &self.full_name),
            email: text("email", &self.email),
            phone: text("phone", &self.phone),
            password: Secret::new(text("password", &self.password)),
        };
        together(check, order.check())?;
        Ok(order)
    }
}

/// Who wants to sign in.
#[derive(Clone, Default, Deserialize, ToSchema)]
#[schema(as = LogIn)]
pub struct LogInBody {
    /// E-mail address.
    #[serde(default)]
    #[schema(value_type = String, required = true, format = Email, max_length = 254, example = "lea@shop.test")]
    pub email: Field<String>,
    /// Password.
    #[serde(default)]
    #[schema(value_type = String, required = true, format = Password, min_length = 1, max_length = 128, example = "Corr3ct-horse")]
    pub password: Field<String>,
}

impl LogInBody {
    /// Notes what is missing.
    pub(super) fn check(&self) -> Result<(String, Secret<String>), Problems> {
        let mut check = Check::default();
        let email = required(&mut check, "email", &self.email);
        let password = required(&mut check, "password", &self.password);
        check.finish()?;
        Ok((email, Secret::new(password)))
    }
}

/// Whom to send a mail.
#[derive(Clone, Default, Deserialize, ToSchema)]
#[schema(as = EmailAddress)]
pub struct EmailBody {
    /// E-mail address.
    #[serde(default)]
    #[schema(value_type = String, required = true, format = Email, max_length = 254, example = "lea@shop.test")]
    pub email: Field<String>,
}

impl EmailBody {
    /// Notes what is missing.
    pub(super) fn check(&self) -> Result<String, Problems> {
        let mut check = Check::default();
        let email = required(&mut check, "email", &self.email);
        check.finish()?;
        Ok(email)
    }
}

/// What a link carries.
#[derive(Clone, Default, Deserialize, ToSchema)]
#[schema(as = LinkToken)]
pub struct TokenBody {
    /// The `token` of the link.
    #[serde(default)]
    #[schema(value_type = String, required = true, pattern = "^[A-Za-z0-9_-]{43}$", example = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")]
    pub token: Field<String>,
}

impl TokenBody {
    /// Notes what is missing.
    pub(super) fn check(&self) -> Result<String, Problems> {
        let mut check = Check::default();
        let token = required(&mut check, "token", &self.token);
        check.finish()?;
        Ok(token)
    }
}

/// A password for whoever got the mail.
#[derive(Clone, Default, Deserialize, ToSchema)]
#[schema(as = ResetPassword)]
pub struct ResetBody {
    /// The `token` of the link.
    #[serde(default)]
    #[schema(value_type = String, required = true, pattern = "^[A-Za-z0-9_-]{43}$", example = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")]
    pub token: Field<String>,
    /// 8 to 128 characters.
    #[serde(default)]
    #[schema(value_type = String, required = true, format = Password, min_length = 8, max_length = 128, example = "Corr3ct-horse")]
    pub password: Field<String>,
}

impl ResetBody {
    /// Notes what is missing.
    pub(super) fn check(&self) -> Result<(String, Secret<String>), Problems> {
        let mut check = Check::default();
        let token = required(&mut check, "token", &self.token);
        let password = required(&mut check, "password", &self.password);
        check.finish()?;
        Ok((token, Secret::new(password)))
    }
}

/// A password in place of another.
#[derive(Clone, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChangePassword)]
pub struct ChangePasswordBody {
    /// The one to be changed.
    #[serde(default)]
    #[schema(value_type = String, required = true, format = Password, min_length = 1, max_length = 128, example = "Corr3ct-horse")]
    pub current_password: Field<String>,
    /// 8 to 128 characters.
    #[serde(default)]
    #[schema(value_type = String, required = true, format = Password, min_length = 8, max_length = 128, example = "Corr3ct-horse")]
    pub new_password: Field<String>,
}

impl ChangePasswordBody {
    /// Notes what is missing.
    pub(super) fn check(&self) -> Result<(Secret<String>, Secret<String>), Problems> {
        let mut check = Check::default();
        let current = required(&mut check, "currentPassword", &self.current_password);
        let new = required(&mut check, "newPassword", &self.new_password);
        check.finish()?;
        Ok((Secret::new(current), Secret::new(new)))
    }
}

/// A text that must be there; what it must be like is for the domain to say.
fn required(check: &mut Check, name: &str, field: &Field<String>) -> String {
    let given = check.given(name, field, Need::Must, "text");
    given.cloned().unwrap_or_default()
}

/// A text that may be missing.
pub(super) fn text_of(field: &Field<String>) -> String {
    field.valid().cloned().unwrap_or_default()
}

/// What is wrong with the shape, and with the values of members whose shape is right.
pub(super) fn together(shape: Check, values: Result<(), Problems>) -> Result<(), Problems> {
    let mut problems = shape.finish().err().unwrap_or_default();
    for it in values.err().unwrap_or_default().0 {
        if problems.0.iter().all(|known| known.field != it.field) {
            problems.0.push(it);
        }
    }
    problems.into_result()
}
