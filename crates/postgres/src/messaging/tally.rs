//! Counters of campaigns, written when their unit commits.

use std::collections::BTreeMap;

use async_trait::async_trait;
use diesel::sql_types::{Array, BigInt, SmallInt, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use msgflash_kernel::StoreError;
use msgflash_messaging::MessageId;
use msgflash_messaging::campaign::ports::TallyStore;
use msgflash_messaging::campaign::recipient::Skip;
use msgflash_messaging::campaign::{CampaignId, Tally};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::columns::each;
use crate::error::failed;
use crate::sql::sql;
use crate::unit::PgUnit;

/// What a unit counted so far.
#[derive(Default)]
pub(crate) struct Tallies {
    changes: BTreeMap<Uuid, Tally>,
    at: Option<OffsetDateTime>,
}

impl Tallies {
    fn note(&mut self, campaign: CampaignId, change: Tally, now: OffsetDateTime) {
        *self.changes.entry(campaign.uuid()).or_default() += change;
        self.at = self.at.max(Some(now));
    }

    /// Writes what was counted, in the order of the campaigns, in which everybody locks them.
    pub(crate) async fn write(self, conn: &mut AsyncPgConnection) -> Result<(), StoreError> {
        let Self { changes, at } = self;
        let changes: Vec<_> = changes
            .into_iter()
            .filter(|(_, change)| !change.is_nothing())
            .collect();
        let Some(now) = at.filter(|_| !changes.is_empty()) else {
            return Ok(());
        };
        let column = |of: fn(&Tally) -> i64| each(&changes, |(_, change)| of(change));
        sql(
            "WITH k AS MATERIALIZED ( SELECT a.*, r.place FROM UNNEST($1, $2, $3, $4, $5, $6, \
             $7, $8, $9, $10) AS a (campaign_id, planned, queued, sent, delivered, read, failed, \
             cancelled, skipped, made) CROSS JOIN LATERAL ( SELECT r.ctid AS place FROM \
             campaign_counters r WHERE r.campaign_id = a.campaign_id FOR NO KEY UPDATE) r) \
             UPDATE campaign_counters c SET planned = c.planned + k.planned, \
             queued = c.queued + k.queued, sent = c.sent + k.sent, \
             delivered = c.delivered + k.delivered, read = c.read + k.read, \
             failed = c.failed + k.failed, cancelled = c.cancelled + k.cancelled, \
             skipped = c.skipped + k.skipped, made = c.made + k.made, \
             last_activity_at = GREATEST(c.last_activity_at, $11) \
             FROM k WHERE c.campaign_id = k.campaign_id",
        )
        .bind::<Array<SqlUuid>, _>(each(&changes, |(id, _)| *id))
        .bind::<Array<BigInt>, _>(column(|it| it.planned))
        .bind::<Array<BigInt>, _>(column(|it| it.queued))
        .bind::<Array<BigInt>, _>(column(|it| it.sent))
        .bind::<Array<BigInt>, _>(column(|it| it.delivered))
        .bind::<Array<BigInt>, _>(column(|it| it.read))
        .bind::<Array<BigInt>, _>(column(|it| it.failed))
        .bind::<Array<BigInt>, _>(column(|it| it.cancelled))
        .bind::<Array<BigInt>, _>(column(|it| it.skipped))
        .bind::<Array<BigInt>, _>(column(|it| it.made))
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await
        .map(drop)
        .map_err(failed)
    }
}

#[async_trait]
impl TallyStore for PgUnit {
    fn tally(&mut self, campaign: CampaignId, change: Tally, now: OffsetDateTime) {
        self.tallies().note(campaign, change, now);
    }

    async fn leave_out(
        &mut self,
        campaign: CampaignId,
        messages: &[MessageId],
        why: Skip,
    ) -> Result<(), StoreError> {
        let ids = each(messages, |id| id.uuid());
        sql(
            "DELETE FROM messages m USING campaigns c, UNNEST($2) AS k (id) \
             WHERE c.id = $1 AND m.workspace_id = c.workspace_id AND m.id = k.id",
        )
        .bind::<SqlUuid, _>(campaign.uuid())
        .bind::<Array<SqlUuid>, _>(ids.clone())
        .execute(self.conn())
        .await
        .map_err(failed)?;
        sql(
            "UPDATE campaign_recipients r SET skip = $3 FROM UNNEST($2) AS k (id) \
             WHERE r.campaign_id = $1 AND r.message_id = k.id",
        )
        .bind::<SqlUuid, _>(campaign.uuid())
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<SmallInt, _>(why.to_i16())
        .execute(self.conn())
        .await
        .map(drop)
        .map_err(failed)
    }
}
