//! `/dev/mailbox`: the mail that was written, for whoever develops. Its links open accounts, so it is
//! there in development mode alone.

use actix_web::{HttpResponse, web};
use msgflash_accounts::KeptMail;
use msgflash_messaging::events::timestamp;
use serde::Serialize;

use super::routes::refuse_method;
use crate::http::{Problem, envelope};
use crate::services::Services;

/// How many mails are shown.
const SHOWN: u32 = 100;

/// A mail.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MailView {
    id: String,
    to: String,
    kind: String,
    subject: String,
    text: String,
    html: String,
    created_at: String,
    sent_at: Option<String>,
    failed_at: Option<String>,
    error: Option<String>,
}

impl From<KeptMail> for MailView {
    fn from(it: KeptMail) -> Self {
        Self {
            id: it.mail.id.to_string(),
            to: it.mail.recipient,
            kind: it.mail.kind,
            subject: it.mail.content.subject,
            text: it.mail.content.text,
            html: it.mail.content.html,
            created_at: timestamp(it.mail.created_at),
            sent_at: it.sent_at.map(timestamp),
            failed_at: it.failed_at.map(timestamp),
            error: it.error,
        }
    }
}

/// Adds the mailbox.
pub fn configure(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/dev/mailbox")
            .route(web::get().to(list))
            .default_service(refuse_method("GET".to_owned())),
    );
}

/// The newest mails, newest first.
async fn list(services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let mailbox = services.mailbox.as_ref();
    let mailbox = mailbox.ok_or_else(|| Problem::missing("There is nothing at this path"))?;
    let mails = mailbox.newest(SHOWN).await?;
    let mails: Vec<_> = mails.into_iter().map(MailView::from).collect();
    Ok(envelope::ok(&mails))
}
