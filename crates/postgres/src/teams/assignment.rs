//! Who may use which instance.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{Id, Phone, StoreError, TeamId, UserId};
use msgflash_teams::ports::InstanceRef;
use msgflash_teams::{Assignment, AssignmentStore};
use time::OffsetDateTime;
use uuid::Uuid;

use super::member::IsSoRow;
use crate::error::failed;
use crate::sql::sql;
use crate::unit::PgUnit;

const HAS_INSTANCE: &str = "SELECT EXISTS (SELECT 1 FROM instances \
       WHERE id = $2 AND account_id = $1 AND deleted_at IS NULL) AS is_so";

const ASSIGN: &str = "INSERT INTO team_instance_assignments \
       (team_id, user_id, instance_id, assigned_by, created_at) \
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";

/// Whoever is accepting a message of theirs is waited for: no later one goes by that instance.
const HOLD_MEMBER: &str = "SELECT 1 FROM team_members \
     WHERE team_id = $1 AND user_id = $2 AND ended_at IS NULL FOR NO KEY UPDATE";

const UNASSIGN: &str = "DELETE FROM team_instance_assignments \
     WHERE team_id = $1 AND user_id = $2 AND instance_id = $3";

const UNASSIGN_ALL: &str =
    "DELETE FROM team_instance_assignments WHERE team_id = $1 AND user_id = $2";

pub(super) const LIST: &str = "SELECT a.team_id, a.user_id, a.instance_id, a.assigned_by, \
       a.created_at, i.name, i.wa_number, i.status \
     FROM team_instance_assignments a \
     JOIN instances i ON i.id = a.instance_id AND i.deleted_at IS NULL \
     WHERE a.team_id = $1 ORDER BY a.created_at, a.user_id, a.instance_id";

#[derive(QueryableByName)]
pub(super) struct AssignmentRow {
    #[diesel(sql_type = SqlUuid)]
    team_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    instance_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    assigned_by: Uuid,
    #[diesel(sql_type = Timestamptz)]
    created_at: OffsetDateTime,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    wa_number: Option<i64>,
    #[diesel(sql_type = Text)]
    status: String,
}

impl TryFrom<AssignmentRow> for Assignment {
    type Error = StoreError;

    fn try_from(row: AssignmentRow) -> Result<Self, StoreError> {
        let phone = |stored| crate::messaging::phone(stored).map(|phone: Phone| phone.to_string());
        Ok(Self {
            team: Id::new(row.team_id),
            user: Id::new(row.user_id),
            instance: Id::new(row.instance_id),
            assigned_by: Id::new(row.assigned_by),
            created_at: row.created_at,
            instance_name: row.name,
            wa_number: row.wa_number.map(phone).transpose()?,
            instance_status: row.status,
        })
    }
}

#[async_trait]
impl AssignmentStore for PgUnit {
    async fn has_instance(
        &mut self,
        owner: UserId,
        instance: InstanceRef,
    ) -> Result<bool, StoreError> {
        let row: IsSoRow = sql(HAS_INSTANCE)
            .bind::<SqlUuid, _>(owner.uuid())
            .bind::<SqlUuid, _>(instance.uuid())
            .get_result(self.conn())
            .await
            .map_err(failed)?;
        Ok(row.is_so)
    }

    async fn assign(
        &mut self,
        team: TeamId,
        user: UserId,
        instance: InstanceRef,
        by: UserId,
        at: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let given = sql(ASSIGN)
            .bind::<SqlUuid, _>(team.uuid())
            .bind::<SqlUuid, _>(user.uuid())
            .bind::<SqlUuid, _>(instance.uuid())
            .bind::<SqlUuid, _>(by.uuid())
            .bind::<Timestamptz, _>(at)
            .execute(self.conn())
            .await
            .map_err(failed)?;
        Ok(given == 1)
    }

    async fn unassign(
        &mut self,
        team: TeamId,
        user: UserId,
        instance: InstanceRef,
    ) -> Result<bool, StoreError> {
        sql(HOLD_MEMBER)
            .bind::<SqlUuid, _>(team.uuid())
            .bind::<SqlUuid, _>(user.uuid())
            .execute(self.conn())
            .await
            .map_err(failed)?;
        let taken = sql(UNASSIGN)
            .bind::<SqlUuid, _>(team.uuid())
            .bind::<SqlUuid, _>(user.uuid())
            .bind::<SqlUuid, _>(instance.uuid())
            .execute(self.conn())
            .await
            .map_err(failed)?;
        Ok(taken == 1)
    }

    async fn unassign_all(&mut self, team: TeamId, user: UserId) -> Result<(), StoreError> {
        sql(UNASSIGN_ALL)
            .bind::<SqlUuid, _>(team.uuid())
            .bind::<SqlUuid, _>(user.uuid())
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }
}
