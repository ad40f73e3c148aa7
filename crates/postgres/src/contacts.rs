//! The address book.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use msgflash_contacts::{Contact, ContactId, ContactReader};
use msgflash_kernel::{AccountId, Id, Phone, StoreError, TeamId, Workspace, WorkspaceId};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::{broken_constraint, failed};
use crate::pool::Postgres;
use crate::schema::contacts;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = contacts, check_for_backend(diesel::pg::Pg))]
struct ContactRow {
    id: Uuid,
    workspace_id: Uuid,
    account_id: Uuid,
    name: String,
    phone: i64,
    tags: Vec<String>,
    meta: Option<Value>,
    name_key: String,
    needle: String,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl TryFrom<ContactRow> for Contact {
    type Error = StoreError;

    fn try_from(row: ContactRow) -> Result<Self, StoreError> {
        let phone = Phone::from_i64(row.phone).map_err(|_| {
            // The number itself is personal: only its length is told.
            let digits = row.phone.to_string().len();
            StoreError::corrupt("contacts.phone", format!("{digits} digits"))
        })?;
        Ok(Self {
            id: Id::new(row.id),
            workspace: workspace(row.workspace_id, Id::new(row.account_id)),
            name: row.name,
            phone,
            tags: row.tags,
            meta: row.meta,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// A workspace has the id of whom it belongs to: its owner, or a team.
fn workspace(id: Uuid, account: AccountId) -> Workspace {
    let team = (id != account.uuid()).then(|| TeamId::new(id));
    Workspace {
        id: WorkspaceId::new(id),
        account,
        team,
    }
}

#[async_trait]
impl ContactReader for Postgres {
    async fn find(
        &self,
        workspace: WorkspaceId,
        id: ContactId,
    ) -> Result<Option<Contact>, StoreError> {
        let mut conn = self.conn().await?;
        let row: Option<ContactRow> = contacts::table
            .find((workspace.uuid(), id.uuid()))
            .select(ContactRow::as_select())
            .first(&mut conn)
            .await
            .optional()
            .map_err(failed)?;
        row.map(Contact::try_from).transpose()
    }

    async fn find_by_phone(
        &self,
        workspace: WorkspaceId,
        phone: Phone,
    ) -> Result<Option<Contact>, StoreError> {
        let mut conn = self.conn().await?;
        let row: Option<ContactRow> = contacts::table
            .filter(contacts::workspace_id.eq(workspace.uuid()))
            .filter(contacts::phone.eq(phone.to_i64()))
            .select(ContactRow::as_select())
            .first(&mut conn)
            .await
            .optional()
            .map_err(failed)?;
        row.map(Contact::try_from).transpose()
    }
}

impl Postgres {
    /// Adds a contact; `false` when the workspace has one with this number already.
    ///
    /// For the demo and for tests, until contacts have use cases of their own.
    pub async fn insert_contact(&self, contact: &Contact) -> Result<bool, StoreError> {
        let row = ContactRow {
            id: contact.id.uuid(),
            workspace_id: contact.workspace.id.uuid(),
            account_id: contact.workspace.account.uuid(),
            name: contact.name.clone(),
            phone: contact.phone.to_i64(),
            tags: contact.tags.clone(),
            meta: contact.meta.clone(),
            name_key: contact.sort_key(),
            needle: contact.needle(),
            created_at: contact.created_at,
            updated_at: contact.updated_at,
        };
        let mut conn = self.conn().await?;
        let inserted = diesel::insert_into(contacts::table)
            .values(row)
            .execute(&mut conn)
            .await;
        match inserted {
            Ok(_) => Ok(true),
            Err(error) if broken_constraint(&error) == Some("contacts_workspace_phone_unique") => {
                Ok(false)
            }
            Err(error) => Err(failed(error)),
        }
    }
}
