//! A whole application over fake ports, for the tests of this crate.

use std::sync::Arc;

use actix_web::body::BoxBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::Method;
use actix_web::test::TestRequest;
use msgflash_accounts::{Authenticate, MockAccountReader, MockCredentialReader};
use msgflash_billing::{Entitlement, MockBillingReader};
use msgflash_contacts::MockContactReader;
use msgflash_kernel::{CountingRandom, FixedClock, NoNudge, SequentialIds};
use msgflash_messaging::instance::connection::RecordConnection;
use msgflash_messaging::instance::ports::MockInstanceReader;
use msgflash_messaging::instance::provision::{ProvisionInstance, ProvisionPorts};
use msgflash_messaging::instance::read::ReadInstances;
use msgflash_messaging::instance::recent::RecentInstances;
use msgflash_messaging::message::cancel::CancelMessage;
use msgflash_messaging::message::list::ReadMessages;
use msgflash_messaging::message::overview::{MockOverviewReader, Overview};
use msgflash_messaging::message::ports::MockMessageReader;
use msgflash_messaging::message::send::{SendMessage, SendPorts};
use msgflash_messaging::provider::{MockEventDecoder, MockWhatsAppProvider};
use msgflash_messaging::receipt::ports::MockInbox;
use msgflash_messaging::receipt::receive::{ReceiveEvent, ReceivePorts};
use msgflash_messaging::safety::Window;
use msgflash_quotas::{
    ApiMeter, Capacity, MockApiUsageStore, MockUsageReader, PlanAllowances, SlidingWindows, Usage,
};
use msgflash_teams::{EnterWorkspace, MockMembershipReader};
use msgflash_templates::{
    CreateTemplate, DeleteTemplate, MockContextSource, MockTemplateReader, PreviewTemplate,
    ReadTemplates, RenderTemplate, ReviseTemplate, Template,
};
use msgflash_webhooks::{
    ChangeEndpoint, CreateEndpoint, DeleteEndpoint, DeliveryLog, MockDeliveryReader,
    MockEndpointReader, ReadEndpoints, SendAgain,
};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::address_book::AddressBook;
use crate::app::app;
use crate::http::metrics;
use crate::services::{COUNTING, Ops, Probe, Services, Settings, Targets};

mod billing;
pub(crate) mod book;
mod campaigns;
pub(crate) mod lines;
mod lookups;
pub(crate) mod mailing;
mod people;
pub(crate) mod samples;
mod statuses;
mod suppressions;
pub(crate) mod units;

use self::book::FakeBook;
use self::campaigns::{FakeCampaigns, Shared};
use self::samples::{NOW, credential, entitlement, instance, key};
use self::units::{Replays, Units};

/// The ports of one test, each with the answer of a good day.
pub(crate) struct Fake {
    pub(crate) credentials: MockCredentialReader,
    pub(crate) accounts: MockAccountReader,
    pub(crate) billing: MockBillingReader,
    pub(crate) api_usage: MockApiUsageStore,
    pub(crate) usage: MockUsageReader,
    pub(crate) instances: MockInstanceReader,
    pub(crate) contacts: MockContactReader,
    pub(crate) messages: MockMessageReader,
    pub(crate) provider: MockWhatsAppProvider,
    pub(crate) decoder: MockEventDecoder,
    pub(crate) inbox: MockInbox,
    pub(crate) templates: MockTemplateReader,
    pub(crate) context: MockContextSource,
    pub(crate) held_template: Option<Template>,
    pub(crate) book: FakeBook,
    pub(crate) endpoints: MockEndpointReader,
    pub(crate) deliveries: MockDeliveryReader,
    pub(crate) held_endpoints: u32,
    pub(crate) campaigns: FakeCampaigns,
    pub(crate) replays: Replays,
    pub(crate) probes: Vec<Arc<dyn Probe>>,
    pub(crate) draining: CancellationToken,
    pub(crate) rate_per_second: u32,
}

impl Fake {
    /// A personal key on a plan that allows everything.
    pub(crate) fn new() -> Self {
        let mut fake = Self::bare();
        fake.knows(false);
        fake.holds(entitlement());
        fake.used(0);
        fake.instances
            .expect_find()
            .returning(|_, _| Ok(Some(instance())));
        fake.instances
            .expect_window()
            .returning(|_, _| Ok(Window::default()));
        fake
    }

