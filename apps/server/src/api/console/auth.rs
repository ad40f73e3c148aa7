//! `/api/auth`: signing up, in and out.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use msgflash_accounts::Verified;
use msgflash_messaging::events::timestamp;

pub mod body;
pub mod google;
pub mod profile;
pub mod view;

use self::body::{
    ChangePasswordBody, EmailBody, LogInBody, ResetBody, SignUpBody, TokenBody, text_of,
};
use self::view::{
    LinkView, LoggedInView, ResetLinkView, SignedUpView, SuccessView, TokenView, VerifiedView,
};
use crate::api::client_address::ClientAddress;
use crate::api::policy::Person;
use crate::http::envelope::{self, render};
use crate::http::{Problem, Query, RawJson};
use crate::services::Services;

const DONE: SuccessView = SuccessView { success: true };

/// Makes an account on the free plan. It opens once the address is verified: the mail for that is on
/// its way.
#[utoipa::path(
    post, path = "/api/auth/signup", tag = "Sign-in", operation_id = "consoleSignUp",
    request_body = SignUpBody,
    responses((status = 201, description = "The account; nobody is signed in", body = inline(crate::openapi::Data<SignedUpView>)))
)]
pub(in crate::api) async fn sign_up(
    services: web::Data<Services>,
    from: ClientAddress,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: SignUpBody = body.decode()?;
    let user = services
        .people
        .sign_up
        .sign_up(body.check()?, from.0)
        .await?;
    let view = SignedUpView {
        success: true,
        verification_required: true,
        email: user.email,
    };
    Ok(envelope::answer(render(StatusCode::CREATED, &view)))
}

/// Signs in. The token opens the console for seven days.
#[utoipa::path(
    post, path = "/api/auth/login", tag = "Sign-in", operation_id = "consoleLogIn",
    request_body = LogInBody,
    responses((status = 200, description = "Who they are, and their token", body = inline(crate::openapi::Data<LoggedInView>)))
)]
pub(in crate::api) async fn log_in(
    services: web::Data<Services>,
    from: ClientAddress,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: LogInBody = body.decode()?;
    let (email, password) = body.check()?;
    let people = &services.people;
    let signed_in = people.log_in.log_in(&email, password, from.0).await?;
    let user = profile::view(&services, &signed_in.user).await?;
    Ok(envelope::ok(&LoggedInView {
        user,
        token: signed_in.token.reveal().clone(),
    }))
}

/// Ends the session whose token was sent.
#[utoipa::path(
    post, path = "/api/auth/logout", tag = "Sign-in", operation_id = "consoleLogOut",
    responses((status = 200, description = "The token opens nothing any more", body = inline(crate::openapi::Data<SuccessView>)))
)]
pub(in crate::api) async fn log_out(
    person: Person,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    services
        .people
        .end_sessions
        .log_out(&person.session)
        .await?;
    Ok(envelope::ok(&DONE))
}

/// Gives a new token for a living one, which ends.
#[utoipa::path(
    post, path = "/api/auth/refresh", tag = "Sign-in", operation_id = "consoleRefresh",
    responses((status = 200, description = "A token for seven more days", body = inline(crate::openapi::Data<TokenView>)))
)]
pub(in crate::api) async fn refresh(
    person: Person,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let signed_in = services.people.refresh.refresh(&person.session).await?;
    Ok(envelope::ok(&TokenView {
        token: signed_in.token.reveal().clone(),
        expires_at: timestamp(signed_in.session.expires_at),
    }))
}

/// Changes the password. The caller stays signed in; every other session ends.
#[utoipa::path(
    post, path = "/api/auth/change-password", tag = "Sign-in", operation_id = "consoleChangePassword",
    request_body = ChangePasswordBody,
    responses((status = 200, description = "It is changed", body = inline(crate::openapi::Data<SuccessView>)))
)]
pub(in crate::api) async fn change_password(
    person: Person,
    services: web::Data<Services>,
    from: ClientAddress,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: ChangePasswordBody = body.decode()?;
    let (current, new) = body.check()?;
    let change = &services.people.change_password;
    change.change(&person.session, current, new, from.0).await?;
    Ok(envelope::ok(&DONE))
}

