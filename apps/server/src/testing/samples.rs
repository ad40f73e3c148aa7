//! Values of a good day.

use msgflash_accounts::{ApiKey, Credential, KeyKind, KeySecret};
use msgflash_billing::{
    BillingProvider, Entitlement, Features, Limits, Plan, Subscription, SubscriptionStatus,
};
use msgflash_contacts::{Contact, Counters, Group, Job, JobStatus, Operation};
use msgflash_kernel::{CountingRandom, Id, Phone, Secret, Workspace};
use msgflash_messaging::{Instance, InstanceStatus, Message, MessageKind, MessageStatus};
use msgflash_templates::{StoredTemplate, Template, TemplateKind};
use serde_json::{Map, json};
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

pub(crate) const NOW: OffsetDateTime = datetime!(2026-05-20 12:00 UTC);
pub(crate) const TEAM: &str = "00000000-0000-0000-0000-00000000000a";
pub(crate) const INSTANCE: &str = "00000000-0000-0000-0000-000000000010";
pub(crate) const MESSAGE: &str = "00000000-0000-0000-0000-000000000020";
pub(crate) const CONTACT: &str = "00000000-0000-0000-0000-000000000030";
pub(crate) const GROUP: &str = "00000000-0000-0000-0000-000000000031";
pub(crate) const JOB: &str = "00000000-0000-0000-0000-000000000032";

pub(crate) const TEMPLATE: &str = "00000000-0000-0000-0000-000000000050";

