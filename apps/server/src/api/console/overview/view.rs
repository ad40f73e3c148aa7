//! How what screens begin with looks.

use msgflash_contacts::{ContactEntry, Group};
use msgflash_messaging::events::timestamp;
use msgflash_messaging::message::overview::{Statistics, Tally, digits};
use msgflash_messaging::{Campaign, CampaignStatus, Instance, InstanceStatus, Message};
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

/// How much of a message's text is shown.
const EXCERPT: usize = 120;

/// Something that was found.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SearchHit)]
pub struct HitView {
    /// `contact`, `group`, `message`, `campaign` or `instance`.
    #[serde(rename = "type")]
    #[schema(example = "contact")]
    pub kind: &'static str,
    /// Its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// A name, a number, or the beginning of a text.
    #[schema(example = "Lina Moreau")]
    pub title: String,
    /// What tells it from others of that title.
    #[schema(example = "+33698765432")]
    pub subtitle: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created_at: String,
}

impl HitView {
    fn new(
        kind: &'static str,
        id: &impl ToString,
        title: String,
        subtitle: Option<String>,
        created_at: OffsetDateTime,
    ) -> Self {
        Self {
            kind,
            id: id.to_string(),
            title,
            subtitle,
            created_at: timestamp(created_at),
        }
    }
}

impl From<&ContactEntry> for HitView {
    fn from(it: &ContactEntry) -> Self {
        let it = &it.contact;
        let phone = it.phone.to_string();
        Self::new(
            "contact",
            &it.id,
            it.name.clone(),
            Some(phone),
            it.created_at,
        )
    }
}

impl From<&Group> for HitView {
    fn from(it: &Group) -> Self {
        let title = it.name.clone();
        Self::new(
            "group",
            &it.id,
            title,
            it.description.clone(),
            it.created_at,
        )
    }
}

impl From<&Message> for HitView {
    fn from(it: &Message) -> Self {
        let peer = it.peer.map(|peer| peer.to_string());
        let text = it.body.as_deref().unwrap_or_default();
        let mut letters = text.chars();
        let mut title: String = letters.by_ref().take(EXCERPT).collect();
        if letters.next().is_some() {
            title.push('…');
        }
        if title.is_empty() {
            it.kind.as_str().clone_into(&mut title);
        }
        Self::new("message", &it.id, title, peer, it.created_at)
    }
}

impl From<&Campaign> for HitView {
    fn from(it: &Campaign) -> Self {
        let status = Some(it.status.as_str().to_owned());
        Self::new("campaign", &it.id, it.name.clone(), status, it.created_at)
    }
}

impl From<&Instance> for HitView {
    fn from(it: &Instance) -> Self {
        let number = it.wa_number.map(|number| number.to_string());
        Self::new("instance", &it.id, it.name.clone(), number, it.created_at)
    }
}

/// Whether an instance is meant by what somebody typed.
pub(super) fn is_meant(it: &Instance, text: &str) -> bool {
    let number = it.wa_number.zip(digits(text));
    it.name.to_lowercase().contains(&text.to_lowercase())
        || number.is_some_and(|(number, digits)| number.digits().contains(&digits))
}

/// What was found, by kind.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SearchSections)]
pub struct SectionsView {
    /// Contacts, by name or number.
    pub contacts: Vec<HitView>,
    /// Groups, by name or description.
    pub groups: Vec<HitView>,
    /// Messages, by text or number, newest first.
    pub messages: Vec<HitView>,
    /// Campaigns, by name.
    pub campaigns: Vec<HitView>,
    /// Instances, by name or number.
    pub instances: Vec<HitView>,
}

impl SectionsView {
    /// All of them, in the order of the sections.
    pub(super) fn together(&self) -> Vec<HitView> {
        let all = [
            &self.contacts,
            &self.groups,
            &self.messages,
            &self.campaigns,
            &self.instances,
        ];
        all.into_iter().flatten().cloned().collect()
    }
}

/// What a search came to.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SearchResults)]
pub struct SearchView {
    /// What was searched for.
    #[schema(example = "lina")]
    pub query: String,
    /// Most of each kind.
    #[schema(example = 5)]
    pub limit: u32,
    /// By kind.
    pub sections: SectionsView,
    /// Together, in the order of the sections.
    pub results: Vec<HitView>,
}

