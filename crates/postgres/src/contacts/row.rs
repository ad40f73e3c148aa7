//! Contacts as rows, with what is known of their messages.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use msgflash_contacts::temperature::{Send as Sent, Traces};
use msgflash_contacts::{Contact, ContactId, ContactReader};
use msgflash_kernel::{AccountId, Id, Phone, StoreError, TeamId, Workspace, WorkspaceId};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::columns::each;
use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;

/// The columns of a [`ContactRow`] by name, of a contact that is called `c`.
macro_rules! contact_columns {
    () => {
        "c.id, c.workspace_id, c.account_id, c.name, c.phone, c.tags, c.meta, c.created_at, \
         c.updated_at"
    };
}

/// Joins the traces of a contact that is called `c`. What waits or was withdrawn has not happened;
/// among the last twenty messages something usually has.
macro_rules! traces {
    () => {
        " CROSS JOIN LATERAL ( \
            SELECT (SELECT m.created_at FROM messages m \
                    WHERE m.workspace_id = c.workspace_id AND m.peer = c.phone AND m.inbound \
                    ORDER BY m.id DESC LIMIT 1) AS heard_at, \
              array_agg(s.status = 4 ORDER BY s.id DESC) AS failed, \
              array_agg(s.created_at ORDER BY s.id DESC) AS sent_at \
            FROM (SELECT l.id, l.status, l.created_at FROM ( \
                    SELECT m.id, m.status, m.created_at, m.inbound FROM messages m \
                    WHERE m.workspace_id = c.workspace_id AND m.peer = c.phone \
                    ORDER BY m.id DESC LIMIT 20) l \
                  WHERE NOT l.inbound AND l.status BETWEEN 1 AND 4 \
                  ORDER BY l.id DESC LIMIT 2) s \
            OFFSET 0) traces "
    };
}
pub(super) use traces;

#[derive(QueryableByName)]
pub(super) struct ContactRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    workspace_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    account_id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    phone: i64,
    #[diesel(sql_type = Array<Text>)]
    tags: Vec<String>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    meta: Option<Value>,
    #[diesel(sql_type = Timestamptz)]
    created_at: OffsetDateTime,
    #[diesel(sql_type = Timestamptz)]
    updated_at: OffsetDateTime,
}

impl TryFrom<ContactRow> for Contact {
    type Error = StoreError;

