//! What a campaign would do, without making it.

use std::collections::HashSet;

use msgflash_quotas::Period;
use time::{Duration, OffsetDateTime};

use super::audience::Place;
use super::create::{CampaignOrder, CreateCampaign, campaign_of};
use super::error::CampaignError;
use super::estimate::{self, Caps, Speed};
use super::guidance::CampaignSafety;
use super::make::{self, Made, Material};
use super::recipient::Skip;
use crate::message::Message;

/// Entries of an audience that are looked at in one go.
const SLICE: u32 = 5000;
/// Messages and failures that are shown.
pub const SHOWN: usize = 5;

/// What a campaign would do.
#[derive(Clone, Debug, PartialEq)]
pub struct CampaignPreview {
    /// Different recipients, also those who would be left out.
    pub recipients: u64,
    /// Contacts that were met more than once.
    pub duplicates: u64,
    /// Recipients who do not want messages.
    pub suppressed: u64,
    /// Recipients for whom the template cannot be rendered.
    pub unrenderable: u64,
    /// Some messages as they would be sent.
    pub samples: Vec<Message>,
    /// Some that could not be, with their reasons.
    pub failures: Vec<Message>,
    /// Messages that would be charged.
    pub quota_needed: u64,
    /// What the month has left; `None` without a limit.
    pub quota_left: Option<u64>,
    /// How long sending takes, without regard to hours.
    pub duration: Duration,
    /// When the first message would be sent.
    pub starts_at: OffsetDateTime,
    /// When the last one would be; `None` when that is more than a year away.
    pub ends_at: Option<OffsetDateTime>,
    /// The guidance.
    pub safety: CampaignSafety,
}

/// Counts while the audience goes by.
#[derive(Default)]
struct Count {
    met: HashSet<msgflash_kernel::Phone>,
    duplicates: u64,
    suppressed: u64,
    unrenderable: u64,
    samples: Vec<Message>,
    failures: Vec<Message>,
}

impl CreateCampaign {
    /// Tells what a campaign would do, and refuses what making it would refuse, but for a month that is
    /// used up: how much is left is part of the answer. Stores nothing. Numbers wait `gap` between two calls
    /// at least, and send no faster than their guidance says where that is enforced.
    pub async fn preview(
        &self,
        order: CampaignOrder,
        gap: Duration,
        enforces_caps: bool,
    ) -> Result<CampaignPreview, CampaignError> {
        let found = self.check(&order).await?;
        let now = self.ports.clock.now();
        let safety = self.guidance(&order, &found.instance, now).await?;
        let actor = order.actor;
        let campaign = campaign_of(order, now);
        let mut count = Count {
            duplicates: campaign.audience.repeated(),
            ..Count::default()
        };
        let mut place = Some(Place::START);
        while let Some(from) = place {
            let workspace = campaign.workspace.id;
            let audience = &campaign.audience;
            let walk = self.ports.audiences.walk(workspace, audience, from, SLICE);
            let (slice, next) = walk.await?;
            for recipient in slice {
                if !count.met.insert(recipient.phone) {
                    count.duplicates += 1;
                    continue;
                }
                let is_known = count.samples.len() >= SHOWN && is_same_for_all(&found.material);
                if is_known && !recipient.is_suppressed {
                    continue;
                }
                let material = &found.material;
                let made = make::make(&campaign, material, &found.instance, recipient, now);
                count.note(made.made);
            }
            place = next;
        }
        let recipients = count.met.len() as u64;
        let needed = recipients - count.suppressed - count.unrenderable;
        let starts_at = start(&campaign, now);
        let mut caps = None;
        if enforces_caps {
            let window = self.ports.instances.window(found.instance.id).await?;
            caps = Some(Caps::of(&safety.limits, &window).after(starts_at - now));
        }
        let speed = Speed::of(gap, caps);
        Ok(CampaignPreview {
            recipients,
            duplicates: count.duplicates,
            suppressed: count.suppressed,
            unrenderable: count.unrenderable,
            samples: count.samples,
            failures: count.failures,
            quota_needed: needed,
            quota_left: self.left(&actor, now).await?,
            duration: speed.time_for(needed),
            starts_at,
            ends_at: end(&campaign, needed, speed, starts_at),
            safety,
        })
    }

    async fn left(
        &self,
        actor: &msgflash_kernel::Actor,
        now: OffsetDateTime,
    ) -> Result<Option<u64>, CampaignError> {
        let account = actor.workspace.account;
        let allowances = self.ports.allowances.allowances(&[account], now).await?;
        let Some(limit) = allowances.first().and_then(|it| it.outbound) else {
            return Ok(None);
        };
        let used = self.ports.usage.usage(account, Period::of(now)).await?;
        Ok(Some(
            u64::from(limit).saturating_sub(used.outbound() + used.reserved),
        ))
    }
}

impl Count {
    fn note(&mut self, made: Made) {
        match made {
            Made::Ready(message) => {
                if self.samples.len() < SHOWN {
                    self.samples.push(message);
                }
            }
            Made::Failed(message) => {
                self.unrenderable += 1;
                if self.failures.len() < SHOWN {
                    self.failures.push(message);
                }
            }
            Made::Skipped(Skip::OptedOut) => self.suppressed += 1,
            Made::Skipped(_) => {}
        }
    }
}

/// Whether everybody gets the same, so that some samples tell of all.
fn is_same_for_all(material: &Material) -> bool {
    match material {
        Material::Direct(_) => true,
        Material::Template(template, _) => !template.depends_on_recipient(),
    }
}

/// When it would begin.
fn start(campaign: &super::Campaign, now: OffsetDateTime) -> OffsetDateTime {
    let planned = campaign.schedule.max(now);
    let window = campaign.window.as_ref();
    let opens = window.and_then(|it| it.open_at_or_after(planned));
    opens.map_or(planned, |(from, _)| from.max(planned))
}

/// When it would end that begins at `from`.
fn end(
    campaign: &super::Campaign,
    needed: u64,
    speed: Speed,
    from: OffsetDateTime,
) -> Option<OffsetDateTime> {
    let ends = estimate::end(needed, speed, campaign.window.as_ref(), from);
    ends.map(|at| campaign.send_by.map_or(at, |by| at.min(by)))
}
