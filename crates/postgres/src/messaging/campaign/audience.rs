//! Walking through audiences, and what their people did with a number.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use msgflash_contacts::{ContactId, GroupId};
use msgflash_kernel::{Id, StoreError, WorkspaceId};
use msgflash_messaging::InstanceId;
use msgflash_messaging::campaign::Audience;
use msgflash_messaging::campaign::audience::{Place, Source};
use msgflash_messaging::campaign::ports::{AudienceReader, AudienceShare};
use msgflash_messaging::campaign::recipient::Pending;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::expand::{Reading, next_place, slice};
use super::made::PendingRow;
use crate::columns::each;
use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;

/// An audience of more people is judged by some of them.
const SAMPLE: i64 = 5000;
/// Who wrote within so long knows the number.
const WARM: Duration = Duration::days(30);

/// The contacts of an audience of the workspace `$1`, by what its type names in `$2`.
macro_rules! people {
    (all) => {
        "SELECT c.id FROM contacts c WHERE c.workspace_id = $1"
    };
    (tagged) => {
        "SELECT DISTINCT t.contact_id AS id FROM contact_tags t \
         WHERE t.workspace_id = $1 AND t.tag = ANY($2)"
    };
    (named) => {
        "SELECT c.id FROM (SELECT DISTINCT n.id FROM UNNEST($2) AS n (id)) k \
         CROSS JOIN LATERAL (SELECT c.id FROM contacts c \
           WHERE c.workspace_id = $1 AND c.id = k.id OFFSET 0) c"
    };
    (grouped) => {
        "SELECT m.contact_id AS id FROM contact_groups g \
         JOIN contact_group_members m ON m.group_id = g.id \
         WHERE g.workspace_id = $1 AND g.id = $2"
    };
}

/// How many there are.
macro_rules! count {
    ($of:ident) => {
        concat!("SELECT count(*) AS count FROM (", people!($of), ") a")
    };
}

/// What they did with the number `$3` since `$4`: those of them whose last byte lies below `$5`, `$6` at the
/// most. A message that failed tells of its recipient only when their number was at fault; the others never
/// reached WhatsApp, or nobody knows.
macro_rules! classes {
    ($of:ident) => {
        concat!(
            "SELECT count(*) AS total, \
               count(*) FILTER (WHERE heard) AS warm, \
               count(*) FILTER (WHERE NOT heard AND sent = 0) AS cold, \
               count(*) FILTER (WHERE NOT heard AND sent = 2 AND lost = 2) AS blocked \
             FROM (SELECT a.id FROM (",
            people!($of),
            ") a WHERE get_byte(uuid_send(a.id), 15) < $5 LIMIT $6) a \
             CROSS JOIN LATERAL (SELECT c.phone FROM contacts c \
               WHERE c.workspace_id = $1 AND c.id = a.id OFFSET 0) c \
             CROSS JOIN LATERAL (SELECT \
               EXISTS (SELECT 1 FROM messages m WHERE m.instance_id = $3 AND m.peer = c.phone \
                         AND m.inbound AND m.created_at >= $4) AS heard, \
               s.sent, s.lost \
               FROM (SELECT count(*) AS sent, count(*) FILTER (WHERE t.lost) AS lost FROM ( \
                 SELECT l.lost FROM (SELECT m.inbound, m.status, \
                      m.status = 4 AND m.meta->>'code' = 'INVALID_DESTINATION' AS lost \
                    FROM messages m \
                    WHERE m.workspace_id = $1 AND m.peer = c.phone ORDER BY m.id DESC LIMIT 20) l \
                 WHERE NOT l.inbound AND (l.status BETWEEN 1 AND 3 OR l.lost) LIMIT 2) t) s \
               OFFSET 0) did"
        )
    };
}

/// The statements for one type of audience.
struct Statements {
    count: &'static str,
    classes: &'static str,
}

macro_rules! statements {
    ($of:ident) => {
        Statements {
            count: count!($of),
            classes: classes!($of),
        }
    };
}

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct ThereRow {
    #[diesel(sql_type = Bool)]
    there: bool,
}

#[derive(QueryableByName)]
struct ClassesRow {
    #[diesel(sql_type = BigInt)]
    total: i64,
    #[diesel(sql_type = BigInt)]
    warm: i64,
    #[diesel(sql_type = BigInt)]
    cold: i64,
    #[diesel(sql_type = BigInt)]
    blocked: i64,
}

