//! `/api/auth/google`: signing in with Google. Browsers come here themselves, so every answer sends
//! them on, and none says why somebody is not signed in: that is for the log.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, COOKIE, LOCATION, REFERRER_POLICY, SET_COOKIE};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use msgflash_accounts::elsewhere::start::LIFE;
use msgflash_accounts::{Answer, RedirectError, SignedIn};
use msgflash_kernel::{Fault as _, Kind, Secret};

use super::body::text_of;
use crate::api::client_address::ClientAddress;
use crate::http::Query;
use crate::services::{Services, Settings};

/// Sends the browser to Google, from where it comes back to `/api/auth/google/callback`. When that cannot
/// be, it goes on as if it had come back in vain.
#[utoipa::path(
    get, path = "/api/auth/google", tag = "Sign-in", operation_id = "consoleGoogle",
    responses((status = 302, description = "To Google, or to `<portal>/auth/callback?error=oauth_failed`",
        headers(("Location" = String, description = "Where the browser goes"))))
)]
pub(in crate::api) async fn start(
    services: web::Data<Services>,
    from: ClientAddress,
    request: HttpRequest,
) -> HttpResponse {
    let settings = &services.settings;
    let Some(google) = &services.people.elsewhere else {
        // Anybody may come here as often as they like.
        tracing::debug!("nobody can sign in with Google: google_client_id is not set");
        return failed(settings);
    };
    if !is_a_person(&request) {
        return failed(settings);
    }
    match google.start(from.0).await {
        Ok((url, start)) => to(&url)
            .insert_header((
                SET_COOKIE,
                kept(settings, start.kept(), LIFE.whole_seconds()),
            ))
            .finish(),
        Err(error) => {
            log(&error);
            failed(settings)
        }
    }
}

/// Takes the browser back from Google and sends it on to the console, with a token or without.
#[utoipa::path(
    get, path = "/api/auth/google/callback", tag = "Sign-in", operation_id = "consoleGoogleCallback",
    params(
        ("code" = Option<String>, Query, description = "What Google gives for a sign-in"),
        ("state" = Option<String>, Query, description = "What was given to Google"),
        ("error" = Option<String>, Query, description = "What Google says instead of a code"),
    ),
    responses((status = 302, description = "To `<portal>/auth/callback?token=<token>`, or, whatever went wrong, to \
            `<portal>/auth/callback?error=oauth_failed`",
        headers(("Location" = String, description = "Where the browser goes"))))
)]
pub(in crate::api) async fn finish(
    services: web::Data<Services>,
    request: HttpRequest,
    query: Query,
) -> HttpResponse {
    let settings = &services.settings;
    match signed_in(&services, answer(settings, &request, &query)).await {
        Ok(signed_in) => {
            let token = signed_in.token.reveal();
            to(&format!(
                "{}/auth/callback?token={token}",
                settings.portal_url
            ))
            .insert_header((SET_COOKIE, kept(settings, "", 0)))
            .finish()
        }
        Err(error) => {
            log(&error);
            failed(settings)
        }
    }
}

async fn signed_in(services: &Services, answer: Answer) -> Result<SignedIn, RedirectError> {
    let google = services.people.elsewhere.as_ref();
    google
        .ok_or(RedirectError::NotStarted)?
        .finish(answer)
        .await
}

/// What the browser brought.
fn answer(settings: &Settings, request: &HttpRequest, query: &Query) -> Answer {
    let error = text_of(&query.field("error"));
    Answer {
        kept: cookie(request, cookie_name(settings)).map(Secret::new),
        state: text_of(&query.field("state")),
        code: if error.is_empty() {
            Ok(Secret::new(text_of(&query.field("code"))))
        } else {
            Err(name_of(error))
        },
    }
}

/// The name of an error as the protocol knows them; anybody may write anything there, also into a log.
fn name_of(error: String) -> String {
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    if error.len() <= 40 && error.bytes().all(is_name) {
        error
    } else {
        "an error without a name".to_owned()
    }
}

/// Whether somebody goes here, as far as the browser tells: not a picture in a page of others, which
/// would use up the tries of everybody behind that network, nor a look ahead.
fn is_a_person(request: &HttpRequest) -> bool {
    let said = |name: &str| request.headers().get(name)?.to_str().ok();
    said("sec-fetch-mode").is_none_or(|mode| mode == "navigate")
        && said("sec-fetch-dest").is_none_or(|place| place == "document")
        && said("sec-purpose").is_none()
}