    /// Ports that know nothing and refuse to be asked.
    pub(crate) fn bare() -> Self {
        let mut usage = MockUsageReader::new();
        usage.expect_usage().returning(|_, _| {
            Ok(Usage {
                messages: 3,
                statuses: 1,
                reserved: 2,
            })
        });
        usage.expect_capacity().returning(|_| {
            Ok(Capacity {
                instances: 2,
                api_keys: 1,
            })
        });
        Self {
            credentials: MockCredentialReader::new(),
            accounts: MockAccountReader::new(),
            billing: MockBillingReader::new(),
            api_usage: MockApiUsageStore::new(),
            usage,
            instances: MockInstanceReader::new(),
            contacts: MockContactReader::new(),
            messages: MockMessageReader::new(),
            provider: MockWhatsAppProvider::new(),
            decoder: MockEventDecoder::new(),
            inbox: MockInbox::new(),
            templates: MockTemplateReader::new(),
            context: MockContextSource::new(),
            held_template: None,
            book: FakeBook::default(),
            endpoints: MockEndpointReader::new(),
            deliveries: MockDeliveryReader::new(),
            held_endpoints: 0,
            campaigns: FakeCampaigns::default(),
            replays: Replays::default(),
            probes: Vec::new(),
            draining: CancellationToken::new(),
            rate_per_second: 10,
        }
    }

    /// The key that every request shows, personal or a team's.
    pub(crate) fn knows(&mut self, team: bool) {
        self.credentials.checkpoint();
        self.credentials
            .expect_find()
            .returning(move |_| Ok(Some(credential(team))));
    }

    /// What the account holds.
    pub(crate) fn holds(&mut self, held: Entitlement) {
        self.billing.checkpoint();
        self.billing
            .expect_entitlement()
            .returning(move |_| Ok(Some(held.clone())));
    }

    /// How many API requests were made this month.
    pub(crate) fn used(&mut self, requests: u64) {
        self.api_usage.checkpoint();
        self.api_usage
            .expect_total()
            .returning(move |_, _| Ok(requests));
    }

    /// The services over these ports.
    pub(crate) fn services(self) -> Arc<Services> {
        let clock = Arc::new(FixedClock::at(NOW));
        let ids = Arc::new(SequentialIds::default());
        let instances = Arc::new(self.instances);
        let messages = Arc::new(self.messages);
        let endpoints = Arc::new(self.endpoints);
        let deliveries = Arc::new(self.deliveries);
        let usage = Arc::new(self.usage);
        let provider = Arc::new(self.provider);
        let inbox = Arc::new(self.inbox);
        let units = Arc::new(Units::new(
            self.replays.clone(),
            self.held_endpoints,
            self.held_template,
        ));
        let templates = Arc::new(self.templates);
        let context = Arc::new(self.context);
        let record = Arc::new(RecordConnection::new(
            Arc::clone(&units) as _,
            clock.clone(),
            ids.clone(),
        ));
        let (receive_event, store_groups) = ReceiveEvent::new(ReceivePorts {
            instances: Arc::clone(&instances) as _,
            inbox: Arc::clone(&inbox) as _,
            decoder: Arc::new(self.decoder),
            clock: clock.clone(),
            ids: ids.clone(),
            receipts: Arc::new(NoNudge),
            events: Arc::new(NoNudge),
        });
        drop(tokio::spawn(store_groups.run()));
        let recent = Arc::new(RecentInstances::new(
            Arc::clone(&instances) as _,
            clock.clone(),
        ));
        let render = Arc::new(RenderTemplate::new(
            Arc::clone(&templates) as _,
            Arc::clone(&context) as _,
        ));
        let billing = Arc::new(self.billing);
        let campaigns = self.campaigns.over(Shared {
            instances: Arc::clone(&recent),
            templates: Arc::clone(&render),
            allowances: Arc::new(PlanAllowances::new(Arc::clone(&billing) as _)),
            usage: usage.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
        });
        let send = SendPorts {
            acceptor: self::units::accepting(&self.replays, &clock),
            instances: recent,
            contacts: Arc::new(self.contacts),
            templates: render,
            suppressions: Arc::new(suppressions::nobody()),
            clock: clock.clone(),
            ids: ids.clone(),
        };
        let book = self.book.ports(&self.replays, &clock, &ids);
        let people = people::people(&clock, &ids);
        Arc::new(Services {
            document: std::sync::OnceLock::new(),
            enter: EnterWorkspace::new(Arc::new(MockMembershipReader::new())),
            teams: Arc::new(people::teams(&clock, &ids)),
            people: Arc::new(people),
            keys: people::keys(&clock, &ids),
            suppressions: suppressions::suppressions(&clock),
            lookups: lookups::lookups(&clock, &ids),
            statuses: statuses::statuses(&clock, &ids),
            mailbox: None,
            uploads: crate::uploads::Uploads::of(16),
            media: None,
            address_book: Arc::new(AddressBook::new(book)),
            authenticate: Arc::new(Authenticate::new(Arc::new(self.credentials))),
            accounts: Arc::new(self.accounts),
            billing,
            billing_desk: Arc::new(billing::desk(&clock, &ids)),
            campaigns,
            rates: Arc::new(SlidingWindows::default()),
            meter: Arc::new(ApiMeter::new(Arc::new(self.api_usage))),
            usage: usage.clone(),
            replays: Arc::new(self.replays),
            send_message: Arc::new(SendMessage::new(send)),
            cancel_message: Arc::new(CancelMessage::new(
                messages.clone(),
                Arc::clone(&instances) as _,
                Arc::clone(&units) as _,
                clock.clone(),
            )),
            read_messages: Arc::new(ReadMessages::new(messages)),
            overview: Overview::new(Arc::new(MockOverviewReader::new()), clock.clone()),
            counting: tokio::sync::Semaphore::new(COUNTING),
            provision: Arc::new(ProvisionInstance::new(ProvisionPorts {
                units: Arc::clone(&units) as _,
                instances: instances.clone(),
                provider: Arc::clone(&provider) as _,
                record: Arc::clone(&record),
                clock: clock.clone(),
                ids: ids.clone(),
                random: Arc::new(CountingRandom::default()),
                callback_base: "https://api.example.com".into(),
            })),
            read_instances: Arc::new(ReadInstances::new(
                instances.clone(),
                provider,
                record,
                clock.clone(),
            )),
            receive_event: Arc::new(receive_event),
            create_template: Arc::new(CreateTemplate::new(
                Arc::clone(&units) as _,
                clock.clone(),
                ids.clone(),
            )),
            read_templates: Arc::new(ReadTemplates::new(Arc::clone(&templates) as _)),
            revise_template: Arc::new(ReviseTemplate::new(Arc::clone(&units) as _, clock.clone())),
            delete_template: Arc::new(DeleteTemplate::new(Arc::clone(&units) as _)),
            preview_template: Arc::new(PreviewTemplate::new(templates, context)),
            create_endpoint: Arc::new(CreateEndpoint::new(
                Arc::clone(&units) as _,
                Arc::new(CountingRandom::default()),
                clock.clone(),
                ids.clone(),
                false,
            )),
            read_endpoints: Arc::new(ReadEndpoints::new(endpoints.clone())),
            change_endpoint: Arc::new(ChangeEndpoint::new(
                Arc::clone(&units) as _,
                Arc::new(CountingRandom::default()),
                clock.clone(),
                time::Duration::hours(24),
                false,
            )),
            delete_endpoint: Arc::new(DeleteEndpoint::new(Arc::clone(&units) as _)),
            delivery_log: Arc::new(DeliveryLog::new(endpoints, deliveries.clone())),
            send_again: Arc::new(SendAgain::new(
                units,
                deliveries,
                clock.clone(),
                ids.clone(),
                Arc::new(NoNudge),
            )),
            ops: Arc::new(Ops {
                probes: self.probes,
                draining: self.draining,
                metrics: metrics::idle().expect("a recorder"),
                note: Box::new(|| ()),
            }),
            clock,
            ids,
            settings: Settings {
                rate_per_second: self.rate_per_second,
                console_rate_per_second: 20,
                portal: None,
                portal_url: "https://app.example.com".into(),
                behind_proxy: false,
                targets: Targets {
                    allow_private: false,
                },
                public_url: "https://api.example.com".into(),
            },
        })
    }
}

