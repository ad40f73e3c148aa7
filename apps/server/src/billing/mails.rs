//! Notices by mail.

use std::sync::Arc;

use msgflash_accounts::{Draft, OutgoingMail, PortalLinks, SignInUnits};
use msgflash_billing::{MailNotice, NoticeQueue};
use msgflash_kernel::{Clock, Id, StoreError, Tick};
use time::{Duration, OffsetDateTime};

use super::words;

/// How many are written in one step.
const AT_ONCE: u32 = 50;
/// How long nobody else writes those that are being written.
const LEASE: Duration = Duration::minutes(2);

/// Writes a mail for each notice that is to go out by mail, and hands it to whoever sends mail.
///
/// A mail has the id of its notice, and one that is there already is not written again: whatever
/// stops this between the two steps, there is one mail.
pub struct MailNotices {
    queue: Arc<dyn NoticeQueue>,
    units: Arc<dyn SignInUnits>,
    links: PortalLinks,
    clock: Arc<dyn Clock>,
}

impl MailNotices {
    /// Wires the use case.
    pub fn new(
        queue: Arc<dyn NoticeQueue>,
        units: Arc<dyn SignInUnits>,
        links: PortalLinks,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            queue,
            units,
            links,
            clock,
        }
    }

    /// Writes some mails.
    pub async fn tick(&self) -> Result<Tick, StoreError> {
        let now = self.clock.now();
        let notices = self.queue.claim(now, now + LEASE, AT_ONCE).await?;
        for notice in &notices {
            self.write(notice, now).await?;
            self.queue.mailed(notice.id).await?;
        }
        Ok(Tick::of(notices.len()))
    }

    async fn write(&self, notice: &MailNotice, now: OffsetDateTime) -> Result<(), StoreError> {
        let id = Id::new(notice.id.uuid());
        let user = Id::new(notice.account.uuid());
        let draft = draft(notice, &self.links);
        let mail = OutgoingMail::new(id, Some(user), notice.email.clone(), &draft, now);
        let mut unit = self.units.begin().await?;
        unit.mails().queue(&mail).await?;
        unit.commit().await
    }
}

fn draft(notice: &MailNotice, links: &PortalLinks) -> Draft {
    let product = links.product();
    let account = format!("This is about your {product} account.");
    let body = words::body(&notice.kind, &notice.data);
    let said = [format!("{}.", notice.subject), body, account];
    Draft {
        kind: kind(&notice.kind),
        subject: format!("{product}: {}", notice.subject),
        before: said.into_iter().filter(|it| !it.is_empty()).collect(),
        link: Some((
            "Plan and payments".to_owned(),
            links.page(words::page(&notice.kind)),
        )),
        after: Vec::new(),
        counts_for: None,
    }
}

/// Mails name their sort by a word of the code.
fn kind(stored: &str) -> &'static str {
    match stored {
        "plan_changed" => "plan_changed",
        "payment_failed" => "payment_failed",
        "subscription_expired" => "subscription_expired",
        "quota_reached" => "quota_reached",
        _ => "notice",
    }
}

#[cfg(test)]
mod tests {
    use msgflash_billing::{MockNoticeQueue, NoticeId, NoticeKind};
    use msgflash_kernel::FixedClock;
    use uuid::Uuid;

    use super::*;
    use crate::testing::mailing::{Mailing, Queued};
    use crate::testing::samples::NOW;

    fn notice() -> MailNotice {
        let kind = NoticeKind::Expired;
        MailNotice {
            id: NoticeId::new(Uuid::from_u128(7)),
            account: Id::new(Uuid::from_u128(1)),
            kind: kind.as_str().to_owned(),
            subject: kind.subject(),
            data: kind.data(),
            at: NOW,
            email: "lea@shop.test".to_owned(),
            name: "Lea Roy".to_owned(),
        }
    }

    fn mails(queue: MockNoticeQueue, queued: &Queued) -> MailNotices {
        let links = PortalLinks::new("https://app.shop.test");
        let units = Arc::new(Mailing(queued.clone()));
        let clock = Arc::new(FixedClock::at(NOW));
        MailNotices::new(Arc::new(queue), units, links, clock)
    }

    #[tokio::test]
    async fn a_notice_becomes_a_mail_with_its_id_and_a_link_to_the_plans() {
        let mut queue = MockNoticeQueue::new();
        queue
            .expect_claim()
            .withf(|now, until, _| *now == NOW && *until > NOW)
            .returning(|_, _, _| Ok(vec![notice()]));
        queue.expect_mailed().times(1).returning(|_| Ok(()));
        let queued = Queued::default();
        let done = mails(queue, &queued).tick().await.expect("no failure");
        assert_eq!(done, Tick::Did(1));
        let sent = queued.lock().expect("no panic").clone();
        let [mail] = sent.as_slice() else {
            panic!("{sent:?}");
        };
        assert_eq!(mail.id.uuid(), notice().id.uuid());
        assert_eq!(mail.recipient, "lea@shop.test");
        assert_eq!(mail.kind, "subscription_expired");
        assert!(mail.content.text.contains("https://app.shop.test/billing"));
        // Whoever chose the name may have chosen somebody else's address.
        assert!(!mail.content.text.contains("Lea"));
    }

    #[tokio::test]
    async fn a_mail_that_could_not_be_kept_is_not_taken_for_sent() {
        let mut queue = MockNoticeQueue::new();
        queue.expect_claim().returning(|_, _, _| Ok(vec![notice()]));
        queue.expect_mailed().never();
        let links = PortalLinks::new("https://app.shop.test");
        let units = Arc::new(crate::testing::mailing::NoUnits);
        let clock = Arc::new(FixedClock::at(NOW));
        let mails = MailNotices::new(Arc::new(queue), units, links, clock);
        assert!(mails.tick().await.is_err());
    }
}