    fn try_from(row: ContactRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: Id::new(row.id),
            workspace: workspace(row.workspace_id, Id::new(row.account_id)),
            name: row.name,
            phone: phone(row.phone)?,
            tags: row.tags,
            meta: row.meta,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

pub(super) fn phone(stored: i64) -> Result<Phone, StoreError> {
    Phone::from_i64(stored).map_err(|_| {
        // The number itself is personal: only its length is told.
        let digits = stored.to_string().len();
        StoreError::corrupt("contacts.phone", format!("{digits} digits"))
    })
}

/// A workspace has the id of whom it belongs to: its owner, or a team.
pub(crate) fn workspace(id: Uuid, account: AccountId) -> Workspace {
    let team = (id != account.uuid()).then(|| TeamId::new(id));
    Workspace {
        id: WorkspaceId::new(id),
        account,
        team,
    }
}

#[derive(QueryableByName)]
pub(super) struct TracesRow {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    heard_at: Option<OffsetDateTime>,
    #[diesel(sql_type = Nullable<Array<Bool>>)]
    failed: Option<Vec<bool>>,
    #[diesel(sql_type = Nullable<Array<Timestamptz>>)]
    sent_at: Option<Vec<OffsetDateTime>>,
}

impl From<TracesRow> for Traces {
    fn from(row: TracesRow) -> Self {
        let failed = row.failed.unwrap_or_default().into_iter();
        let sends = failed.zip(row.sent_at.unwrap_or_default());
        Self {
            heard_at: row.heard_at,
            sends: sends.map(|(failed, at)| Sent { failed, at }).collect(),
        }
    }
}

#[derive(QueryableByName)]
pub(super) struct TracedRow {
    #[diesel(embed)]
    contact: ContactRow,
    #[diesel(embed)]
    traces: TracesRow,
}

impl TryFrom<TracedRow> for (Contact, Traces) {
    type Error = StoreError;

    fn try_from(row: TracedRow) -> Result<Self, StoreError> {
        Ok((row.contact.try_into()?, row.traces.into()))
    }
}

/// Reads contacts with their traces, in the order of `ids`; those not there are left out.
pub(super) async fn load_traced(
    conn: &mut AsyncPgConnection,
    workspace: WorkspaceId,
    ids: &[ContactId],
) -> Result<Vec<(Contact, Traces)>, StoreError> {
    let rows: Vec<TracedRow> = sql(concat!(
        "SELECT ",
        contact_columns!(),
        ", traces.heard_at, traces.failed, traces.sent_at \
         FROM UNNEST($2) WITH ORDINALITY AS k (id, at) CROSS JOIN LATERAL ( \
           SELECT ",
        contact_columns!(),
        " FROM contacts c WHERE c.workspace_id = $1 AND c.id = k.id OFFSET 0) c",
        traces!(),
        "ORDER BY k.at"
    ))
    .bind::<SqlUuid, _>(workspace.uuid())
    .bind::<Array<SqlUuid>, _>(each(ids, |id| id.uuid()))
    .get_results(conn)
    .await
    .map_err(failed)?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Reads contacts in the order of `ids`; those not there are left out.
pub(super) async fn load(
    conn: &mut AsyncPgConnection,
    workspace: WorkspaceId,
    ids: &[ContactId],
) -> Result<Vec<Contact>, StoreError> {
    let rows: Vec<ContactRow> = sql(concat!(
        "SELECT ",
        contact_columns!(),
        " FROM UNNEST($2) WITH ORDINALITY AS k (id, at) CROSS JOIN LATERAL ( \
           SELECT ",
        contact_columns!(),
        " FROM contacts c WHERE c.workspace_id = $1 AND c.id = k.id OFFSET 0) c \
         ORDER BY k.at"
    ))
    .bind::<SqlUuid, _>(workspace.uuid())
    .bind::<Array<SqlUuid>, _>(each(ids, |id| id.uuid()))
    .get_results(conn)
    .await
    .map_err(failed)?;
    rows.into_iter().map(Contact::try_from).collect()
}

/// Reads the contacts with these numbers.
pub(super) async fn load_by_phone(
    conn: &mut AsyncPgConnection,
    workspace: WorkspaceId,
    phones: &[Phone],
) -> Result<Vec<Contact>, StoreError> {
    let rows: Vec<ContactRow> = sql(concat!(
        "SELECT ",
        contact_columns!(),
        " FROM UNNEST($2) AS k (phone) CROSS JOIN LATERAL ( \
           SELECT ",
        contact_columns!(),
        " FROM contacts c WHERE c.workspace_id = $1 AND c.phone = k.phone OFFSET 0) c"
    ))
    .bind::<SqlUuid, _>(workspace.uuid())
    .bind::<Array<BigInt>, _>(each(phones, |it| it.to_i64()))
    .get_results(conn)
    .await
    .map_err(failed)?;
    rows.into_iter().map(Contact::try_from).collect()
}

#[async_trait]
impl ContactReader for Postgres {
    async fn find(
        &self,
        workspace: WorkspaceId,
        id: ContactId,
    ) -> Result<Option<Contact>, StoreError> {
        let mut conn = self.conn().await?;
        Ok(load(&mut conn, workspace, &[id]).await?.pop())
    }

    async fn find_by_phone(
        &self,
        workspace: WorkspaceId,
        phone: Phone,
    ) -> Result<Option<Contact>, StoreError> {
        let mut conn = self.conn().await?;
        Ok(load_by_phone(&mut conn, workspace, &[phone]).await?.pop())
    }
}
