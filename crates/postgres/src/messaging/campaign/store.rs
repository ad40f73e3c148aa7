//! Changing campaigns.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{Id, Outbox, Phone, ReplayStore, StoreError, UserId, WorkspaceId};
use msgflash_messaging::campaign::ports::{
    CampaignStore, CampaignUnit, CampaignUnits, Expanded, Slice, TallyStore, Undo,
};
use msgflash_messaging::campaign::recipient::{Pending, Skip};
use msgflash_messaging::campaign::{Campaign, CampaignContent, CampaignId, Counters, RunId};
use msgflash_messaging::dispatch::QueueEntry;
use msgflash_messaging::dispatch::ports::QueueStore;
use msgflash_messaging::message::ports::{MessageStore, Wait};
use msgflash_messaging::{Instance, InstanceId, MessageId};
use msgflash_quotas::LedgerStore;
use serde_json::Value;
use time::OffsetDateTime;

use super::{CampaignRow, CountersRow, campaign_columns, expand, made, value};
use crate::error::{broken_constraint, failed};
use crate::messaging::accepting::members;
use crate::messaging::lanes::links;
use crate::pool::Postgres;
use crate::sql::sql;
use crate::teams::remains::not_deleted;
use crate::unit::PgUnit;

const INSERT: &str = "INSERT INTO campaigns (id, workspace_id, account_id, team_id, \
       acting_user_id, instance_id, name, template_id, variables, content, audience, schedule, \
       repeat, send_by, send_window, retry_of, status, turn_at, created_at, updated_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
       $19, $20)";

const UPDATE: &str = "UPDATE campaigns SET schedule = $2, status = $3, error = $4, run_id = $5, \
       run_started_at = $6, expand_list = $7, expand_after = $8, made_to = $9, made_most = $10, \
       processing_started_at = $11, last_enqueued_at = $12, completed_at = $13, \
       cancelled_at = $14, turn_at = $15, deleted_at = $16, updated_at = $17 WHERE id = $1";

impl CampaignUnit for PgUnit {
    fn replays(&mut self) -> &mut dyn ReplayStore {
        self
    }
    fn campaigns(&mut self) -> &mut dyn CampaignStore {
        self
    }
    fn ledger(&mut self) -> &mut dyn LedgerStore {
        self
    }
    fn queue(&mut self) -> &mut dyn QueueStore {
        self
    }
    fn messages(&mut self) -> &mut dyn MessageStore {
        self
    }
    fn tallies(&mut self) -> &mut dyn TallyStore {
        self
    }
    fn outbox(&mut self) -> &mut dyn Outbox {
        self
    }
}

#[async_trait]
impl CampaignUnits for Postgres {
    async fn begin(&self) -> Result<Box<dyn CampaignUnit>, StoreError> {
        Ok(Box::new(self.unit().await?))
    }
}