/// Where the console says that nobody is signed in.
fn failed(settings: &Settings) -> HttpResponse {
    to(&format!(
        "{}/auth/callback?error=oauth_failed",
        settings.portal_url
    ))
    .finish()
}

/// Sends a browser on, so that nobody hears where it was and what it carried.
fn to(url: &str) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(StatusCode::FOUND);
    response
        .insert_header((LOCATION, url))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((REFERRER_POLICY, "no-referrer"));
    response
}

fn is_secure(settings: &Settings) -> bool {
    settings.public_url.starts_with("https://")
}

/// With the prefix browsers let nobody but this host set it, and send it to nobody else.
fn cookie_name(settings: &Settings) -> &'static str {
    if is_secure(settings) {
        "__Host-msgflash_sign_in"
    } else {
        "msgflash_sign_in"
    }
}

/// The cookie with what the browser keeps. It comes along when Google sends the browser back, and with
/// nothing that another site does inside of a page.
fn kept(settings: &Settings, value: &str, seconds: i64) -> String {
    let name = cookie_name(settings);
    let secure = if is_secure(settings) { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
}

/// A cookie's value.
fn cookie(request: &HttpRequest, name: &str) -> Option<String> {
    let headers = request.headers().get_all(COOKIE);
    let pairs = headers.filter_map(|it| it.to_str().ok());
    pairs
        .flat_map(|it| it.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value.to_owned())
}

/// Says once why nobody was signed in. Causes hold no code, no token and no address.
fn log(error: &RedirectError) {
    let mut causes = Vec::new();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    let causes = causes.join(": ");
    let what = "nobody was signed in with Google";
    match error.kind() {
        Kind::Internal => tracing::error!(error = %error, causes, "{what}"),
        Kind::Unavailable => tracing::warn!(error = %error, causes, "{what}"),
        Kind::Limited(_) => tracing::info!(error = %error, "{what}"),
        _ if matches!(error, RedirectError::NotStarted) => {
            tracing::debug!(error = %error, "{what}");
        }
        _ => tracing::info!(error = %error, "{what}"),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;
    use crate::services::Targets;

    fn settings(public_url: &str) -> Settings {
        Settings {
            rate_per_second: 10,
            console_rate_per_second: 20,
            portal: None,
            portal_url: "https://app.example.com".to_owned(),
            behind_proxy: false,
            targets: Targets {
                allow_private: false,
            },
            public_url: public_url.to_owned(),
        }
    }

    #[test]
    fn over_https_the_cookie_is_for_this_host_alone() {
        assert_eq!(
            kept(&settings("https://api.example.com"), "abc", 600),
            "__Host-msgflash_sign_in=abc; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure"
        );
        assert_eq!(
            kept(&settings("http://127.0.0.1:4080"), "", 0),
            "msgflash_sign_in=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
        );
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let request = TestRequest::default()
            .insert_header((COOKIE, "theme=dark; msgflash_sign_in=abc; x"))
            .to_http_request();
        assert_eq!(cookie(&request, "msgflash_sign_in").as_deref(), Some("abc"));
        assert_eq!(cookie(&request, "sign_in"), None);
    }

    #[test]
    fn pictures_in_pages_of_others_are_nobody() {
        let is_a_person = |headers: &[(&'static str, &'static str)]| {
            let mut request = TestRequest::default();
            for header in headers {
                request = request.insert_header(*header);
            }
            is_a_person(&request.to_http_request())
        };
        let going = [
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ];
        assert!(is_a_person(&going));
        // An older browser, or a program.
        assert!(is_a_person(&[]));
        for odd in [
            ("sec-fetch-mode", "no-cors"),
            ("sec-fetch-dest", "iframe"),
            ("sec-purpose", "prefetch"),
        ] {
            assert!(!is_a_person(&[odd]), "{odd:?}");
        }
    }

    #[test]
    fn only_names_of_errors_are_repeated() {
        assert_eq!(name_of("access_denied".to_owned()), "access_denied");
        for odd in ["a\nline", "code=secret", "x".repeat(41).as_str()] {
            assert!(!name_of(odd.to_owned()).contains(odd));
        }
    }
}