impl Postgres {
    /// Asks a statement about an audience, with what it names.
    async fn of_audience<Row>(
        &self,
        statement: &'static str,
        workspace: WorkspaceId,
        audience: &Audience,
        more: impl FnOnce(crate::sql::Sql<'static>) -> crate::sql::Sql<'static>,
    ) -> Result<Row, StoreError>
    where
        Row: QueryableByName<diesel::pg::Pg> + Send + 'static,
    {
        let asked = sql(statement).bind::<SqlUuid, _>(workspace.uuid());
        let asked = match audience {
            Audience::All => asked.bind::<Nullable<SqlUuid>, _>(None::<Uuid>),
            Audience::Tags(tags) => asked.bind::<Array<Text>, _>(tags.clone()),
            Audience::Explicit(ids) => asked.bind::<Array<SqlUuid>, _>(each(ids, |id| id.uuid())),
            Audience::Group(group) => asked.bind::<SqlUuid, _>(group.uuid()),
        };
        let mut conn = self.conn().await?;
        more(asked).get_result(&mut conn).await.map_err(failed)
    }
}

#[async_trait]
impl AudienceReader for Postgres {
    async fn missing(
        &self,
        workspace: WorkspaceId,
        ids: &[ContactId],
    ) -> Result<Vec<ContactId>, StoreError> {
        let mut conn = self.conn().await?;
        let rows: Vec<IdRow> = sql("SELECT k.id FROM UNNEST($2) AS k (id) \
             WHERE NOT EXISTS (SELECT 1 FROM contacts c \
                               WHERE c.workspace_id = $1 AND c.id = k.id OFFSET 0)")
        .bind::<SqlUuid, _>(workspace.uuid())
        .bind::<Array<SqlUuid>, _>(each(ids, |id| id.uuid()))
        .get_results(&mut conn)
        .await
        .map_err(failed)?;
        Ok(rows.into_iter().map(|row| Id::new(row.id)).collect())
    }

    async fn has_group(&self, workspace: WorkspaceId, group: GroupId) -> Result<bool, StoreError> {
        let mut conn = self.conn().await?;
        let row: ThereRow = sql("SELECT EXISTS (SELECT 1 FROM contact_groups g \
             WHERE g.workspace_id = $1 AND g.id = $2) AS there")
        .bind::<SqlUuid, _>(workspace.uuid())
        .bind::<SqlUuid, _>(group.uuid())
        .get_result(&mut conn)
        .await
        .map_err(failed)?;
        Ok(row.there)
    }

    async fn share(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
        audience: &Audience,
        now: OffsetDateTime,
    ) -> Result<AudienceShare, StoreError> {
        let statements = match audience {
            Audience::All => statements!(all),
            Audience::Tags(_) => statements!(tagged),
            Audience::Explicit(_) => statements!(named),
            Audience::Group(_) => statements!(grouped),
        };
        let counted: CountRow = self
            .of_audience(statements.count, workspace, audience, |asked| asked)
            .await?;
        let total = counted.count;
        // The last byte of an id is chance.
        let below = (256 * SAMPLE).checked_div(total).unwrap_or(256) + 1;
        let below = i32::try_from(below.min(256)).unwrap_or(256);
        let row: ClassesRow = self
            .of_audience(statements.classes, workspace, audience, |asked| {
                asked
                    .bind::<SqlUuid, _>(instance.uuid())
                    .bind::<Timestamptz, _>(now - WARM)
                    .bind::<Integer, _>(below)
                    .bind::<BigInt, _>(SAMPLE * 2)
            })
            .await?;
        Ok(scaled(&row, total))
    }

    async fn walk(
        &self,
        workspace: WorkspaceId,
        audience: &Audience,
        from: Place,
        limit: u32,
    ) -> Result<(Vec<Pending>, Option<Place>), StoreError> {
        let source = Source::Audience(audience);
        let asked = slice(&source, Reading::Walk);
        let asked = asked.bind(workspace, &source, from, crate::columns::LAST_ID, limit);
        let mut conn = self.conn().await?;
        let rows: Vec<PendingRow> = asked.get_results(&mut conn).await.map_err(failed)?;
        let seen = rows.len();
        let last = rows.last().map(PendingRow::key);
        let met = rows.into_iter().map(Pending::try_from);
        let met = met.collect::<Result<Vec<_>, _>>()?;
        let next = next_place(&source, from, seen, last, limit);
        Ok((met, next))
    }
}

/// The classes of a sample as those of all, which they add up to.
fn scaled(row: &ClassesRow, total: i64) -> AudienceShare {
    let size = |count: i64| u64::try_from(count).unwrap_or(0);
    let (total, seen) = (size(total), size(row.total).max(1));
    let of_all = |count: i64| {
        let share = u128::from(size(count)) * u128::from(total) / u128::from(seen);
        u64::try_from(share).unwrap_or(total)
    };
    let (warm, cold, blocked) = (of_all(row.warm), of_all(row.cold), of_all(row.blocked));
    AudienceShare {
        total,
        warm,
        cold,
        blocked,
        unknown: total.saturating_sub(warm + cold + blocked),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_a_sample_add_up_to_all() {
        let row = ClassesRow {
            total: 3,
            warm: 1,
            cold: 1,
            blocked: 0,
        };
        let all = scaled(&row, 100);
        assert_eq!((all.warm, all.cold, all.blocked), (33, 33, 0));
        assert_eq!(all.warm + all.cold + all.blocked + all.unknown, 100);
    }
}
