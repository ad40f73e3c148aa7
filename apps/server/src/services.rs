//! Everything the routes use, wired once and shared by all workers.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use metrics_exporter_prometheus::PrometheusHandle;
use msgflash_accounts::{
    AccountReader, Authenticate, CreateKey, ListKeys, ReadKeyUse, ReadMails, RevokeKey,
};
use msgflash_billing::BillingReader;
use msgflash_kernel::{Clock, Ids, ReplayReader, StoreError, Workspace, WorkspaceId};
use msgflash_messaging::instance::provision::ProvisionInstance;
use msgflash_messaging::instance::read::ReadInstances;
use msgflash_messaging::media::link::MediaLinks;
use msgflash_messaging::message::cancel::CancelMessage;
use msgflash_messaging::message::list::ReadMessages;
use msgflash_messaging::message::overview::Overview;
use msgflash_messaging::message::send::SendMessage;
use msgflash_messaging::receipt::receive::ReceiveEvent;
use msgflash_quotas::{ApiMeter, RateLimiter, UsageReader};
use msgflash_teams::EnterWorkspace;
use msgflash_templates::{
    CreateTemplate, DeleteTemplate, PreviewTemplate, ReadTemplates, ReviseTemplate,
};
use msgflash_webhooks::target::is_public_host;
use msgflash_webhooks::{
    ChangeEndpoint, CreateEndpoint, DeleteEndpoint, DeliveryLog, ReadEndpoints, SendAgain,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::address_book::AddressBook;
use crate::billing::BillingDesk;
use crate::campaigns::Campaigns;
use crate::lookups::Lookups;
use crate::media::MediaDesk;
use crate::people::People;
use crate::statuses::Statuses;
use crate::suppressions::Suppressions;
use crate::teams::TeamDesk;
use crate::uploads::Uploads;

/// Use cases, readers and settings of the HTTP surfaces.
pub struct Services {
    /// The text of `/openapi.json`, once somebody asked for it.
    pub document: OnceLock<actix_web::web::Bytes>,
    /// Lets people into workspaces.
    pub enter: EnterWorkspace,
    /// Teams, and who is in them.
    pub teams: Arc<TeamDesk>,
    /// Tells whose an API key is.
    pub authenticate: Arc<Authenticate>,
    /// People, for `/me`.
    pub accounts: Arc<dyn AccountReader>,
    /// Plans, subscriptions and payments.
    pub billing: Arc<dyn BillingReader>,
    /// What is done about plans and payments.
    pub billing_desk: Arc<BillingDesk>,
    /// The rate window per key.
    pub rates: Arc<dyn RateLimiter>,
    /// The monthly count of API requests.
    pub meter: Arc<ApiMeter>,
    /// Use and capacity.
    pub usage: Arc<dyn UsageReader>,
    /// Answers given before.
    pub replays: Arc<dyn ReplayReader>,
    /// Accepts messages.
    pub send_message: Arc<SendMessage>,
    /// Withdraws scheduled messages.
    pub cancel_message: Arc<CancelMessage>,
    /// Reads messages.
    pub read_messages: Arc<ReadMessages>,
    /// Looks over messages.
    pub overview: Overview,
    /// Who counts messages: a long range takes the database a while, and others wait for their turn.
    pub counting: Semaphore,
    /// Makes, links and removes instances.
    pub provision: Arc<ProvisionInstance>,
    /// Reads instances.
    pub read_instances: Arc<ReadInstances>,
    /// Takes the provider's events.
    pub receive_event: Arc<ReceiveEvent>,
    /// Makes templates.
    pub create_template: Arc<CreateTemplate>,
    /// Reads them.
    pub read_templates: Arc<ReadTemplates>,
    /// Changes them.
    pub revise_template: Arc<ReviseTemplate>,
    /// Deletes them.
    pub delete_template: Arc<DeleteTemplate>,
    /// Shows what they become.
    pub preview_template: Arc<PreviewTemplate>,
    /// Makes webhook endpoints.
    pub create_endpoint: Arc<CreateEndpoint>,
    /// Reads them.
    pub read_endpoints: Arc<ReadEndpoints>,
    /// Changes them.
    pub change_endpoint: Arc<ChangeEndpoint>,
    /// Deletes them.
    pub delete_endpoint: Arc<DeleteEndpoint>,
    /// Tells what became of their deliveries.
    pub delivery_log: Arc<DeliveryLog>,
    /// Delivers on request.
    pub send_again: Arc<SendAgain>,
    /// Contacts, groups and bulk jobs.
    pub address_book: Arc<AddressBook>,
    /// Who must not be written to.
    pub suppressions: Suppressions,
    /// Campaigns.
    pub campaigns: Campaigns,
    /// Which numbers have WhatsApp.
    pub lookups: Lookups,
    /// WhatsApp statuses.
    pub statuses: Statuses,
    /// How people sign up and in.
    pub people: Arc<People>,
    /// API keys as people manage them.
    pub keys: Keys,
    /// Files of contacts that are being taken in.
    pub uploads: Uploads,
    /// Files to be sent; `None` when none are taken.
    pub media: Option<Arc<MediaDesk>>,
    /// The mail that was written; in development alone.
    pub mailbox: Option<ReadMails>,
    /// What operators ask.
    pub ops: Arc<Ops>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub ids: Arc<dyn Ids>,
    /// Settings.
    pub settings: Settings,
}

/// How many count messages at once.
pub const COUNTING: usize = 2;

/// API keys as people manage them.
pub struct Keys {
    /// Makes them.
    pub create: Arc<CreateKey>,
    /// Lists them.
    pub list: Arc<ListKeys>,
    /// Ends them.
    pub revoke: Arc<RevokeKey>,
    /// Tells how much they were used.
    pub uses: ReadKeyUse,
}

/// What operators and orchestrators ask of a process, with or without the API.
pub struct Ops {
    /// What must answer before this process is ready.
    pub probes: Vec<Arc<dyn Probe>>,
    /// Cancelled when a shutdown begins: from then on this process is not ready.
    pub draining: CancellationToken,
    /// What `/metrics` shows.
    pub metrics: PrometheusHandle,
    /// Notes the numbers that are known without asking anybody, just before they are shown.
    pub note: Box<dyn Fn() + Send + Sync>,
}

/// What an operator may set about the HTTP surfaces.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Requests per second and API key.
    pub rate_per_second: u32,
    /// Requests per second and person.
    pub console_rate_per_second: u32,
    /// Where the console's pages are, which may call the API.
    pub portal: Option<Url>,
    /// The console's address, without a trailing slash: browsers go on there.
    pub portal_url: String,
    /// Whether every request comes through a proxy, which says where from.
    pub behind_proxy: bool,
    /// Which addresses clients may name.
    pub targets: Targets,
    /// The address clients use, without a trailing slash, such as `https://api.example.com`.
    pub public_url: String,
}

