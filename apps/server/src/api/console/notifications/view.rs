//! How notifications look.

use msgflash_billing::KeptNotice;
use msgflash_kernel::{Cursor, Page};
use msgflash_messaging::events::timestamp;
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;

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
    #[schema(example = "400 of 500 are used. The count begins anew with the next month.")]
    pub body: String,
    /// Where the console has more about it.
    #[schema(example = "https://app.example.com/billing")]
    pub link: Option<String>,
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
            body: body(&it.kind, &it.data),
            link: screen(&it.kind).map(|screen| format!("{portal}{screen}")),
            read_at: it.read_at.map(timestamp),
            created_at: timestamp(it.at),
        }
    }
}

/// The screen of the console that a kind is about.
fn screen(kind: &str) -> Option<&'static str> {
    match kind {
        "plan_changed" | "payment_failed" | "subscription_expired" | "quota_reached" => {
            Some("/billing")
        }
        "webhook.gone" | "webhook.failing" => Some("/webhooks"),
        _ => None,
    }
}

/// What is told beyond the title. What this version does not know has a title alone.
fn body(kind: &str, data: &Value) -> String {
    let text = |name: &str| data[name].as_str().unwrap_or_default();
    match kind {
        "plan_changed" => {
            let (from, to) = (text("from"), text("to"));
            format!("{to} is in place of {from}.{}", losses(data))
        }
        "payment_failed" => {
            let until = data["usableUntil"].as_i64();
            let until = until.and_then(|it| OffsetDateTime::from_unix_timestamp(it).ok());
            let until = until.map_or_else(String::new, |it| format!(" until {}", it.date()));
            format!("Everything works{until}. After that nothing is sent until it is paid.")
        }
        "subscription_expired" => {
            "Nothing is sent any more. Reading works, and so does buying a plan.".to_owned()
        }
        "quota_reached" => {
            let number = |name: &str| data[name].as_u64().unwrap_or_default();
            let (used, limit) = (number("used"), number("limit"));
            format!("{used} of {limit} are used. The count begins anew with the next month.")
        }
        "webhook.gone" | "webhook.failing" => format!("{}: {}", text("url"), text("reason")),
        _ => String::new(),
    }
}

/// What the new plan has no place for.
fn losses(data: &Value) -> String {
    let losses = [
        ("suspendedInstances", "instances suspended"),
        ("revokedApiKeys", "API keys revoked"),
        ("disabledWebhooks", "webhooks switched off"),
    ];
    let losses = losses.into_iter().filter_map(|(name, what)| {
        let count = data[name].as_u64().filter(|count| *count > 0)?;
        Some(format!("{what}: {count}"))
    });
    let losses: Vec<_> = losses.collect();
    if losses.is_empty() {
        return String::new();
    }
    format!(" It has no place for all there was; {}.", losses.join(", "))
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
    use msgflash_billing::{Meter, NoticeKind, Threshold};
    use msgflash_kernel::Id;
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;

    fn shown(kind: &str, subject: String, data: Value) -> NotificationView {
        let it = KeptNotice {
            id: Id::new(Uuid::nil()),
            kind: kind.to_owned(),
            subject,
            data,
            at: datetime!(2026-05-12 08:00 UTC),
            read_at: None,
        };
        NotificationView::new(&it, "https://app.example.com")
    }

    fn told(kind: &NoticeKind) -> NotificationView {
        shown(kind.as_str(), kind.subject(), kind.data())
    }

    #[test]
    fn every_kind_about_plans_says_what_it_means_and_leads_to_billing() {
        let changed = NoticeKind::PlanChanged {
            from: "max".into(),
            to: "pro".into(),
            suspended: 3,
            revoked: 0,
            disabled: 1,
        };
        let failed = NoticeKind::PaymentFailed {
            usable_until: datetime!(2026-06-10 09:00 UTC),
        };
        let full = NoticeKind::QuotaReached {
            meter: Meter::Outbound,
            threshold: Threshold::Near,
            used: 401,
            limit: 500,
        };
        for (kind, words) in [
            (&changed, "pro is in place of max. It has no place for all there was; instances suspended: 3, webhooks switched off: 1."),
            (&failed, "Everything works until 2026-06-10. After that nothing is sent until it is paid."),
            (&NoticeKind::Expired, "Nothing is sent any more. Reading works, and so does buying a plan."),
            (&full, "401 of 500 are used. The count begins anew with the next month."),
        ] {
            let view = told(kind);
            assert_eq!(view.body, words);
            assert_eq!((view.r#type.as_str(), view.title), (kind.as_str(), kind.subject()));
            assert_eq!(view.link.as_deref(), Some("https://app.example.com/billing"));
        }
    }

    #[test]
    fn a_plan_with_a_place_for_everything_takes_nothing() {
        let view = told(&NoticeKind::PlanChanged {
            from: "free".into(),
            to: "pro".into(),
            suspended: 0,
            revoked: 0,
            disabled: 0,
        });
        assert_eq!(view.body, "pro is in place of free.");
    }

    #[test]
    fn a_webhook_is_named_with_the_reason() {
        let data = serde_json::json!({
            "webhookId": "w", "url": "https://a.test/h", "reason": "The receiver answered 410 Gone",
        });
        let view = shown("webhook.gone", "A webhook was switched off".into(), data);
        assert_eq!(view.body, "https://a.test/h: The receiver answered 410 Gone");
        assert_eq!(view.link.as_deref(), Some("https://app.example.com/webhooks"));
    }

    #[test]
    fn a_kind_of_a_later_version_has_its_title() {
        let view = shown("news", "New".into(), Value::Null);
        assert_eq!((view.title.as_str(), view.body.as_str(), view.link), ("New", "", None));
    }
}