/// A running application.
pub(crate) struct Running(Arc<Services>);

impl Running {
    /// Over these ports.
    pub(crate) fn over(fake: Fake) -> Self {
        Self(fake.services())
    }

    /// Sends a request as it is.
    pub(crate) async fn call(&self, request: TestRequest) -> Answer {
        let service = actix_web::test::init_service(app(Arc::clone(&self.0))).await;
        let response = actix_web::test::call_service(&service, request.to_request()).await;
        Answer::of(response).await
    }

    /// `GET` with the personal key.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(keyed(Method::GET, path)).await
    }

    /// `POST` of JSON with the personal key.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call(keyed(Method::POST, path).set_json(body)).await
    }
}

/// A request with the personal key.
pub(crate) fn keyed(method: Method, path: &str) -> TestRequest {
    TestRequest::with_uri(path)
        .method(method)
        .insert_header(("x-api-key", key(false)))
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) text: String,
}

impl Answer {
    async fn of(response: ServiceResponse<BoxBody>) -> Self {
        let status = response.status().as_u16();
        let header = |(name, value): (
            &actix_web::http::header::HeaderName,
            &actix_web::http::header::HeaderValue,
        )| { (name.to_string(), value.to_str().expect("text").to_owned()) };
        let headers = response.headers().iter().map(header).collect();
        let body = actix_web::test::read_body(response).await;
        Self {
            status,
            headers,
            text: String::from_utf8_lossy(&body).into_owned(),
        }
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    /// A header, or nothing.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }

    /// Status and code of a refusal; `""` for what is none.
    pub(crate) fn refusal(&self) -> (u16, String) {
        let code = self.json()["error"]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        (self.status, code)
    }

    /// Field and code of every problem noted.
    pub(crate) fn problems(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let details = self.json()["error"]["details"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        details
            .iter()
            .map(|it| (text(&it["field"]), text(&it["code"])))
            .collect()
    }
}
