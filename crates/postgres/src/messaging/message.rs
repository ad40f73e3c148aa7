//! Messages.

use std::collections::HashSet;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Bool, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use msgflash_kernel::{
    AccountId, Cursor, Id, Page, PageRequest, Phone, StoreError, Workspace, WorkspaceId,
};
use msgflash_messaging::message::OPT_OUT_CONFIRMATION;
use msgflash_messaging::message::ports::{MessageFilter, MessageReader, MessageStore};
use msgflash_messaging::{InstanceId, Message, MessageId, MessageKind, MessageStatus};
use msgflash_quotas::Period;
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::instance::phone;
use crate::columns::{each, first_id};
use crate::error::{expect_rows, failed};
use crate::pool::Postgres;
use crate::schema::messages;
use crate::sql::sql;
use crate::unit::PgUnit;

/// The columns of a [`MessageRow`] by name: a statement that says `*` fails on connections that are open while a
/// migration adds one.
macro_rules! message_columns {
    () => {
        "m.workspace_id, m.id, m.account_id, m.team_id, m.acting_user_id, m.instance_id, \
         m.contact_id, m.campaign_id, m.inbound, m.kind, m.peer, m.own_number, m.body, \
         m.media_url, m.status, m.charged_period, m.error, m.meta, m.provider_message_id, m.scheduled_at, \
         m.request_id, m.created_at, m.updated_at"
    };
}

