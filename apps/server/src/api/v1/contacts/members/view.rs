//! How members of groups look.

use msgflash_contacts::{Listing, Member};
use msgflash_kernel::Cursor;
use msgflash_messaging::events::timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// A contact in a group.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = GroupMember)]
pub struct MemberView {
    /// The contact's id.
    #[schema(format = Uuid)]
    pub id: String,
    /// Full name.
    #[schema(example = "Lina Moreau")]
    pub name: String,
    /// The number.
    #[schema(example = "+33698765432")]
    pub phone: String,
    /// Free labels.
    #[schema(example = json!(["wholesale"]))]
    pub tags: Vec<String>,
    /// Since when it is in the group.
    #[schema(format = DateTime)]
    pub added_at: String,
}

impl From<&Member> for MemberView {
    fn from(it: &Member) -> Self {
        Self {
            id: it.contact.id.to_string(),
            name: it.contact.name.clone(),
            phone: it.contact.phone.to_string(),
            tags: it.contact.tags.clone(),
            added_at: timestamp(it.added_at),
        }
    }
}

/// A page of members.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = GroupMemberPage)]
pub struct MemberPageView {
    /// Those added last first. With `search` there may be fewer than `limit`, none even, although
    /// there is another page.
    pub contacts: Vec<MemberView>,
    /// How many members the search fits; at least so many when `totalIsExact` is `false`.
    #[schema(example = 12)]
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

impl MemberPageView {
    pub(super) fn of(page: &Listing<Member>, limit: u32) -> Self {
        Self {
            contacts: page.items.iter().map(MemberView::from).collect(),
            total: page.total.count,
            total_is_exact: page.total.is_exact,
            limit,
            next_cursor: page.next.as_ref().map(Cursor::encode),
            has_more: page.next.is_some(),
        }
    }
}
