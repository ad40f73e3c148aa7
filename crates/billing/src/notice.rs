//! What account holders are told about their plan: in the console, and by mail.

use msgflash_kernel::{AccountId, Cursor, Id};
use serde_json::{Value, json};
use time::OffsetDateTime;

/// Marker of [`NoticeId`].
pub enum NoticeMark {}
/// The id of a notice.
pub type NoticeId = Id<NoticeMark>;

/// What is used up month by month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Meter {
    /// Messages and statuses.
    Outbound,
    /// Public API requests.
    ApiRequests,
}

impl Meter {
    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Outbound => "outbound",
            Self::ApiRequests => "api_requests",
        }
    }
}

/// How much of a meter is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Threshold {
    /// 80 %.
    Near,
    /// 100 %.
    Full,
}

impl Threshold {
    /// In percent.
    pub const fn percent(self) -> u8 {
        match self {
            Self::Near => 80,
            Self::Full => 100,
        }
    }

    /// The highest one that is reached. Where nothing is limited, or nothing allowed, there is
    /// nothing to warn of.
    pub fn reached(used: u64, limit: Option<u32>) -> Option<Self> {
        let limit = u128::from(limit.filter(|limit| *limit > 0)?);
        let used = u128::from(used) * 100;
        [Self::Full, Self::Near]
            .into_iter()
            .find(|it| used >= limit * u128::from(it.percent()))
    }

    /// What is to be told now, when `told` is the highest that was told in this period: each at most
    /// once, and none below one that is reached at the same time.
    pub fn newly(used: u64, limit: Option<u32>, told: Option<Self>) -> Option<Self> {
        Self::reached(used, limit).filter(|reached| told.is_none_or(|told| told < *reached))
    }
}

/// What there is to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// Another plan holds.
    PlanChanged {
        /// The code of the plan before.
        from: String,
        /// The code of the plan that holds.
        to: String,
        /// Instances that are suspended by it.
        suspended: usize,
        /// Keys that are revoked by it.
        revoked: usize,
        /// Endpoints that are switched off by it.
        disabled: usize,
    },
    /// A payment is missing.
    PaymentFailed {
        /// Until when everything works all the same.
        usable_until: OffsetDateTime,
    },
    /// The grace is over: nothing is sent any more.
    Expired,
    /// Much of a month's allowance is used.
    QuotaReached {
        /// Of what.
        meter: Meter,
        /// How much.
        threshold: Threshold,
        /// What was used.
        used: u64,
        /// What the plan allows.
        limit: u32,
    },
}

impl NoticeKind {
    /// The stored and published name.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::PlanChanged { .. } => "plan_changed",
            Self::PaymentFailed { .. } => "payment_failed",
            Self::Expired => "subscription_expired",
            Self::QuotaReached { .. } => "quota_reached",
        }
    }

    /// What it says in a line, for people.
    pub fn subject(&self) -> String {
        match self {
            Self::PlanChanged { .. } => "Your plan has changed".to_owned(),
            Self::PaymentFailed { .. } => "A payment is missing".to_owned(),
            Self::Expired => "Your subscription has expired".to_owned(),
            Self::QuotaReached {
                meter, threshold, ..
            } => {
                let what = match meter {
                    Meter::Outbound => "messages",
                    Meter::ApiRequests => "API requests",
                };
                format!("{} % of this month's {what} are used", threshold.percent())
            }
        }
    }

    /// What the text is made of.
    pub fn data(&self) -> Value {
        match self {
            Self::PlanChanged {
                from,
                to,
                suspended,
                revoked,
                disabled,
            } => json!({
                "from": from, "to": to, "suspendedInstances": suspended,
                "revokedApiKeys": revoked, "disabledWebhooks": disabled,
            }),
            Self::PaymentFailed { usable_until } => {
                json!({ "usableUntil": usable_until.unix_timestamp() })
            }
            Self::Expired => json!({}),
            Self::QuotaReached {
                meter,
                threshold,
                used,
                limit,
            } => json!({
                "meter": meter.as_str(), "percent": threshold.percent(), "used": used, "limit": limit,
            }),
        }
    }
}

/// One notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its id.
    pub id: NoticeId,
    /// Whom it is for.
    pub account: AccountId,
    /// What it says.
    pub kind: NoticeKind,
    /// When it became true.
    pub at: OffsetDateTime,
}

/// A notice that is to go out by mail, and to whom.
#[derive(Clone, Debug, PartialEq)]
pub struct MailNotice {
    /// The notice.
    pub id: NoticeId,
    /// Whose it is.
    pub account: AccountId,
    /// The stored name of what it says.
    pub kind: String,
    /// What it says in a line.
    pub subject: String,
    /// What the text is made of, as [`NoticeKind::data`] gives it.
    pub data: Value,
    /// When it became true.
    pub at: OffsetDateTime,
    /// The address of the account's holder.
    pub email: String,
    /// Their name.
    pub name: String,
}

/// A notice as the console shows it. Not all are about plans: others write theirs where these are.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptNotice {
    /// The notice.
    pub id: NoticeId,
    /// The stored name of what it says.
    pub kind: String,
    /// What it says in a line.
    pub subject: String,
    /// What its text is made of.
    pub data: Value,
    /// When it became true.
    pub at: OffsetDateTime,
    /// When it was first read.
    pub read_at: Option<OffsetDateTime>,
}

impl KeptNotice {
    /// Names a list of notices, for its cursors: of all, or of those that nobody has read.
    pub const fn scope(is_unread: bool) -> &'static str {
        if is_unread {
            "notices|unread"
        } else {
            "notices"
        }
    }

    /// Where a page of that list ends, when this is its last.
    pub fn cursor(&self, is_unread: bool) -> Cursor {
        Cursor::new(Self::scope(is_unread), self.id.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::Threshold::{Full, Near};
    use super::*;

    #[test]
    fn thresholds_are_reached_exactly() {
        assert_eq!(Threshold::reached(399, Some(500)), None);
        assert_eq!(Threshold::reached(400, Some(500)), Some(Near));
        assert_eq!(Threshold::reached(499, Some(500)), Some(Near));
        assert_eq!(Threshold::reached(500, Some(500)), Some(Full));
        // 80 % of 3 is 2.4.
        assert_eq!(Threshold::reached(2, Some(3)), None);
        assert_eq!(Threshold::reached(u64::MAX, Some(u32::MAX)), Some(Full));
    }

    #[test]
    fn nothing_is_told_where_there_is_no_limit() {
        assert_eq!(Threshold::reached(1_000_000, None), None);
        assert_eq!(Threshold::reached(0, Some(0)), None);
    }

    #[test]
    fn each_is_told_once_and_a_jump_tells_the_last_alone() {
        let newly = |used, told| Threshold::newly(used, Some(100), told);
        assert_eq!(newly(85, None), Some(Near));
        assert_eq!(newly(99, Some(Near)), None);
        assert_eq!(newly(100, Some(Near)), Some(Full));
        assert_eq!(newly(150, None), Some(Full));
        assert_eq!(newly(150, Some(Full)), None);
        // A higher plan in the same month: what was told stays told.
        assert_eq!(newly(85, Some(Full)), None);
    }
}
