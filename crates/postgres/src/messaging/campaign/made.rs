//! Recipients whose messages are to be made, and messages that are taken back.

use diesel::QueryableByName;
use diesel::result::OptionalExtension as _;
use diesel::sql_types::{
    Array, BigInt, Bool, Jsonb, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use msgflash_contacts::Contact;
use msgflash_kernel::{Id, Phone, StoreError, WorkspaceId};
use msgflash_messaging::MessageId;
use msgflash_messaging::campaign::ports::Undo;
use msgflash_messaging::campaign::recipient::{Pending, Skip};
use msgflash_messaging::campaign::{Campaign, CampaignId, RunId};
use msgflash_messaging::dispatch::QueueEntry;
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::columns::each;
use crate::contacts::workspace;
use crate::error::failed;
use crate::messaging::phone;
use crate::messaging::queue::{QueueRow, entries, queue_columns};
use crate::sql::{Sql, sql};

/// The next recipients, in the order of their messages: that of the index, which the odd comparison of runs
/// makes the planner take. What lies behind the last one that was ever made needs no look for its message.
const PENDING: &str = "SELECT r.message_id, r.phone AS recipient, \
       EXISTS (SELECT 1 FROM suppressions x WHERE x.workspace_id = $1 \
                 AND x.phone = COALESCE(c.phone, r.phone) OFFSET 0) AS is_suppressed, \
       c.id, c.workspace_id, c.account_id, c.name, c.phone, c.tags, c.meta, c.created_at, \
       c.updated_at \
     FROM (SELECT r.message_id, r.phone, r.contact_id FROM campaign_recipients r \
       WHERE r.campaign_id = $2 AND r.message_id > $3 AND r.skip = 0 AND r.run_id IS NOT DISTINCT FROM $6 \
         AND (r.message_id > $4 OR NOT EXISTS (SELECT 1 FROM messages m \
                WHERE m.workspace_id = $1 AND m.id = r.message_id OFFSET 0)) \
       ORDER BY r.message_id LIMIT $5) r \
     LEFT JOIN LATERAL (SELECT c.* FROM contacts c \
       WHERE c.workspace_id = $1 AND c.id = r.contact_id OFFSET 0) c ON true \
     ORDER BY r.message_id";

/// A recipient, and the contact as far as it is there.
#[derive(QueryableByName)]
pub(super) struct PendingRow {
    #[diesel(sql_type = SqlUuid)]
    message_id: Uuid,
    #[diesel(sql_type = BigInt)]
    recipient: i64,
    #[diesel(sql_type = Bool)]
    is_suppressed: bool,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    workspace_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    account_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    name: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    phone: Option<i64>,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    tags: Option<Vec<String>>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    meta: Option<Value>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    created_at: Option<OffsetDateTime>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    updated_at: Option<OffsetDateTime>,
}

impl PendingRow {
    /// What it is ordered by.
    pub(super) fn key(&self) -> Uuid {
        self.message_id
    }

    fn contact(&self) -> Result<Option<Contact>, StoreError> {
        let (Some(id), Some(whose), Some(account), Some(stored)) =
            (self.id, self.workspace_id, self.account_id, self.phone)
        else {
            return Ok(None);
        };
        Ok(Some(Contact {
            id: Id::new(id),
            workspace: workspace(whose, Id::new(account)),
            name: self.name.clone().unwrap_or_default(),
            phone: phone(stored)?,
            tags: self.tags.clone().unwrap_or_default(),
            meta: self.meta.clone(),
            created_at: self.created_at.unwrap_or(OffsetDateTime::UNIX_EPOCH),
            updated_at: self.updated_at.unwrap_or(OffsetDateTime::UNIX_EPOCH),
        }))
    }
}

impl TryFrom<PendingRow> for Pending {
    type Error = StoreError;

    fn try_from(row: PendingRow) -> Result<Self, StoreError> {
        let contact = row.contact()?;
        let recipient = match (row.recipient, &contact) {
            // A walk meets contacts alone.
            (0, Some(contact)) => contact.phone,
            (stored, _) => phone(stored)?,
        };
        Ok(Self {
            message: Id::new(row.message_id),
            phone: recipient,
            contact,
            is_suppressed: row.is_suppressed,
        })
    }
}

pub(super) async fn pending(
    conn: &mut AsyncPgConnection,
    campaign: &Campaign,
    limit: u32,
) -> Result<Vec<Pending>, StoreError> {
    let Some(run) = &campaign.run else {
        return Ok(Vec::new());
    };
    let rows: Vec<PendingRow> = sql(PENDING)
        .bind::<SqlUuid, _>(campaign.workspace.id.uuid())
        .bind::<SqlUuid, _>(campaign.id.uuid())
        .bind::<SqlUuid, _>(run.made_to)
        .bind::<SqlUuid, _>(run.made_most)
        .bind::<BigInt, _>(i64::from(limit))
        .bind::<SqlUuid, _>(run.id.uuid())
        .get_results(conn)
        .await
        .map_err(failed)?;
    rows.into_iter().map(Pending::try_from).collect()
}

pub(super) async fn skip(
    conn: &mut AsyncPgConnection,
    campaign: CampaignId,
    skipped: &[(MessageId, Skip)],
) -> Result<(), StoreError> {
    sql(
        "UPDATE campaign_recipients r SET skip = k.skip FROM UNNEST($2, $3) AS k (id, skip) \
         WHERE r.campaign_id = $1 AND r.message_id = k.id",
    )
    .bind::<SqlUuid, _>(campaign.uuid())
    .bind::<Array<SqlUuid>, _>(each(skipped, |(message, _)| message.uuid()))
    .bind::<Array<SmallInt>, _>(each(skipped, |(_, why)| why.to_i16()))
    .execute(conn)
    .await
    .map(drop)
    .map_err(failed)
}

/// Who has a number in a run.
#[derive(QueryableByName)]
struct HolderRow {
    #[diesel(sql_type = SqlUuid)]
    message_id: Uuid,
    #[diesel(sql_type = Bool)]
    is_written_to: bool,
}

const HOLDER: &str = "SELECT r.message_id, EXISTS (SELECT 1 FROM messages m \
       WHERE m.workspace_id = $3 AND m.id = r.message_id OFFSET 0) AS is_written_to \
     FROM campaign_recipients r WHERE r.run_id = $1 AND r.phone = $2";

/// Frees the number of `$2`, and keeps it as a negative one until it is given to somebody.
const ASIDE: &str = "UPDATE campaign_recipients r SET phone = -r.phone \
     WHERE r.campaign_id = $1 AND r.message_id = $2";
const HAND_ON: &str = "UPDATE campaign_recipients r SET phone = -o.phone \
     FROM campaign_recipients o WHERE r.campaign_id = $1 AND r.message_id = $3 \
       AND o.campaign_id = $1 AND o.message_id = $2";
const TAKE: &str = "UPDATE campaign_recipients r SET phone = $3 \
     WHERE r.campaign_id = $1 AND r.message_id = $2";

/// One after the other: they are few, and people exchange numbers, or hand them on.
pub(super) async fn renumber(
    conn: &mut AsyncPgConnection,
    campaign: &Campaign,
    run: RunId,
    changed: &[(MessageId, Phone)],
) -> Result<Vec<MessageId>, StoreError> {
    let mut taken = Vec::new();
    for (message, number) in changed {
        let holder: Option<HolderRow> = sql(HOLDER)
            .bind::<SqlUuid, _>(run.uuid())
            .bind::<BigInt, _>(number.to_i64())
            .bind::<SqlUuid, _>(campaign.workspace.id.uuid())
            .get_result(&mut *conn)
            .await
            .optional()
            .map_err(failed)?;
        match holder {
            // Whoever had it took the old one in exchange.
            Some(holder) if holder.message_id == message.uuid() => continue,
            Some(holder) if holder.is_written_to => {
                taken.push(*message);
                continue;
            }
            Some(holder) => {
                of(ASIDE, campaign, *message)
                    .execute(&mut *conn)
                    .await
                    .map_err(failed)?;
                of(HAND_ON, campaign, *message)
                    .bind::<SqlUuid, _>(holder.message_id)
                    .execute(&mut *conn)
                    .await
                    .map_err(failed)?;
            }
            None => {}
        }
        of(TAKE, campaign, *message)
            .bind::<BigInt, _>(number.to_i64())
            .execute(&mut *conn)
            .await
            .map_err(failed)?;
    }
    Ok(taken)
}

/// A statement about a recipient.
fn of(statement: &'static str, campaign: &Campaign, message: MessageId) -> Sql<'static> {
    sql(statement)
        .bind::<SqlUuid, _>(campaign.id.uuid())
        .bind::<SqlUuid, _>(message.uuid())
}

pub(super) async fn take_ready(
    conn: &mut AsyncPgConnection,
    campaign: &Campaign,
    undo: Undo,
) -> Result<Vec<QueueEntry>, StoreError> {
    let rows: Vec<QueueRow> = sql(concat!(
        "DELETE FROM queue q WHERE q.ctid = ANY (ARRAY( \
           SELECT o.ctid FROM queue o \
           WHERE uuid_send(o.instance_id) = uuid_send($1) AND o.class = 2 AND o.state = 1 \
             AND o.campaign_id = $2 \
             AND (o.attempt = 0 OR NOT $3) \
           ORDER BY o.message_id FOR UPDATE SKIP LOCKED)) RETURNING ",
        queue_columns!()
    ))
    .bind::<SqlUuid, _>(campaign.instance.uuid())
    .bind::<SqlUuid, _>(campaign.id.uuid())
    .bind::<Bool, _>(undo == Undo::Unstarted)
    .get_results(conn)
    .await
    .map_err(failed)?;
    entries(rows)
}

pub(super) async fn unmake(
    conn: &mut AsyncPgConnection,
    workspace: WorkspaceId,
    messages: &[MessageId],
) -> Result<(), StoreError> {
    sql("DELETE FROM messages m USING UNNEST($2) AS k (id) \
         WHERE m.workspace_id = $1 AND m.id = k.id")
    .bind::<SqlUuid, _>(workspace.uuid())
    .bind::<Array<SqlUuid>, _>(each(messages, |id| id.uuid()))
    .execute(conn)
    .await
    .map(drop)
    .map_err(failed)
}

pub(super) async fn reopen(
    conn: &mut AsyncPgConnection,
    campaign: &Campaign,
    until: Option<OffsetDateTime>,
) -> Result<(), StoreError> {
    sql("UPDATE queue q SET until = $3 \
         WHERE uuid_send(q.instance_id) = uuid_send($1) AND q.class = 2 AND q.state = 1 \
           AND q.campaign_id = $2 AND q.until IS DISTINCT FROM $3")
    .bind::<SqlUuid, _>(campaign.instance.uuid())
    .bind::<SqlUuid, _>(campaign.id.uuid())
    .bind::<Nullable<Timestamptz>, _>(until)
    .execute(conn)
    .await
    .map(drop)
    .map_err(failed)
}
