//! The shop: the use cases, wired to the adapters of this folder.

use std::error::Error;
use std::sync::Arc;

use msgflash_contacts::Contact;
use msgflash_contacts::suppression::{Source, Suppression};
use msgflash_kernel::{
    Actor, Clock, FixedClock, Id, Ids, Once, Outcome, Phone, RandomIds, ReplayKey, Secret,
    StoreError, StoredAnswer, Workspace,
};
use msgflash_messaging::dispatch::ports::NoWake;
use msgflash_messaging::instance::Standing;
use msgflash_messaging::instance::recent::RecentInstances;
use msgflash_messaging::message::accept::{AcceptPorts, acceptor};
use msgflash_messaging::message::content::Content;
use msgflash_messaging::message::send::{SendMessage, SendOrder, SendPorts, SentMessage, Wanted};
use msgflash_messaging::{Instance, InstanceStatus, MessageId, MessageStatus, MessagingError};
use msgflash_quotas::{Period, Usage, UsageReader};
use msgflash_templates::{Draft, RenderTemplate, Template, TemplateId, TemplateKind};
use serde_json::Map;
use time::OffsetDateTime;
use time::macros::datetime;

use crate::console::Console;
use crate::directory::Directory;
use crate::sender::drain;
use crate::store::Store;

/// Stands still, so that no month ends while the program checks what it sees. A service takes
/// [`msgflash_kernel::SystemClock`].
const NOW: OffsetDateTime = datetime!(2026-05-20 12:00 UTC);

/// A service of one account with one number.
pub(crate) struct Shop {
    actor: Actor,
    template: TemplateId,
    instance: Instance,
    clock: Arc<dyn Clock>,
    provider: Console,
    store: Store,
    send: SendMessage,
}

impl Shop {
    /// A shop that may send so many messages a month.
    pub(crate) fn open(monthly: u32) -> Result<Self, Box<dyn Error>> {
        let clock: Arc<dyn Clock> = Arc::new(FixedClock::at(NOW));
        let ids: Arc<dyn Ids> = Arc::new(RandomIds);
        let owner = Id::new(ids.next());
        let actor = Actor::new(Workspace::personal(owner), owner);
        let draft = Draft {
            name: "Parcel sent".into(),
            kind: TemplateKind::Text,
            body: Some(
                "Hello {{contact.firstName}}, parcel {{custom.parcel}} has left {{instance.name}}."
                    .into(),
            ),
            media_url: None,
        };
        let template = Template::new(Id::new(ids.next()), actor, draft, NOW)?;
        let template_id = template.id;
        let instance = instance_of(actor, &*ids);
        let directory = Arc::new(Directory {
            instance: instance.clone(),
            contacts: vec![Contact {
                id: Id::new(ids.next()),
                workspace: actor.workspace,
                name: "Awa Diop".into(),
                phone: Phone::parse("+221 77 000 00 00")?,
                tags: Vec::new(),
                meta: None,
                created_at: NOW,
                updated_at: NOW,
            }],
            template,
            suppressed: Suppression {
                phone: Phone::parse("+33 6 12 34 56 99")?,
                source: Source::Manual,
                reason: None,
                instance: None,
                created_at: NOW,
            },
            monthly,
        });
        let store = Store::new(Arc::clone(&directory));

        let (acceptor, workers) = acceptor(1);
        for worker in workers {
            tokio::spawn(worker.run(AcceptPorts {
                units: Arc::new(store.clone()),
                clock: Arc::clone(&clock),
                // Nobody waits: the shop asks for what is there.
                wake: Arc::new(NoWake),
            }));
        }
        let send = SendMessage::new(SendPorts {
            acceptor,
            instances: Arc::new(RecentInstances::new(directory.clone(), Arc::clone(&clock))),
            contacts: directory.clone(),
            suppressions: directory.clone(),
            templates: Arc::new(RenderTemplate::new(directory.clone(), directory)),
            clock: Arc::clone(&clock),
            ids,
        });
        Ok(Self {
            actor,
            template: template_id,
            instance,
            clock,
            provider: Console::without(Phone::parse("+33612345678")?),
            store,
            send,
        })
    }

    /// Tells somebody that a parcel has left, with the template.
    pub(crate) async fn tell(
        &self,
        to: &str,
        parcel: Option<&str>,
    ) -> Result<Outcome<SentMessage>, MessagingError> {
        let mut variables = Map::new();
        if let Some(parcel) = parcel {
            variables.insert("parcel".into(), parcel.into());
        }
        let content = Wanted::Template {
            template: self.template,
            variables,
        };
        self.send.accept(self.order(to, content), None).await
    }

    /// Sends a text, once for each key.
    pub(crate) async fn say(
        &self,
        to: &str,
        text: &str,
        key: &ReplayKey,
    ) -> Result<Outcome<SentMessage>, MessagingError> {
        let content = Wanted::Direct(Content::Text(text.into()));
        let once = Once {
            key,
            render: &answer_of,
        };
        self.send.accept(self.order(to, content), Some(once)).await
    }

    fn order(&self, to: &str, content: Wanted) -> SendOrder {
        SendOrder {
            actor: self.actor,
            key: None,
            instance: self.instance.id,
            to: to.into(),
            content,
            contact: None,
            scheduled_at: None,
            ignore_suppression: false,
            request_id: None,
        }
    }

    /// The name of a request that may be repeated. A service hashes its client's key and the body.
    pub(crate) fn request(&self, number: u8) -> ReplayKey {
        ReplayKey {
            workspace: self.actor.workspace.id,
            route: "say",
            key: [number; 32],
            request: [number; 32],
        }
    }

    /// Sends everything that waits.
    pub(crate) async fn send_what_waits(&self) -> Result<(), StoreError> {
        drain(&self.store, &self.instance, &self.provider, &*self.clock).await
    }

    /// What this month came to.
    pub(crate) async fn usage(&self) -> Result<Usage, StoreError> {
        let period = Period::of(self.clock.now());
        let account = self.actor.workspace.account;
        let usage = self.store.usage(account, period).await?;
        println!(
            "{period}: {} sent, {} reserved",
            usage.outbound(),
            usage.reserved
        );
        Ok(usage)
    }

    /// Where a message stands.
    pub(crate) async fn status_of(&self, id: MessageId) -> Option<MessageStatus> {
        self.store.message(id).await.map(|message| message.status)
    }
}

/// What a repeated request is answered.
fn answer_of(sent: &SentMessage) -> StoredAnswer {
    StoredAnswer {
        status: 201,
        body: sent.message.id.to_string(),
    }
}

/// A number that is linked since yesterday.
fn instance_of(actor: Actor, ids: &dyn Ids) -> Instance {
    Instance {
        id: Id::new(ids.next()),
        account: actor.workspace.account,
        name: "Main shop".into(),
        session: "main-shop".into(),
        webhook_secret: Secret::new(String::new()),
        wa_number: None,
        status: InstanceStatus::Connected,
        suspended_for: None,
        native_buttons: false,
        is_business: None,
        meta: None,
        first_connected_at: Some(NOW - time::Duration::DAY),
        connecting_since: None,
        reconnecting_since: None,
        expected_number: None,
        takes_any_number: false,
        unlink_since: None,
        standing: Standing::default(),
        created_at: NOW,
        updated_at: NOW,
    }
}
