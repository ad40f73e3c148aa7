//! How contacts look.

use msgflash_contacts::{ContactEntry, Listing, Sort, Temperature};
use msgflash_messaging::events::timestamp;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A contact.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Contact)]
pub struct ContactView {
    /// Its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// Full name.
    #[schema(example = "Lina Moreau")]
    pub name: String,
    /// The number, unique in the workspace.
    #[schema(example = "+33698765432")]
    pub phone: String,
    /// Free labels.
    #[schema(example = json!(["wholesale"]))]
    pub tags: Vec<String>,
    /// Free fields.
    #[schema(value_type = Option<Object>, example = json!({ "city": "Lyon" }))]
    pub meta: Option<Value>,
    /// How well messages go down there: `warm`, `cold` or `blocked`; `null` until one went or came.
    #[schema(example = json!(null))]
    pub temperature: Option<&'static str>,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it last changed.
    #[schema(format = DateTime)]
    pub updated_at: String,
}

impl From<&ContactEntry> for ContactView {
    fn from(it: &ContactEntry) -> Self {
        let contact = &it.contact;
        Self {
            id: contact.id.to_string(),
            name: contact.name.clone(),
            phone: contact.phone.to_string(),
            tags: contact.tags.clone(),
            meta: contact.meta.clone(),
            temperature: it.temperature.map(Temperature::as_str),
            created_at: timestamp(contact.created_at),
            updated_at: timestamp(contact.updated_at),
        }
    }
}

/// A page of contacts.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ContactPage)]
pub struct ContactPageView {
    /// The contacts. With a filter there may be fewer than `limit`, none even, although there is
    /// another page.
    pub contacts: Vec<ContactView>,
    /// How many contacts the filters fit; at least so many when `totalIsExact` is `false`.
    #[schema(example = 812)]
    pub total: u64,
    /// Extension: whether there are no more than `total`.
    #[schema(example = true)]
    pub total_is_exact: bool,
    /// The page size.
    #[schema(example = 50)]
    pub limit: u32,
    /// The order: `createdAt_desc` or `name_asc`.
    #[schema(example = "createdAt_desc")]
    pub sort: &'static str,
    /// Pass it back as `cursor`, with the same sort and filters; `null` on the last page.
    pub next_cursor: Option<String>,
    /// Whether there is another page.
    pub has_more: bool,
}

impl ContactPageView {
    pub(super) fn of(page: &Listing<ContactEntry>, limit: u32, sort: Sort) -> Self {
        Self {
            contacts: page.items.iter().map(ContactView::from).collect(),
            total: page.total.count,
            total_is_exact: page.total.is_exact,
            limit,
            sort: sort.as_str(),
            next_cursor: page.next.as_ref().map(msgflash_kernel::Cursor::encode),
            has_more: page.next.is_some(),
        }
    }
}