#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = messages, check_for_backend(diesel::pg::Pg))]
pub(super) struct MessageRow {
    workspace_id: Uuid,
    id: Uuid,
    account_id: Uuid,
    team_id: Option<Uuid>,
    acting_user_id: Uuid,
    instance_id: Uuid,
    contact_id: Option<Uuid>,
    campaign_id: Option<Uuid>,
    inbound: bool,
    kind: String,
    peer: Option<i64>,
    own_number: Option<i64>,
    body: Option<String>,
    media_url: Option<String>,
    status: i16,
    charged_period: Option<i32>,
    error: Option<String>,
    meta: Value,
    provider_message_id: Option<String>,
    scheduled_at: Option<OffsetDateTime>,
    request_id: Option<String>,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl TryFrom<MessageRow> for Message {
    type Error = StoreError;

    fn try_from(row: MessageRow) -> Result<Self, StoreError> {
        let charged = |stored: i32| {
            Period::from_i32(stored)
                .ok_or_else(|| StoreError::corrupt("messages.charged_period", stored.to_string()))
        };
        let Value::Object(meta) = row.meta else {
            return Err(StoreError::corrupt("messages.meta", "not an object"));
        };
        Ok(Self {
            id: Id::new(row.id),
            workspace: Workspace {
                id: Id::new(row.workspace_id),
                account: Id::new(row.account_id),
                team: row.team_id.map(Id::new),
            },
            acting_user: Id::new(row.acting_user_id),
            instance: Id::new(row.instance_id),
            contact: row.contact_id.map(Id::new),
            campaign: row.campaign_id.map(Id::new),
            inbound: row.inbound,
            kind: MessageKind::parse(&row.kind)
                .ok_or_else(|| StoreError::corrupt("messages.kind", row.kind))?,
            peer: row.peer.map(phone).transpose()?,
            own_number: row.own_number.map(phone).transpose()?,
            body: row.body,
            media_url: row.media_url,
            status: MessageStatus::from_i16(row.status)
                .ok_or_else(|| StoreError::corrupt("messages.status", row.status.to_string()))?,
            error: row.error,
            meta,
            provider_message_id: row.provider_message_id,
            charged_to: row.charged_period.map(charged).transpose()?,
            scheduled_at: row.scheduled_at,
            request_id: row.request_id,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

#[async_trait]
impl MessageReader for Postgres {
    async fn find(
        &self,
        workspace: WorkspaceId,
        id: MessageId,
    ) -> Result<Option<Message>, StoreError> {
        let mut conn = self.conn().await?;
        let row = messages::table
            .find((workspace.uuid(), id.uuid()))
            .select(MessageRow::as_select())
            .first(&mut conn)
            .await
            .optional()
            .map_err(failed)?;
        let mut found: Vec<Message> = row
            .map(Message::try_from)
            .transpose()?
            .into_iter()
            .collect();
        forget_gone_contacts(&mut conn, workspace, &mut found).await?;
        Ok(found.pop())
    }

    async fn page(
        &self,
        workspace: WorkspaceId,
        filter: &MessageFilter,
        page: &PageRequest,
    ) -> Result<Page<Message>, StoreError> {
        // Ids are UUIDv7, so their order is the order of creation and the key serves as cursor.
        let mut query = messages::table
            .filter(messages::workspace_id.eq(workspace.uuid()))
            .order(messages::id.desc())
            .limit(i64::from(page.limit) + 1)
            .select(MessageRow::as_select())
            .into_boxed();
        if let Some(after) = &page.after {
            let id = MessageId::parse(after.key())
                .ok_or_else(|| StoreError::corrupt("cursor", "not a message id"))?;
            query = query.filter(messages::id.lt(id.uuid()));
        }
        if let Some(instance) = filter.instance {
            query = query.filter(messages::instance_id.eq(instance.uuid()));
        }
        if let Some(status) = filter.status {
            query = query.filter(messages::status.eq(status.to_i16()));
        }
        if let Some(campaign) = filter.campaign {
            // Its messages are younger than it is.
            query = query
                .filter(messages::campaign_id.eq(campaign.uuid()))
                .filter(messages::id.gt(campaign.uuid()));
        }
        if let Some(to) = filter.to {
            query = query.filter(
                messages::peer
                    .eq(to.to_i64())
                    .and(messages::inbound.eq(false)),
            );
        }
        if let Some(inbound) = filter.inbound {
            query = query.filter(messages::inbound.eq(inbound));
        }
        if let Some(from) = filter.from {
            query = query.filter(messages::created_at.ge(from));
        }
        if let Some(until) = filter.until {
            query = query.filter(messages::created_at.lt(until));
        }
        let mut conn = self.conn().await?;
        let rows: Vec<MessageRow> = query.load(&mut conn).await.map_err(failed)?;
        let mut found = rows
            .into_iter()
            .map(Message::try_from)
            .collect::<Result<Vec<_>, _>>()?;
        forget_gone_contacts(&mut conn, workspace, &mut found).await?;
        let scope = filter.scope();
        Ok(Page::cut(found, page.limit, |last| {
            Cursor::new(scope.clone(), last.id.to_string())
        }))
    }
}

#[async_trait]
impl MessageStore for PgUnit {
    async fn insert(&mut self, new: &[Message]) -> Result<(), StoreError> {
        insert_messages(self.conn(), &new.iter().collect::<Vec<_>>()).await
    }

    async fn lock(
        &mut self,
        keys: &[(WorkspaceId, MessageId)],
    ) -> Result<Vec<Message>, StoreError> {
        let rows: Vec<MessageRow> = sql(concat!(
            "SELECT ",
            message_columns!(),
            " FROM messages m \
             JOIN UNNEST($1, $2) AS k (workspace_id, id) \
               ON m.workspace_id = k.workspace_id AND m.id = k.id \
             ORDER BY m.workspace_id, m.id FOR NO KEY UPDATE OF m"
        ))
        .bind::<Array<SqlUuid>, _>(each(keys, |(workspace, _)| workspace.uuid()))
        .bind::<Array<SqlUuid>, _>(each(keys, |(_, id)| id.uuid()))
        .get_results(self.conn())
        .await
        .map_err(failed)?;
        rows.into_iter().map(Message::try_from).collect()
    }

    async fn update(&mut self, changed: &[Message]) -> Result<(), StoreError> {
        let count = sql(
            "UPDATE messages m SET status = u.status, charged_period = u.charged_period, \
               error = u.error, meta = u.meta, provider_message_id = u.provider_message_id, \
               updated_at = u.updated_at \
             FROM UNNEST($1, $2, $3, $4, $5, $6, $7, $8) \
               AS u (workspace_id, id, status, charged_period, error, meta, \
                 provider_message_id, updated_at) \
             WHERE m.workspace_id = u.workspace_id AND m.id = u.id",
        )
        .bind::<Array<SqlUuid>, _>(each(changed, |it| it.workspace.id.uuid()))
        .bind::<Array<SqlUuid>, _>(each(changed, |it| it.id.uuid()))
        .bind::<Array<SmallInt>, _>(each(changed, |it| it.status.to_i16()))
        .bind::<Array<Nullable<Integer>>, _>(each(changed, |it| it.charged_to.map(Period::to_i32)))
        .bind::<Array<Nullable<Text>>, _>(each(changed, |it| it.error.clone()))
        .bind::<Array<Jsonb>, _>(each(changed, |it| Value::Object(it.meta.clone())))
        .bind::<Array<Nullable<Text>>, _>(each(changed, |it| it.provider_message_id.clone()))
        .bind::<Array<Timestamptz>, _>(each(changed, |it| it.updated_at))
        .execute(self.conn())
        .await
        .map_err(failed)?;
        expect_rows(count, changed.len(), "messages")
    }

    async fn last_outbound(
        &mut self,
        workspace: WorkspaceId,
        instance: InstanceId,
        peer: Phone,
    ) -> Result<Option<Message>, StoreError> {
        let row = messages::table
            .filter(messages::workspace_id.eq(workspace.uuid()))
            .filter(messages::peer.eq(peer.to_i64()))
            .filter(messages::instance_id.eq(instance.uuid()))
            .filter(messages::inbound.eq(false))
            .order(messages::id.desc())
            .select(MessageRow::as_select())
            .first(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        row.map(Message::try_from).transpose()
    }

    async fn confirmed_since(
        &mut self,
        workspace: WorkspaceId,
        peer: Phone,
        since: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        // Ids are in the order of time: what is older is not looked at.
        let row: ThereRow = sql("SELECT EXISTS (SELECT 1 FROM messages m              WHERE m.workspace_id = $1 AND m.peer = $2 AND m.id >= $3 AND NOT m.inbound                AND (m.meta -> $4) IS NOT NULL) AS there")
        .bind::<SqlUuid, _>(workspace.uuid())
        .bind::<BigInt, _>(peer.to_i64())
        .bind::<SqlUuid, _>(first_id(since))
        .bind::<Text, _>(OPT_OUT_CONFIRMATION)
        .get_result(self.conn())
        .await
        .map_err(failed)?;
        Ok(row.there)
    }

    async fn last_writer(
        &mut self,
        account: AccountId,
        instance: InstanceId,
        peer: Phone,
    ) -> Result<Option<Workspace>, StoreError> {
        // One index look-up per workspace of the account, of which there are few. The ids of a campaign's
        // messages are older than they are, so the last by its id may not be the last. A team that was
        // deleted hears nothing any more.
        let found: Option<WriterRow> = sql("SELECT last.workspace_id, last.team_id \
             FROM (SELECT $1 AS id \
                   UNION ALL SELECT id FROM teams WHERE owner_id = $1 AND deleted_at IS NULL) w \
             CROSS JOIN LATERAL ( \
               SELECT m.workspace_id, m.team_id, m.created_at, m.id FROM ( \
                 SELECT workspace_id, team_id, created_at, id FROM messages \
                 WHERE workspace_id = w.id AND peer = $3 AND instance_id = $2 AND NOT inbound \
                 ORDER BY id DESC LIMIT 20) m \
               ORDER BY m.created_at DESC, m.id DESC LIMIT 1) last \
             ORDER BY last.created_at DESC, last.id DESC LIMIT 1")
        .bind::<SqlUuid, _>(account.uuid())
        .bind::<SqlUuid, _>(instance.uuid())
        .bind::<BigInt, _>(peer.to_i64())
        .get_result(self.conn())
        .await
        .optional()
        .map_err(failed)?;
        Ok(found.map(|row| Workspace {
            id: Id::new(row.workspace_id),
            account,
            team: row.team_id.map(Id::new),
        }))
    }
}

/// Messages outlive the contacts they were linked to; whoever looks is not sent to nobody.
///
/// Looked up when messages are read: deleting a contact would have to touch all of them.
async fn forget_gone_contacts(
    conn: &mut AsyncPgConnection,
    workspace: WorkspaceId,
    messages: &mut [Message],
) -> Result<(), StoreError> {
    let linked: Vec<Uuid> = messages
        .iter()
        .filter_map(|it| it.contact.map(Id::uuid))
        .collect();
    if linked.is_empty() {
        return Ok(());
    }
    let there: Vec<ContactIdRow> = sql(
        "SELECT c.id FROM UNNEST($2) AS k (id) CROSS JOIN LATERAL ( \
           SELECT c.id FROM contacts c WHERE c.workspace_id = $1 AND c.id = k.id OFFSET 0) c",
    )
    .bind::<SqlUuid, _>(workspace.uuid())
    .bind::<Array<SqlUuid>, _>(linked)
    .get_results(conn)
    .await
    .map_err(failed)?;
    let there: HashSet<Uuid> = there.into_iter().map(|row| row.id).collect();
    for message in messages {
        message.contact = message.contact.filter(|id| there.contains(&id.uuid()));
    }
    Ok(())
}

#[derive(QueryableByName)]
struct ContactIdRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Reads messages by their keys; those not there are left out.
pub(super) async fn read_messages(
    conn: &mut AsyncPgConnection,
    keys: &[(WorkspaceId, MessageId)],
) -> Result<Vec<Result<Message, StoreError>>, StoreError> {
    let rows: Vec<MessageRow> = sql(concat!(
        "SELECT ",
        message_columns!(),
        // A range of one id can only be had from the primary key, whatever the planner takes the table for.
        " FROM UNNEST($1, $2) AS k (workspace_id, id) CROSS JOIN LATERAL ( \
             SELECT m.* FROM messages m WHERE m.workspace_id = k.workspace_id \
               AND m.id BETWEEN k.id AND k.id ORDER BY m.id LIMIT 1) m"
    ))
    .bind::<Array<SqlUuid>, _>(each(keys, |(workspace, _)| workspace.uuid()))
    .bind::<Array<SqlUuid>, _>(each(keys, |(_, id)| id.uuid()))
    .get_results(conn)
    .await
    .map_err(failed)?;
    Ok(rows.into_iter().map(Message::try_from).collect())
}

/// Stores new messages. None of them is charged yet.
pub(super) async fn insert_messages(
    mut conn: &AsyncPgConnection,
    new: &[&Message],
) -> Result<(), StoreError> {
    sql(
        "INSERT INTO messages (workspace_id, id, account_id, team_id, acting_user_id, \
           instance_id, contact_id, campaign_id, inbound, kind, peer, own_number, body, \
           media_url, status, error, meta, provider_message_id, scheduled_at, request_id, \
           created_at, updated_at) \
         SELECT * FROM UNNEST($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, \
           $15, $16, $17, $18, $19, $20, $21, $22)",
    )
    .bind::<Array<SqlUuid>, _>(each(new, |it| it.workspace.id.uuid()))
    .bind::<Array<SqlUuid>, _>(each(new, |it| it.id.uuid()))
    .bind::<Array<SqlUuid>, _>(each(new, |it| it.workspace.account.uuid()))
    .bind::<Array<Nullable<SqlUuid>>, _>(each(new, |it| it.workspace.team.map(Id::uuid)))
    .bind::<Array<SqlUuid>, _>(each(new, |it| it.acting_user.uuid()))
    .bind::<Array<SqlUuid>, _>(each(new, |it| it.instance.uuid()))
    .bind::<Array<Nullable<SqlUuid>>, _>(each(new, |it| it.contact.map(Id::uuid)))
    .bind::<Array<Nullable<SqlUuid>>, _>(each(new, |it| it.campaign.map(Id::uuid)))
    .bind::<Array<Bool>, _>(each(new, |it| it.inbound))
    .bind::<Array<Text>, _>(each(new, |it| it.kind.as_str()))
    .bind::<Array<Nullable<BigInt>>, _>(each(new, |it| it.peer.map(Phone::to_i64)))
    .bind::<Array<Nullable<BigInt>>, _>(each(new, |it| it.own_number.map(Phone::to_i64)))
    .bind::<Array<Nullable<Text>>, _>(each(new, |it| it.body.clone()))
    .bind::<Array<Nullable<Text>>, _>(each(new, |it| it.media_url.clone()))
    .bind::<Array<SmallInt>, _>(each(new, |it| it.status.to_i16()))
    .bind::<Array<Nullable<Text>>, _>(each(new, |it| it.error.clone()))
    .bind::<Array<Jsonb>, _>(each(new, |it| Value::Object(it.meta.clone())))
    .bind::<Array<Nullable<Text>>, _>(each(new, |it| it.provider_message_id.clone()))
    .bind::<Array<Nullable<Timestamptz>>, _>(each(new, |it| it.scheduled_at))
    .bind::<Array<Nullable<Text>>, _>(each(new, |it| it.request_id.clone()))
    .bind::<Array<Timestamptz>, _>(each(new, |it| it.created_at))
    .bind::<Array<Timestamptz>, _>(each(new, |it| it.updated_at))
    .execute(&mut conn)
    .await
    .map(drop)
    .map_err(failed)
}

#[derive(QueryableByName)]
struct ThereRow {
    #[diesel(sql_type = Bool)]
    there: bool,
}

#[derive(QueryableByName)]
struct WriterRow {
    #[diesel(sql_type = SqlUuid)]
    workspace_id: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    team_id: Option<Uuid>,
}
