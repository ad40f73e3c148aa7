//! Words, forms and lengths that are looked at when a request is read, from the constants they are
//! looked at by. A derive takes literals only, so these are put into the document afterwards; the length
//! of a single member is a literal beside it.
//!
//! Nothing here may be narrower than what is taken: clients hold their requests against it. Lengths
//! count what is left without the blanks around a text, where those are dropped.

use msgflash_contacts::suppression::{Source, settings};
use msgflash_contacts::{Sort, rules};
use msgflash_messaging::campaign::{Repeat, SendWindow};
use msgflash_messaging::{CampaignStatus, MessageKind, MessageStatus};
use msgflash_teams::Role;
use msgflash_templates::TemplateKind;
use msgflash_webhooks::EventName;
use msgflash_webhooks::again::TEST_EVENT;
use msgflash_webhooks::delivery::DeliveryStatus;
use serde_json::Value;
use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayItems, Object, ObjectBuilder, Schema, SchemaType, Type,
};
use utoipa::openapi::{OpenApi as Document, RefOr, Required};

use crate::api::v1::messages::{BUTTON_KINDS, DIRECTIONS, KEY_TYPES};
use crate::api::v1::{campaigns, statuses};
use crate::http::check::{LONGEST_PHONE, MAX_URL};

/// What `Phone::parse` takes has 7 to 15 digits, perhaps two zeros before them, and no letters.
const PHONE: &str = "^[^0-9A-Za-z]*([0-9][^0-9A-Za-z]*){7,17}$";
/// `Check::url` and `target::check` take these schemes, and a host right behind them.
const WEB: &str = "^[Hh][Tt][Tt][Pp][Ss]?://[^/]";
/// What a placeholder may be called: `msgflash_templates::variables`.
const PLACEHOLDER: &str = "^[A-Za-z0-9_]+$";

/// What a value is held to; of an array, each of its texts.
#[derive(Clone, Debug)]
pub(super) enum Bound {
    /// One of these words.
    Words(Vec<&'static str>),
    /// Something like a number.
    Phone,
    /// An address of the web.
    Web,
    /// So many characters, from and to.
    Length(usize, usize),
    /// An object with values for placeholders.
    Values,
    /// A whole number as large as one likes.
    AnySize,
}

/// Puts all of them into the document. What it shares between operations is not shared yet.
pub(super) fn describe(document: &mut Document) {
    for (schema, member, bound) in bodies() {
        let schemas = document.components.as_mut().map(|it| &mut it.schemas);
        let schema = schemas.and_then(|them| them.get_mut(schema));
        if let Some(RefOr::T(Schema::Object(body))) = schema
            && let Some(RefOr::T(member)) = body.properties.get_mut(member)
        {
            bound.put(member);
        }
    }
    for (path, name, bound) in queries() {
        let item = document.paths.paths.get_mut(path);
        let parameters = item
            .and_then(|item| item.get.as_mut())
            .and_then(|operation| operation.parameters.as_mut());
        for parameter in parameters.into_iter().flatten() {
            if let RefOr::T(parameter) = parameter
                && parameter.name == name
                && let Some(RefOr::T(schema)) = &mut parameter.schema
            {
                bound.put(schema);
            }
        }
    }
    let items = document.paths.paths.values_mut();
    items.flat_map(operations).for_each(may_be_empty);
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let all = [
        &mut item.get,
        &mut item.post,
        &mut item.put,
        &mut item.patch,
        &mut item.delete,
    ];
    all.into_iter().flatten()
}

/// An empty member of a query counts as left out, whatever it is held to otherwise. The types know no
/// such keyword.
fn may_be_empty(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter
            && parameter.parameter_in == ParameterIn::Query
            && parameter.required == Required::False
        {
            let more = parameter.extensions.get_or_insert_default();
            more.insert("allowEmptyValue".to_owned(), true.into());
        }
    }
}

impl Bound {
    fn put(&self, schema: &mut Schema) {
        match schema {
            Schema::Object(object) => self.hold(object),
            Schema::Array(array) => {
                if let ArrayItems::RefOrSchema(item) = &mut array.items
                    && let RefOr::T(item) = item.as_mut()
                {
                    self.put(item);
                }
            }
            _ => {}
        }
    }

    fn hold(&self, object: &mut Object) {
        match self {
            Self::Words(words) => {
                let null = is_nullable(object).then_some(Value::Null);
                let words = words.iter().copied().map(Value::from);
                object.enum_values = Some(words.chain(null).collect());
            }
            Self::Phone => object.pattern = Some(PHONE.to_owned()),
            Self::Web => {
                object.pattern = Some(WEB.to_owned());
                object.max_length = usize::try_from(MAX_URL).ok();
            }
            Self::Length(least, most) => {
                object.min_length = (*least > 0).then_some(*least);
                object.max_length = Some(*most);
            }
            Self::Values => {
                let name = ObjectBuilder::new()
                    .schema_type(Type::String)
                    .pattern(Some(PLACEHOLDER));
                let kinds = [Type::String, Type::Number, Type::Boolean];
                let value = ObjectBuilder::new().schema_type(SchemaType::from_iter(kinds));
                object.property_names = Some(Box::new(Schema::Object(name.build())));
                object.additional_properties = Some(Box::new(AdditionalProperties::from(value)));
            }
            Self::AnySize => object.format = None,
        }
    }
}