pub(crate) fn uuid(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn kind(team: bool) -> KeyKind {
    if team {
        KeyKind::Team
    } else {
        KeyKind::Personal
    }
}

fn secret(team: bool) -> KeySecret {
    KeySecret::generate(kind(team), &CountingRandom::default())
}

/// The key as its holder shows it.
pub(crate) fn key(team: bool) -> String {
    secret(team).reveal().to_owned()
}

/// The key as it is stored.
pub(crate) fn credential(team: bool) -> Credential {
    let secret = secret(team);
    Credential {
        key: ApiKey {
            id: Id::new(uuid(1)),
            account: Id::new(uuid(2)),
            team: team.then(|| Id::parse(TEAM).expect("an id")),
            created_by: Id::new(uuid(3)),
            name: "Shop".into(),
            prefix: secret.prefix().to_owned(),
            last_used_at: None,
            revoked_at: None,
            created_at: NOW,
        },
        suspended: false,
        team_deleted: false,
        stored_hash: secret.hash(),
    }
}

/// A usable subscription to a plan that has everything.
pub(crate) fn entitlement() -> Entitlement {
    let plan = Plan {
        id: Id::new(uuid(4)),
        code: "pro".into(),
        name: "Pro".into(),
        price: 19,
        currency: "EUR".into(),
        is_active: true,
        rank: 1,
        limits: Limits {
            max_instances: Some(5),
            max_api_keys: Some(5),
            max_webhook_endpoints: Some(15),
            max_contact_groups: None,
            monthly_outbound_quota: Some(50_000),
            monthly_api_request_quota: Some(150_000),
            max_teams: Some(2),
            max_seats_per_team: Some(4),
        },
        features: Features {
            campaigns: true,
            statuses: true,
            voice_notes: true,
            webhooks: true,
            number_lookups: true,
        },
    };
    let subscription = Subscription {
        id: Id::new(uuid(5)),
        account: Id::new(uuid(2)),
        plan: plan.id,
        status: SubscriptionStatus::Active,
        provider: BillingProvider::Manual,
        period_start: datetime!(2026-05-04 11:20 UTC),
        period_end: None,
        cancel_at_period_end: false,
        scheduled_plan: None,
        scheduled_at: None,
        scheduled_action: None,
        past_due_since: None,
    };
    Entitlement { subscription, plan }
}

pub(crate) fn instance() -> Instance {
    Instance {
        id: Id::parse(INSTANCE).expect("an id"),
        account: Id::new(uuid(2)),
        name: "Main shop".into(),
        session: "main".into(),
        webhook_secret: Secret::new("callback-secret".into()),
        wa_number: Some(Phone::parse("+33611112222").expect("a number")),
        status: InstanceStatus::Connected,
        native_buttons: false,
        is_business: None,
        meta: None,
        first_connected_at: Some(datetime!(2026-01-01 0:00 UTC)),
        connecting_since: None,
        reconnecting_since: None,
        expected_number: None,
        takes_any_number: false,
        suspended_for: None,
        unlink_since: None,
        standing: msgflash_messaging::instance::Standing::default(),
        created_at: datetime!(2026-01-01 0:00 UTC),
        updated_at: NOW,
    }
}

/// An outbound text in a personal workspace.
pub(crate) fn message() -> Message {
    Message {
        id: Id::parse(MESSAGE).expect("an id"),
        workspace: Workspace::personal(Id::new(uuid(2))),
        acting_user: Id::new(uuid(3)),
        instance: Id::parse(INSTANCE).expect("an id"),
        contact: None,
        campaign: None,
        inbound: false,
        kind: MessageKind::Text,
        peer: Some(Phone::parse("+33612345678").expect("a number")),
        own_number: None,
        body: Some("Hello".into()),
        media_url: None,
        status: MessageStatus::Delivered,
        error: None,
        meta: Map::new(),
        provider_message_id: Some("3EB0A1B2C3".into()),
        charged_to: None,
        scheduled_at: None,
        request_id: None,
        created_at: datetime!(2026-05-20 10:00 UTC),
        updated_at: datetime!(2026-05-20 10:01:10.5 UTC),
    }
}

/// A template of the personal workspace: a text, or media with a caption.
pub(crate) fn template(kind: TemplateKind, body: Option<&str>) -> Template {
    Template::restore(StoredTemplate {
        id: Id::parse(TEMPLATE).expect("an id"),
        workspace: Workspace::personal(Id::new(uuid(2))),
        created_by: Id::new(uuid(3)),
        name: "Cart reminder".into(),
        kind,
        body: body.map(str::to_owned),
        media_url: kind
            .is_media()
            .then(|| "https://files.example.com/a.bin".into()),
        created_at: datetime!(2026-05-20 10:00 UTC),
        updated_at: datetime!(2026-05-20 10:00 UTC),
    })
}

/// A contact of the personal workspace.
pub(crate) fn contact() -> Contact {
    Contact {
        id: Id::parse(CONTACT).expect("an id"),
        workspace: Workspace::personal(Id::new(uuid(2))),
        name: "Lina Moreau".into(),
        phone: Phone::parse("+33698765432").expect("a number"),
        tags: vec!["wholesale".into()],
        meta: Some(json!({ "city": "Lyon" })),
        created_at: datetime!(2026-05-02 9:15 UTC),
        updated_at: datetime!(2026-05-02 9:15 UTC),
    }
}

/// A group of contacts of the personal workspace.
pub(crate) fn group() -> Group {
    Group {
        id: Id::parse(GROUP).expect("an id"),
        workspace: Workspace::personal(Id::new(uuid(2))),
        name: "Wholesale".into(),
        description: None,
        color: Some("#1A7F5A".into()),
        contact_count: 1,
        created_at: datetime!(2026-05-02 9:15 UTC),
        updated_at: datetime!(2026-05-02 9:15 UTC),
    }
}

/// A bulk job that is not yet half done.
pub(crate) fn job() -> Job {
    Job {
        id: Id::parse(JOB).expect("an id"),
        workspace: Workspace::personal(Id::new(uuid(2))).id,
        account: Id::new(uuid(2)),
        operation: Operation::AddTo(Id::parse(GROUP).expect("an id")),
        status: JobStatus::Processing,
        requested: 1200,
        counters: Counters {
            changed: 470,
            unchanged: 25,
            not_found: 5,
        },
        tries: 0,
        error: None,
        created_at: datetime!(2026-05-10 8:00 UTC),
        updated_at: datetime!(2026-05-10 8:00:03 UTC),
        completed_at: None,
    }
}
