//! How notifications look.

use msgflash_billing::KeptNotice;
use msgflash_kernel::{Cursor, Page};
use msgflash_messaging::events::timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::billing::words;

/// Something the account holder was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Notification)]
pub struct NotificationView {
    /// Its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// `plan_changed`, `payment_failed`, `subscription_expired`, `quota_reached`, `webhook.gone` or
    /// `webhook.failing`; more may come.
    #[schema(example = "quota_reached")]
    pub r#type: String,
    /// What it says in a line.
    #[schema(example = "80 % of this month's messages are used")]
    pub title: String,
    /// The rest of it; may be empty.
    #[schema(example = "401 of 500 messages are used.")]
    pub body: String,
    /// Where the console has more about it.
    #[schema(example = "https://app.example.com/billing")]
    pub link: String,
    /// When it was first read.
    #[schema(format = DateTime)]
    pub read_at: Option<String>,
    /// When it became true.
    #[schema(format = DateTime)]
    pub created_at: String,
}

impl NotificationView {
    fn new(it: &KeptNotice, portal: &str) -> Self {
        Self {
            id: it.id.to_string(),
            r#type: it.kind.clone(),
            title: it.subject.clone(),
            body: words::body(&it.kind, &it.data),
            link: format!("{portal}{}", words::page(&it.kind)),
            read_at: it.read_at.map(timestamp),
            created_at: timestamp(it.at),
        }
    }
}

/// A page of notifications.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NotificationPage)]
pub struct NotificationPageView {
    /// Newest first.
    pub notifications: Vec<NotificationView>,
    /// For the next page; `null` on the last.
    pub next_cursor: Option<String>,
    /// Whether there are more.
    pub has_more: bool,
    /// Notifications per page.
    pub limit: u32,
}

impl NotificationPageView {
    /// The page as it is shown; `portal` is where the console's pages are, without a slash at the end.
    pub(super) fn new(page: &Page<KeptNotice>, limit: u32, portal: &str) -> Self {
        let notifications = page
            .items
            .iter()
            .map(|it| NotificationView::new(it, portal));
        Self {
            notifications: notifications.collect(),
            next_cursor: page.next.as_ref().map(Cursor::encode),
            has_more: page.next.is_some(),
            limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use msgflash_billing::NoticeKind;
    use msgflash_kernel::Id;
    use serde_json::Value;
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;

    fn shown(kind: &str, subject: &str, data: Value) -> NotificationView {
        let it = KeptNotice {
            id: Id::new(Uuid::nil()),
            kind: kind.to_owned(),
            subject: subject.to_owned(),
            data,
            at: datetime!(2026-05-12 08:00 UTC),
            read_at: Some(datetime!(2026-05-13 08:00 UTC)),
        };
        NotificationView::new(&it, "https://app.example.com")
    }

    #[test]
    fn a_notice_has_its_words_and_leads_where_something_can_be_done() {
        let kind = NoticeKind::Expired;
        let view = shown(kind.as_str(), &kind.subject(), kind.data());
        assert_eq!(
            (view.r#type.as_str(), view.title),
            ("subscription_expired", kind.subject())
        );
        assert!(!view.body.is_empty());
        assert_eq!(view.link, "https://app.example.com/billing");
        assert_eq!(view.created_at, "2026-05-12T08:00:00.000Z");
        assert_eq!(view.read_at.as_deref(), Some("2026-05-13T08:00:00.000Z"));
    }

    #[test]
    fn a_kind_of_a_later_version_has_its_title() {
        let view = shown("news", "New", Value::Null);
        assert_eq!((view.title.as_str(), view.body.as_str()), ("New", ""));
    }
}