/// Something that must work before this process is ready.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait Probe: Send + Sync {
    /// Its name in the answer of `/readyz`, such as `database`.
    fn name(&self) -> &'static str;
    /// Fails while it does not work.
    async fn check(&self) -> Result<(), StoreError>;
}

impl Services {
    /// Which addresses of media a workspace may name.
    pub fn media_targets(&self, workspace: &Workspace) -> MediaTargets<'_> {
        MediaTargets {
            targets: self.settings.targets,
            links: self.media.as_deref().map(|desk| &*desk.links),
            workspace: workspace.id,
        }
    }
}

/// Which addresses of media a workspace may name.
#[derive(Clone, Copy, Debug)]
pub struct MediaTargets<'a> {
    targets: Targets,
    links: Option<&'a MediaLinks>,
    workspace: WorkspaceId,
}

impl MediaTargets<'_> {
    /// Refuses an address whose host is private as written. The workspace's own uploads pass wherever
    /// this server is: nobody fetches them from there.
    pub fn check(self, url: &Url) -> Result<(), &'static str> {
        let own = |links: &MediaLinks| links.is_own_here(url, self.workspace);
        if self.links.is_some_and(own) {
            return Ok(());
        }
        self.targets.check_literal(url)
    }
}

/// Which addresses clients may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Targets {
    /// Also private, loopback and link-local ones, and webhooks over plain `http`.
    pub allow_private: bool,
}

impl Targets {
    /// Refuses an address whose host is private as written. Nothing is looked up.
    pub fn check_literal(self, url: &Url) -> Result<(), &'static str> {
        let public = || url.host().is_some_and(|host| is_public_host(&host));
        if self.allow_private || public() {
            Ok(())
        } else {
            Err("Must not lead to a private address")
        }
    }
}