#[async_trait]
impl CampaignStore for PgUnit {
    async fn insert(&mut self, it: &Campaign) -> Result<(), StoreError> {
        let (content, template, variables) = match &it.content {
            CampaignContent::Direct(content) => (Some(value::of_content(content)), None, None),
            CampaignContent::Template {
                template,
                variables,
            } => (
                None,
                template.map(Id::uuid),
                Some(Value::Object(variables.clone())),
            ),
        };
        sql(INSERT)
            .bind::<SqlUuid, _>(it.id.uuid())
            .bind::<SqlUuid, _>(it.workspace.id.uuid())
            .bind::<SqlUuid, _>(it.workspace.account.uuid())
            .bind::<Nullable<SqlUuid>, _>(it.workspace.team.map(Id::uuid))
            .bind::<SqlUuid, _>(it.acting_user.uuid())
            .bind::<SqlUuid, _>(it.instance.uuid())
            .bind::<Text, _>(it.name.clone())
            .bind::<Nullable<SqlUuid>, _>(template)
            .bind::<Nullable<Jsonb>, _>(variables)
            .bind::<Nullable<Jsonb>, _>(content)
            .bind::<Jsonb, _>(value::of_audience(&it.audience))
            .bind::<Timestamptz, _>(it.schedule)
            .bind::<Text, _>(it.repeat.as_str())
            .bind::<Nullable<Timestamptz>, _>(it.send_by)
            .bind::<Nullable<Jsonb>, _>(it.window.as_ref().map(value::of_window))
            .bind::<Nullable<SqlUuid>, _>(it.retry_of.map(Id::uuid))
            .bind::<Text, _>(it.status.as_str())
            .bind::<Nullable<Timestamptz>, _>(it.turn_at)
            .bind::<Timestamptz, _>(it.created_at)
            .bind::<Timestamptz, _>(it.updated_at)
            .execute(self.conn())
            .await
            .map_err(|cause| {
                if broken_constraint(&cause) == Some("campaigns_one_retry") {
                    StoreError::Stale("campaigns.retry_of")
                } else {
                    failed(cause)
                }
            })?;
        sql("INSERT INTO campaign_counters (campaign_id) VALUES ($1)")
            .bind::<SqlUuid, _>(it.id.uuid())
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn claim(
        &mut self,
        id: CampaignId,
        now: OffsetDateTime,
    ) -> Result<Option<Campaign>, StoreError> {
        let held: Option<IdRow> = sql(concat!(
            "SELECT c.id FROM campaigns c WHERE c.id = $1 AND c.turn_at <= $2 AND ",
            not_deleted!("c.workspace_id"),
            " FOR NO KEY UPDATE OF c SKIP LOCKED"
        ))
        .bind::<SqlUuid, _>(id.uuid())
        .bind::<Timestamptz, _>(now)
        .get_result(self.conn())
        .await
        .optional()
        .map_err(failed)?;
        match held {
            Some(_) => self.held_campaign(id).await,
            None => Ok(None),
        }
    }

    async fn lock(
        &mut self,
        workspace: WorkspaceId,
        id: CampaignId,
    ) -> Result<Option<Campaign>, StoreError> {
        let held: Option<IdRow> = sql(
            "SELECT c.id FROM campaigns c WHERE c.id = $1 AND c.workspace_id = $2 \
               AND c.deleted_at IS NULL FOR NO KEY UPDATE",
        )
        .bind::<SqlUuid, _>(id.uuid())
        .bind::<SqlUuid, _>(workspace.uuid())
        .get_result(self.conn())
        .await
        .optional()
        .map_err(failed)?;
        match held {
            Some(_) => self.held_campaign(id).await,
            None => Ok(None),
        }
    }

    async fn hold_lane(&mut self, lane: InstanceId) -> Result<(), StoreError> {
        // Lanes come with the next look of a worker after their instance; here it must be there.
        for statement in [
            "INSERT INTO lanes (instance_id) VALUES ($1) ON CONFLICT DO NOTHING",
            "SELECT 1 FROM lanes WHERE instance_id = $1 FOR NO KEY UPDATE",
        ] {
            sql(statement)
                .bind::<SqlUuid, _>(lane.uuid())
                .execute(self.conn())
                .await
                .map_err(failed)?;
        }
        Ok(())
    }

    async fn instance(&mut self, campaign: &Campaign) -> Result<Option<Instance>, StoreError> {
        Ok(links(self.conn(), &[campaign.instance]).await?.pop())
    }

    async fn lock_counters(&mut self, id: CampaignId) -> Result<Counters, StoreError> {
        let row: CountersRow = sql(
            "SELECT n.planned, n.queued, n.sent, n.delivered, n.read, n.failed, n.cancelled, \
               n.skipped, n.made, n.last_activity_at \
             FROM campaign_counters n WHERE n.campaign_id = $1 FOR NO KEY UPDATE",
        )
        .bind::<SqlUuid, _>(id.uuid())
        .get_result(self.conn())
        .await
        .map_err(failed)?;
        Ok(Counters::from(&row))
    }

    async fn update(&mut self, it: &Campaign) -> Result<(), StoreError> {
        let run = it.run.as_ref();
        let place = run.and_then(|run| run.expansion);
        sql(UPDATE)
            .bind::<SqlUuid, _>(it.id.uuid())
            .bind::<Timestamptz, _>(it.schedule)
            .bind::<Text, _>(it.status.as_str())
            .bind::<Nullable<Text>, _>(it.error.clone())
            .bind::<Nullable<SqlUuid>, _>(run.map(|run| run.id.uuid()))
            .bind::<Nullable<Timestamptz>, _>(run.map(|run| run.started_at))
            .bind::<Nullable<Integer>, _>(place.map(|it| i32::try_from(it.list).unwrap_or(0)))
            .bind::<Nullable<SqlUuid>, _>(place.map(|it| it.after))
            .bind::<Nullable<SqlUuid>, _>(run.map(|run| run.made_to))
            .bind::<Nullable<SqlUuid>, _>(run.map(|run| run.made_most))
            .bind::<Nullable<Timestamptz>, _>(it.processing_started_at)
            .bind::<Nullable<Timestamptz>, _>(it.last_enqueued_at)
            .bind::<Nullable<Timestamptz>, _>(it.completed_at)
            .bind::<Nullable<Timestamptz>, _>(it.cancelled_at)
            .bind::<Nullable<Timestamptz>, _>(it.turn_at)
            .bind::<Nullable<Timestamptz>, _>(it.deleted_at)
            .bind::<Timestamptz, _>(it.updated_at)
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn expand<'a>(&mut self, slice: Slice<'a>) -> Result<Expanded, StoreError> {
        expand::expand(self.conn(), slice).await
    }

    async fn pending(
        &mut self,
        campaign: &Campaign,
        limit: u32,
    ) -> Result<Vec<Pending>, StoreError> {
        made::pending(self.conn(), campaign, limit).await
    }

    async fn skip(
        &mut self,
        campaign: CampaignId,
        skipped: &[(MessageId, Skip)],
    ) -> Result<(), StoreError> {
        made::skip(self.conn(), campaign, skipped).await
    }

    async fn renumber(
        &mut self,
        campaign: &Campaign,
        run: RunId,
        changed: &[(MessageId, Phone)],
    ) -> Result<Vec<MessageId>, StoreError> {
        made::renumber(self.conn(), campaign, run, changed).await
    }

    async fn take_ready(
        &mut self,
        campaign: &Campaign,
        undo: Undo,
    ) -> Result<Vec<QueueEntry>, StoreError> {
        made::take_ready(self.conn(), campaign, undo).await
    }

    async fn unmake(
        &mut self,
        workspace: WorkspaceId,
        messages: &[MessageId],
    ) -> Result<(), StoreError> {
        made::unmake(self.conn(), workspace, messages).await
    }

    async fn reopen(
        &mut self,
        campaign: &Campaign,
        until: Option<OffsetDateTime>,
    ) -> Result<(), StoreError> {
        made::reopen(self.conn(), campaign, until).await
    }

    async fn forget(&mut self, campaign: CampaignId, limit: u32) -> Result<bool, StoreError> {
        let reader: Option<IdRow> = sql("SELECT c.id FROM campaigns c \
             WHERE c.retry_of = $1 AND c.deleted_at IS NULL \
               AND c.status NOT IN ('completed', 'cancelled', 'failed') \
               AND (c.run_id IS NULL OR c.expand_list IS NOT NULL) LIMIT 1")
        .bind::<SqlUuid, _>(campaign.uuid())
        .get_result(self.conn())
        .await
        .optional()
        .map_err(failed)?;
        if reader.is_some() {
            return Ok(true);
        }
        let gone = sql("DELETE FROM campaign_recipients r USING ( \
               SELECT d.run_id, d.phone FROM campaign_recipients d WHERE d.campaign_id = $1 \
               ORDER BY d.message_id LIMIT $2) k \
             WHERE r.run_id = k.run_id AND r.phone = k.phone")
        .bind::<SqlUuid, _>(campaign.uuid())
        .bind::<BigInt, _>(i64::from(limit))
        .execute(self.conn())
        .await
        .map_err(failed)?;
        Ok(gone >= limit as usize)
    }

    async fn hold_member(&mut self, campaign: &Campaign, user: UserId) -> Result<bool, StoreError> {
        let Some(team) = campaign.workspace.team else {
            return Ok(true);
        };
        let held = members::hold(self.conn(), &[(team, user)], Wait::Yes).await?;
        Ok(!held.is_empty())
    }
}

impl PgUnit {
    /// A campaign that is held, as its last holder left it: a statement of its own sees that.
    async fn held_campaign(&mut self, id: CampaignId) -> Result<Option<Campaign>, StoreError> {
        let row: Option<CampaignRow> = sql(concat!(
            "SELECT ",
            campaign_columns!(),
            " FROM campaigns c JOIN campaign_counters n ON n.campaign_id = c.id WHERE c.id = $1"
        ))
        .bind::<SqlUuid, _>(id.uuid())
        .get_result(self.conn())
        .await
        .optional()
        .map_err(failed)?;
        row.map(Campaign::try_from).transpose()
    }
}

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = SqlUuid)]
    #[expect(dead_code, reason = "that there is one says enough")]
    id: uuid::Uuid,
}
