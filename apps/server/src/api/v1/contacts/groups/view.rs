//! How groups look.

use msgflash_contacts::{Group, Listing};
use msgflash_kernel::Cursor;
use msgflash_messaging::events::timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// A group of contacts.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ContactGroup)]
pub struct GroupView {
    /// Its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// Its name.
    #[schema(example = "Wholesale")]
    pub name: String,
    /// What it is for.
    #[schema(example = "Buy by the pallet")]
    pub description: Option<String>,
    /// How screens show it.
    #[schema(example = "#1A7F5A")]
    pub color: Option<String>,
    /// How many members it has.
    #[schema(example = 12)]
    pub contact_count: u64,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When its name, description or color last changed.
    #[schema(format = DateTime)]
    pub updated_at: String,
}

impl From<&Group> for GroupView {
    fn from(it: &Group) -> Self {
        Self {
            id: it.id.to_string(),
            name: it.name.clone(),
            description: it.description.clone(),
            color: it.color.clone(),
            contact_count: it.contact_count,
            created_at: timestamp(it.created_at),
            updated_at: timestamp(it.updated_at),
        }
    }
}

/// A page of groups.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ContactGroupPage)]
pub struct GroupPageView {
    /// Newest first.
    pub groups: Vec<GroupView>,
    /// How many groups the search fits; at least so many when `totalIsExact` is `false`.
    #[schema(example = 4)]
    pub total: u64,
    /// Extension: whether there are no more than `total`.
    #[schema(example = true)]
    pub total_is_exact: bool,
    /// The page size.
    #[schema(example = 50)]
    pub limit: u32,
    /// Pass it back as `cursor`, with the same search; `null` on the last page.
    pub next_cursor: Option<String>,
    /// Whether there is another page.
    pub has_more: bool,
}

impl GroupPageView {
    pub(super) fn of(page: &Listing<Group>, limit: u32) -> Self {
        Self {
            groups: page.items.iter().map(GroupView::from).collect(),
            total: page.total.count,
            total_is_exact: page.total.is_exact,
            limit,
            next_cursor: page.next.as_ref().map(Cursor::encode),
            has_more: page.next.is_some(),
        }
    }
}

/// The groups a contact is in.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = GroupsOfContact)]
pub struct ContactGroupsView {
    /// By name.
    pub groups: Vec<GroupNameView>,
}

/// A group, in short.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ContactGroupName)]
pub struct GroupNameView {
    /// Its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// Its name.
    #[schema(example = "Wholesale")]
    pub name: String,
    /// How screens show it.
    #[schema(example = "#1A7F5A")]
    pub color: Option<String>,
}

impl From<&[Group]> for ContactGroupsView {
    fn from(groups: &[Group]) -> Self {
        let short = |it: &Group| GroupNameView {
            id: it.id.to_string(),
            name: it.name.clone(),
            color: it.color.clone(),
        };
        Self {
            groups: groups.iter().map(short).collect(),
        }
    }
}
