//! `/api/notifications`: what account holders were told about their plan and their webhooks.

use actix_web::{HttpResponse, web};
use msgflash_billing::{KeptNotice, NoticeId};
use msgflash_kernel::{AccountId, Cursor, Id};

pub mod view;

use self::view::NotificationPageView;
use super::auth::view::SuccessView;
use crate::api::policy::Person;
use crate::http::check::Need;
use crate::http::{Check, Problem, Query, envelope};
use crate::services::Services;

const DEFAULT_LIMIT: u32 = 20;
const MAX_LIMIT: u32 = 100;

/// Lists what the caller was told about their own account, newest first.
#[utoipa::path(
    get, path = "/api/notifications", tag = "Notifications", operation_id = "consoleListNotifications",
    params(
        ("limit" = Option<u32>, Query, description = "Notifications per page", minimum = 1, maximum = 100, example = 20),
        ("cursor" = Option<String>, Query, description = "The `nextCursor` of the page before"),
        ("unread" = Option<bool>, Query, description = "Whether to leave out those that were read"),
    ),
    responses((status = 200, description = "A page", body = inline(crate::openapi::Data<NotificationPageView>)))
)]
pub(in crate::api) async fn list(
    person: Person,
    services: web::Data<Services>,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let mut check = Check::default();
    let limit = check.count("limit", &query.field("limit"), DEFAULT_LIMIT, MAX_LIMIT);
    let (unread, after) = place(&mut check, &query);
    check.finish()?;
    let notices = &services.billing_desk.notices;
    let page = notices.list(account(&person), unread, after, limit).await?;
    let portal = &services.settings.portal_url;
    Ok(envelope::ok(&NotificationPageView::new(
        &page, limit, portal,
    )))
}

/// Notes that one was read. The first time stays.
#[utoipa::path(
    post, path = "/api/notifications/{id}/read", tag = "Notifications", operation_id = "consoleReadNotification",
    params(("id" = uuid::Uuid, Path, description = "The notification")),
    responses((status = 200, description = "It is noted", body = inline(crate::openapi::Data<SuccessView>)))
)]
pub(in crate::api) async fn read(
    person: Person,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let missing = || Problem::missing("Notification not found");
    let id = NoticeId::parse(&path).ok_or_else(missing)?;
    let (notices, now) = (&services.billing_desk.notices, services.clock.now());
    if !notices.read(account(&person), id, now).await? {
        return Err(missing());
    }
    Ok(envelope::ok(&SuccessView { success: true }))
}

/// Notes that all were read.
#[utoipa::path(
    post, path = "/api/notifications/read-all", tag = "Notifications", operation_id = "consoleReadAllNotifications",
    responses((status = 200, description = "It is noted", body = inline(crate::openapi::Data<SuccessView>)))
)]
pub(in crate::api) async fn read_all(
    person: Person,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let (notices, now) = (&services.billing_desk.notices, services.clock.now());
    notices.read_all(account(&person), now).await?;
    Ok(envelope::ok(&SuccessView { success: true }))
}

/// They are about what the person pays for, whatever team they are in.
fn account(person: &Person) -> AccountId {
    Id::new(person.session.user.uuid())
}

/// Whether those that were read are left out, and where the page begins.
fn place(check: &mut Check, query: &Query) -> (bool, Option<Cursor>) {
    let field = query.field("unread");
    let words = "true, false";
    let unread = check.word("unread", &field, Need::May, words, |it| it.parse().ok());
    let unread = unread.unwrap_or(false);
    let field = query.field("cursor");
    let is_key = |key: &str| NoticeId::parse(key).is_some();
    let after = field
        .valid()
        .map(|text| Cursor::given(text, KeptNotice::scope(unread), is_key));
    let after = after.transpose().unwrap_or_else(|_| {
        check.refuse("cursor", "invalid_cursor", "The cursor is not of this list");
        None
    });
    (unread, after)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    type Place = (bool, Option<Cursor>);

    fn placed(query: &str) -> Result<Place, Vec<(String, &'static str)>> {
        let mut check = Check::default();
        let found = place(&mut check, &Query::parse(query));
        let told = check.finish().map_err(|them| {
            let told = them.0.into_iter().map(|it| (it.field, it.code));
            told.collect()
        });
        told.map(|()| found)
    }

    #[test]
    fn a_cursor_is_of_the_list_it_was_made_for() {
        let id = NoticeId::new(Uuid::from_u128(7)).to_string();
        for unread in [false, true] {
            let cursor = Cursor::new(KeptNotice::scope(unread), id.clone());
            let text = cursor.encode();
            let asked = placed(&format!("unread={unread}&cursor={text}"));
            assert_eq!(asked, Ok((unread, Some(cursor))));
            let other = placed(&format!("unread={}&cursor={text}", !unread));
            let wrong = ("cursor".to_owned(), "invalid_cursor");
            assert_eq!(other, Err(vec![wrong]));
        }
        assert_eq!(placed(""), Ok((false, None)));
    }

    #[test]
    fn what_is_no_answer_to_yes_or_no_is_refused() {
        for odd in ["1", "yes", "TRUE"] {
            let asked = placed(&format!("unread={odd}"));
            let wrong = ("unread".to_owned(), "invalid_enum");
            assert_eq!(asked, Err(vec![wrong]), "{odd}");
        }
    }
}