fn is_nullable(object: &Object) -> bool {
    matches!(&object.schema_type, SchemaType::Array(types) if types.contains(&Type::Null))
}

/// Members of bodies, by the schema they are in.
pub(super) fn bodies() -> Vec<(&'static str, &'static str, Bound)> {
    use Bound::{Length, Phone, Values, Web};
    let kinds = words(&MessageKind::ALL.map(MessageKind::as_str));
    let of_campaigns = words(&campaigns::body::KINDS.map(MessageKind::as_str));
    let of_templates = words(&TemplateKind::ALL.map(TemplateKind::as_str));
    let events = words(&EventName::ALL.map(EventName::as_str));
    let roles = words(&Role::GIVEN.map(Role::as_str));
    let mut repeats = Repeat::ALL.map(Repeat::as_str).to_vec();
    repeats.push(Repeat::MISSPELT);
    vec![
        ("SendBody", "to", Phone),
        ("SendBody", "type", kinds),
        ("SendBody", "mediaUrl", Web),
        ("SendBody", "variables", Values),
        ("ButtonBody", "type", words(&BUTTON_KINDS)),
        ("ButtonBody", "url", Web),
        ("ButtonBody", "phoneNumber", Phone),
        ("ButtonBody", "keyType", words(&KEY_TYPES)),
        ("NewStatus", "type", words(&statuses::body::TYPES)),
        ("CampaignBody", "type", of_campaigns),
        ("CampaignBody", "mediaUrl", Web),
        ("CampaignBody", "variables", Values),
        ("CampaignBody", "repeat", Bound::Words(repeats)),
        (
            "CampaignRecipients",
            "type",
            words(&campaigns::audience::KINDS),
        ),
        // Tags; ids are shorter.
        ("CampaignRecipients", "value", Length(1, rules::MAX_TAG)),
        ("CampaignWindow", "days", words(&SendWindow::DAYS)),
        ("TemplateBody", "type", of_templates.clone()),
        ("TemplateBody", "mediaUrl", Web),
        ("RevisionBody", "type", of_templates),
        ("RevisionBody", "mediaUrl", Web),
        ("PreviewBody", "variables", Values),
        ("NewContact", "phone", Phone),
        ("NewContact", "tags", Length(1, rules::MAX_TAG)),
        ("ContactChange", "phone", Phone),
        ("ContactChange", "tags", Length(1, rules::MAX_TAG)),
        ("NewSuppressions", "phone", Phone),
        ("NewSuppressions", "phones", Length(0, LONGEST_PHONE)),
        (
            "OptOutSettingsChange",
            "stopWords",
            Length(1, settings::MAX_WORD),
        ),
        ("EndpointBody", "url", Web),
        ("EndpointBody", "events", events.clone()),
        ("ChangeBody", "url", Web),
        ("ChangeBody", "events", events),
        ("NewNumberLookup", "numbers", Length(0, LONGEST_PHONE)),
        ("ConnectInstance", "phoneNumber", Phone),
        ("SignUp", "phone", Phone),
        ("ProfileChange", "phone", Phone),
        ("TeamInvite", "role", roles.clone()),
        ("MemberRole", "role", roles),
    ]
}

/// Members of queries, by the path that is read.
pub(super) fn queries() -> Vec<(&'static str, &'static str, Bound)> {
    let planned = words(&campaigns::recipients::PLANNED);
    let mut of_recipients = campaigns::recipients::PLANNED.to_vec();
    of_recipients.push(campaigns::recipients::SKIPPED);
    let mut events = EventName::ALL.map(EventName::as_str).to_vec();
    events.push(TEST_EVENT);
    let states = words(&MessageStatus::ALL.map(MessageStatus::as_str));
    let of_campaigns = words(&CampaignStatus::ALL.map(CampaignStatus::as_str));
    let of_deliveries = words(&DeliveryStatus::ALL.map(DeliveryStatus::as_str));
    let sources = words(&Source::ALL.map(Source::as_str));
    let deliveries = "/api/v1/webhooks/{id}/deliveries";
    vec![
        ("/api/v1/messages", "status", states),
        ("/api/v1/messages", "direction", words(&DIRECTIONS)),
        ("/api/v1/messages", "to", Bound::Phone),
        ("/api/v1/campaigns", "status", of_campaigns),
        ("/api/v1/campaigns/{id}/messages", "status", planned),
        (
            "/api/v1/campaigns/{id}/recipients",
            "status",
            Bound::Words(of_recipients),
        ),
        (
            "/api/v1/contacts",
            "sort",
            words(&Sort::ALL.map(Sort::as_str)),
        ),
        ("/api/v1/contacts", "tag", Bound::Length(0, rules::MAX_TAG)),
        ("/api/v1/suppressions", "phone", Bound::Phone),
        ("/api/v1/suppressions", "source", sources),
        ("/api/v1/templates", "page", Bound::AnySize),
        ("/api/v1/billing/payments", "page", Bound::AnySize),
        ("/api/statuses", "page", Bound::AnySize),
        (deliveries, "status", of_deliveries),
        (deliveries, "event", Bound::Words(events)),
    ]
}

fn words(all: &[&'static str]) -> Bound {
    Bound::Words(all.to_vec())
}
