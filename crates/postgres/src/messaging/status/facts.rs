//! What is true about a status that is to be published, held until it is recorded.
//!
//! Each look is a statement of its own after what it is about was held, so it sees what whoever held
//! that before has committed. Everybody locks in this order: the usage row, the team, its members,
//! instances.

use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::StoreError;
use msgflash_messaging::InstanceStatus;
use msgflash_messaging::message::ports::Standing;
use msgflash_messaging::status::Status;
use msgflash_messaging::status::ports::{Facts, Membership};
use msgflash_quotas::KeyId;
use time::OffsetDateTime;

use crate::billing::subscription;
use crate::error::failed;
use crate::sql::sql;
use crate::unit::PgUnit;

const TEAM: &str = "SELECT true AS yes FROM teams t \
     WHERE t.id = $1 AND t.deleted_at IS NULL FOR SHARE";

/// A statement of its own before the assignments are read.
const MEMBER: &str = "SELECT m.role <> 'collaborator' AS yes FROM team_members m \
     WHERE m.team_id = $1 AND m.user_id = $2 AND m.ended_at IS NULL FOR SHARE";

const ASSIGNED: &str = "SELECT EXISTS (SELECT 1 FROM team_instance_assignments a \
     WHERE a.team_id = $1 AND a.user_id = $2 AND a.instance_id = $3) AS yes";

const BY_KEY: &str = "SELECT s.status, s.period_end, s.past_due_since, \
       p.monthly_outbound_quota AS outbound FROM api_keys k \
     JOIN users u ON u.id = k.account_id AND u.suspended_at IS NULL \
     JOIN subscriptions s ON s.account_id = k.account_id JOIN plans p ON p.id = s.plan_id \
     WHERE k.id = $1 AND k.revoked_at IS NULL";

const BY_ACCOUNT: &str = "SELECT s.status, s.period_end, s.past_due_since, \
       p.monthly_outbound_quota AS outbound FROM users u \
     JOIN subscriptions s ON s.account_id = u.id JOIN plans p ON p.id = s.plan_id \
     WHERE u.id = $1 AND u.suspended_at IS NULL";

const INSTANCE: &str = "SELECT i.status FROM instances i \
     WHERE i.id = $1 AND i.account_id = $2 AND i.deleted_at IS NULL FOR SHARE";

#[derive(QueryableByName)]
struct YesRow {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

#[derive(QueryableByName)]
struct StandingRow {
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    period_end: Option<OffsetDateTime>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    past_due_since: Option<OffsetDateTime>,
    #[diesel(sql_type = Nullable<Integer>)]
    outbound: Option<i32>,
}

#[derive(QueryableByName)]
struct InstanceRow {
    #[diesel(sql_type = Text)]
    status: String,
}

pub(super) async fn look(
    unit: &mut PgUnit,
    status: &Status,
    key: Option<KeyId>,
    now: OffsetDateTime,
) -> Result<Facts, StoreError> {
    let usage = (status.workspace.account.uuid(), status.period.to_i32());
    unit.hold_usage(&[usage]).await?;
    Ok(Facts {
        member: membership(unit, status, key.is_some()).await?,
        standing: standing(unit, status, key, now).await?,
        instance: instance(unit, status).await?,
    })
}

async fn membership(
    unit: &mut PgUnit,
    status: &Status,
    by_key: bool,
) -> Result<Membership, StoreError> {
    let Some(team) = status.workspace.team else {
        return Ok(Membership::Able);
    };
    let there: Option<YesRow> = sql(TEAM)
        .bind::<SqlUuid, _>(team.uuid())
        .get_result(unit.conn())
        .await
        .optional()
        .map_err(failed)?;
    if there.is_none() {
        return Ok(Membership::Gone);
    }
    if by_key {
        // Whatever became of whoever made the key.
        return Ok(Membership::Able);
    }
    let user = status.acting_user.uuid();
    let member: Option<YesRow> = sql(MEMBER)
        .bind::<SqlUuid, _>(team.uuid())
        .bind::<SqlUuid, _>(user)
        .get_result(unit.conn())
        .await
        .optional()
        .map_err(failed)?;
    let Some(member) = member else {
        return Ok(Membership::Gone);
    };
    if member.yes {
        return Ok(Membership::Able);
    }
    let assigned: YesRow = sql(ASSIGNED)
        .bind::<SqlUuid, _>(team.uuid())
        .bind::<SqlUuid, _>(user)
        .bind::<SqlUuid, _>(status.instance.uuid())
        .get_result(unit.conn())
        .await
        .map_err(failed)?;
    Ok(if assigned.yes {
        Membership::Able
    } else {
        Membership::NotAssigned
    })
}

async fn standing(
    unit: &mut PgUnit,
    status: &Status,
    key: Option<KeyId>,
    now: OffsetDateTime,
) -> Result<Option<Standing>, StoreError> {
    let account = status.workspace.account.uuid();
    let (statement, id) = key.map_or((BY_ACCOUNT, account), |key| (BY_KEY, key.uuid()));
    let row: Option<StandingRow> = sql(statement)
        .bind::<SqlUuid, _>(id)
        .get_result(unit.conn())
        .await
        .optional()
        .map_err(failed)?;
    row.map(|row| {
        let status = subscription::status(&row.status)?;
        Ok(Standing {
            usable: status.is_usable(row.period_end, row.past_due_since, now),
            outbound_limit: row.outbound.map(|limit| u32::try_from(limit).unwrap_or(0)),
        })
    })
    .transpose()
}

async fn instance(
    unit: &mut PgUnit,
    status: &Status,
) -> Result<Option<InstanceStatus>, StoreError> {
    let row: Option<InstanceRow> = sql(INSTANCE)
        .bind::<SqlUuid, _>(status.instance.uuid())
        .bind::<SqlUuid, _>(status.workspace.account.uuid())
        .get_result(unit.conn())
        .await
        .optional()
        .map_err(failed)?;
    row.map(|row| {
        InstanceStatus::parse(&row.status)
            .ok_or_else(|| StoreError::corrupt("instances.status", row.status))
    })
    .transpose()
}