/// Which first steps are done.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Onboarding)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a published set of independent steps"
)]
pub struct OnboardingView {
    /// There is an instance.
    pub has_instance: bool,
    /// One is connected.
    pub has_connected_instance: bool,
    /// There is an active API key of the workspace.
    pub has_api_key: bool,
    /// There is a webhook endpoint.
    pub has_webhook: bool,
    /// A message has left.
    pub has_sent_message: bool,
    /// There is a campaign.
    pub has_campaign: bool,
    /// The code of the plan.
    #[schema(example = "free")]
    pub current_plan: String,
    /// The plan has campaigns.
    pub can_use_campaigns: bool,
}

/// How many instances are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = InstanceCounts)]
pub struct InstanceCountsView {
    /// Able to send.
    pub connected: u64,
    /// Being linked.
    pub connecting: u64,
    /// Not linked.
    pub disconnected: u64,
    /// Switched off.
    pub suspended: u64,
}

impl InstanceCountsView {
    pub(super) fn of(instances: &[Instance]) -> Self {
        let mut counts = Self::default();
        for it in instances {
            *match it.status {
                InstanceStatus::Connected => &mut counts.connected,
                InstanceStatus::Connecting => &mut counts.connecting,
                InstanceStatus::Disconnected => &mut counts.disconnected,
                InstanceStatus::Suspended => &mut counts.suspended,
            } += 1;
        }
        counts
    }

    pub(super) fn any(self) -> bool {
        self != Self::default()
    }
}

/// The days that are counted.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = StatsRange)]
pub struct RangeView {
    /// The first.
    #[schema(format = Date, example = "2026-05-01")]
    pub from: String,
    /// The last.
    #[schema(format = Date, example = "2026-05-07")]
    pub to: String,
}

/// How many messages came how far.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = StatsTotals)]
pub struct TotalsView {
    /// Wait to be sent.
    pub queued: u64,
    /// Left.
    pub sent: u64,
    /// Reached the phone.
    pub delivered: u64,
    /// Were opened.
    pub read: u64,
    /// Were not sent, or were refused.
    pub failed: u64,
    /// Came in.
    pub received: u64,
}

impl From<&Tally> for TotalsView {
    fn from(it: &Tally) -> Self {
        Self {
            queued: it.queued,
            sent: it.sent,
            delivered: it.delivered,
            read: it.read,
            failed: it.failed,
            received: it.received,
        }
    }
}

/// The messages of one day.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = StatsDay)]
pub struct DayView {
    /// The day.
    #[schema(format = Date, example = "2026-05-01")]
    pub date: String,
    /// Left.
    pub sent: u64,
    /// Reached the phone.
    pub delivered: u64,
    /// Were not sent, or were refused.
    pub failed: u64,
    /// Came in.
    pub received: u64,
}

/// How many campaigns are under way.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
#[schema(as = CampaignCounts)]
pub struct CampaignCountsView {
    /// Running now.
    pub running: u64,
    /// Wait for their time.
    pub scheduled: u64,
}

impl CampaignCountsView {
    pub(super) fn of(counts: &[(CampaignStatus, u64)]) -> Self {
        let of = |status| {
            let found = counts.iter().find(|(known, _)| *known == status);
            found.map_or(0, |(_, count)| *count)
        };
        Self {
            running: of(CampaignStatus::Running),
            scheduled: of(CampaignStatus::Scheduled),
        }
    }
}

/// The numbers of a workspace.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = DashboardStats)]
pub struct StatsView {
    /// The days.
    pub range: RangeView,
    /// All of them together.
    pub totals: TotalsView,
    /// Each of them, in order, also those without messages.
    pub series: Vec<DayView>,
    /// The instances, now.
    pub instances: InstanceCountsView,
    /// The campaigns, now.
    pub campaigns: CampaignCountsView,
}

impl StatsView {
    pub(super) fn of(
        it: &Statistics,
        instances: InstanceCountsView,
        campaigns: CampaignCountsView,
    ) -> Self {
        let series = it.series.iter().map(|(day, tally)| DayView {
            date: day.to_string(),
            sent: tally.sent,
            delivered: tally.delivered,
            failed: tally.failed,
            received: tally.received,
        });
        Self {
            range: RangeView {
                from: it.days.from.to_string(),
                to: it.days.to.to_string(),
            },
            totals: (&it.totals).into(),
            series: series.collect(),
            instances,
            campaigns,
        }
    }
}
