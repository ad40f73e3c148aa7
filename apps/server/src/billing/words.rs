//! What notices say, in the console and by mail.

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

const DAY: &[BorrowedFormatItem<'_>] =
    format_description!("[day padding:none] [month repr:long] [year]");

const EXPIRED: &str = "Nothing is sent any more, and nothing was deleted. Choose a plan to go on.";

/// The text of a notice, of what it is stored with. Of a kind that is not known here there is none:
/// its subject says it all.
pub fn body(kind: &str, data: &Value) -> String {
    match kind {
        "plan_changed" => plan_changed(data),
        "payment_failed" => payment_failed(data),
        "subscription_expired" => EXPIRED.to_owned(),
        "quota_reached" => quota_reached(data),
        "webhook.gone" | "webhook.failing" => webhook_off(data),
        _ => String::new(),
    }
}

/// Where in the console something can be done about it.
pub fn page(kind: &str) -> &'static str {
    match kind {
        "webhook.gone" | "webhook.failing" => "/webhooks",
        _ => "/billing",
    }
}

fn plan_changed(data: &Value) -> String {
    let code = |key: &str| data[key].as_str().unwrap_or_default().to_owned();
    let (to, from) = (code("to"), code("from"));
    let mut said = vec![if to == from {
        format!("The plan {to} has other terms now.")
    } else {
        format!("The plan {to} holds now. Before it was {from}.")
    }];
    let lost = [
        ("suspendedInstances", "suspended", "instance"),
        ("revokedApiKeys", "revoked", "API key"),
        ("disabledWebhooks", "switched off", "webhook"),
    ];
    for (key, done, what) in lost {
        match data[key].as_u64().unwrap_or(0) {
            0 => {}
            1 => said.push(format!("One {what} was {done}.")),
            count => said.push(format!("{count} {what}s were {done}.")),
        }
    }
    said.join(" ")
}

fn payment_failed(data: &Value) -> String {
    let until = data["usableUntil"].as_i64();
    let until = until.and_then(|it| OffsetDateTime::from_unix_timestamp(it).ok());
    let until = until.and_then(|it| it.format(DAY).ok());
    match until {
        Some(day) => {
            format!("Everything works until {day}. After that nothing is sent until it is paid.")
        }
        None => "Everything works for a few days more.".to_owned(),
    }
}

fn quota_reached(data: &Value) -> String {
    let what = match data["meter"].as_str() {
        Some("api_requests") => "API requests",
        _ => "messages",
    };
    let count = |key: &str| data[key].as_u64().unwrap_or(0);
    let used = format!("{} of {} {what} are used.", count("used"), count("limit"));
    let then = if count("percent") >= 100 {
        "More are possible next month, or at once on a higher plan."
    } else {
        "When all are used, more are possible next month, or at once on a higher plan."
    };
    format!("{used} {then}")
}

fn webhook_off(data: &Value) -> String {
    let text = |key: &str| data[key].as_str().unwrap_or_default();
    let (url, reason) = (text("url"), text("reason"));
    format!("{url}: {reason}. Switch it on again when its receiver answers.")
}

#[cfg(test)]
mod tests {
    use msgflash_billing::{Meter, NoticeKind, Threshold};
    use time::macros::datetime;

    use super::*;

    fn said(kind: &NoticeKind) -> String {
        body(kind.as_str(), &kind.data())
    }

    #[test]
    fn a_lower_plan_tells_what_it_took() {
        let mut kind = NoticeKind::PlanChanged {
            from: "max".to_owned(),
            to: "pro".to_owned(),
            suspended: 2,
            revoked: 1,
            disabled: 0,
        };
        assert_eq!(
            said(&kind),
            "The plan pro holds now. Before it was max. 2 instances were suspended. \
             One API key was revoked."
        );
        if let NoticeKind::PlanChanged {
            suspended, revoked, ..
        } = &mut kind
        {
            (*suspended, *revoked) = (0, 0);
        }
        assert_eq!(said(&kind), "The plan pro holds now. Before it was max.");
    }

    #[test]
    fn other_terms_of_the_same_plan_tell_what_they_took() {
        let kind = NoticeKind::PlanChanged {
            from: "pro".to_owned(),
            to: "pro".to_owned(),
            suspended: 0,
            revoked: 0,
            disabled: 2,
        };
        assert_eq!(
            said(&kind),
            "The plan pro has other terms now. 2 webhooks were switched off."
        );
    }

    #[test]
    fn a_missing_payment_tells_until_when_everything_works() {
        let usable_until = datetime!(2026-06-08 10:00 UTC);
        let told = said(&NoticeKind::PaymentFailed { usable_until });
        assert!(told.contains("until 8 June 2026"), "{told}");
    }

    #[test]
    fn what_is_used_is_told_in_numbers() {
        let of = |meter, threshold, used| NoticeKind::QuotaReached {
            meter,
            threshold,
            used,
            limit: 500,
        };
        let near = said(&of(Meter::Outbound, Threshold::Near, 401));
        assert!(near.starts_with("401 of 500 messages are used."), "{near}");
        let full = said(&of(Meter::ApiRequests, Threshold::Full, 500));
        assert!(
            full.starts_with("500 of 500 API requests are used. More"),
            "{full}"
        );
    }

    #[test]
    fn a_webhook_that_is_off_is_named_with_the_reason() {
        let data =
            serde_json::json!({ "url": "https://shop.test/hook", "reason": "It answered 410" });
        assert_eq!(
            body("webhook.gone", &data),
            "https://shop.test/hook: It answered 410. Switch it on again when its receiver answers."
        );
    }

    #[test]
    fn every_kind_about_plans_has_a_text_and_a_page() {
        assert!(!said(&NoticeKind::Expired).is_empty());
        assert_eq!(page(NoticeKind::Expired.as_str()), "/billing");
        assert_eq!(body("something.new", &Value::Null), "");
    }
}