/// Sends another mail to verify an address. The answer is the same whatever the address.
#[utoipa::path(
    post, path = "/api/auth/resend-verification", tag = "Sign-in", operation_id = "consoleResendVerification",
    request_body = EmailBody,
    responses((status = 200, description = "A mail is sent if there is an account that needs one", body = inline(crate::openapi::Data<SuccessView>)))
)]
pub(in crate::api) async fn resend_verification(
    services: web::Data<Services>,
    from: ClientAddress,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: EmailBody = body.decode()?;
    let mail = &services.people.request_mail;
    mail.resend_verification(&body.check()?, from.0).await?;
    Ok(envelope::ok(&DONE))
}

/// Tells what a link to verify an address is good for. Looking changes nothing.
#[utoipa::path(
    get, path = "/api/auth/verify-email/validate", tag = "Sign-in", operation_id = "consoleCheckVerification",
    params(("token" = Option<String>, Query, description = "What the link carries")),
    responses((status = 200, description = "What it is good for", body = inline(crate::openapi::Data<LinkView>)))
)]
pub(in crate::api) async fn check_verification(
    services: web::Data<Services>,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let token = text_of(&query.field("token"));
    let state = services.people.verify_email.check(&token).await?;
    Ok(envelope::ok(&LinkView::from(state)))
}

/// Verifies an address. Nobody is signed in by it.
#[utoipa::path(
    post, path = "/api/auth/verify-email", tag = "Sign-in", operation_id = "consoleVerifyEmail",
    request_body = TokenBody,
    responses((status = 200, description = "The address is verified", body = inline(crate::openapi::Data<VerifiedView>)))
)]
pub(in crate::api) async fn verify_email(
    services: web::Data<Services>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: TokenBody = body.decode()?;
    let verified = services.people.verify_email.verify(&body.check()?).await?;
    Ok(envelope::ok(&VerifiedView {
        success: true,
        already_verified: verified == Verified::Already,
    }))
}

/// Sends a mail to reset the password. The answer is the same whatever the address.
#[utoipa::path(
    post, path = "/api/auth/forgot-password", tag = "Sign-in", operation_id = "consoleForgotPassword",
    request_body = EmailBody,
    responses((status = 200, description = "A mail is sent if there is such an account", body = inline(crate::openapi::Data<SuccessView>)))
)]
pub(in crate::api) async fn forgot_password(
    services: web::Data<Services>,
    from: ClientAddress,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: EmailBody = body.decode()?;
    let mail = &services.people.request_mail;
    mail.forgot_password(&body.check()?, from.0).await?;
    Ok(envelope::ok(&DONE))
}

/// Tells whether a link to reset a password can be used. Looking changes nothing.
#[utoipa::path(
    get, path = "/api/auth/reset-password/validate", tag = "Sign-in", operation_id = "consoleCheckReset",
    params(("token" = Option<String>, Query, description = "What the link carries")),
    responses((status = 200, description = "Whether it can, and until when", body = inline(crate::openapi::Data<ResetLinkView>)))
)]
pub(in crate::api) async fn check_reset(
    services: web::Data<Services>,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let token = text_of(&query.field("token"));
    let until = services.people.reset_password.check(&token).await?;
    Ok(envelope::ok(&ResetLinkView {
        valid: until.is_some(),
        expires_at: until.map(timestamp),
    }))
}

/// Sets the password. Every session of the account ends; nobody is signed in by it.
#[utoipa::path(
    post, path = "/api/auth/reset-password", tag = "Sign-in", operation_id = "consoleResetPassword",
    request_body = ResetBody,
    responses((status = 200, description = "It is set", body = inline(crate::openapi::Data<SuccessView>)))
)]
pub(in crate::api) async fn reset_password(
    services: web::Data<Services>,
    from: ClientAddress,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: ResetBody = body.decode()?;
    let (token, password) = body.check()?;
    services
        .people
        .reset_password
        .reset(&token, password, from.0)
        .await?;
    Ok(envelope::ok(&DONE))
}
