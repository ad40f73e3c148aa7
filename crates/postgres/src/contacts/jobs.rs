//! Bulk jobs and the turns of their books.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_contacts::ports::{Claimed, JobReader, JobStore, JobWork};
use msgflash_contacts::{ContactId, Job, JobId, JobPage};
use msgflash_kernel::{Id, StoreError, WorkspaceId};
use time::OffsetDateTime;
use tracing::error;
use uuid::Uuid;

use self::record::JobRow;
use crate::columns::each;
use crate::error::{expect_rows, failed};
use crate::pool::Postgres;
use crate::schema::contact_jobs;
use crate::sql::sql;
use crate::teams::remains::not_deleted;
use crate::unit::PgUnit;

mod record;

/// Holds the book whose turn came first, unless somebody holds it or its team is gone.
const TURN: &str = concat!(
    "SELECT b.workspace_id FROM address_books b \
     WHERE b.job_turn_at <= $1 \
       AND EXISTS (SELECT 1 FROM contact_jobs j WHERE j.workspace_id = b.workspace_id \
                   AND j.status IN ('pending', 'processing') OFFSET 0) \
       AND ",
    not_deleted!("b.workspace_id"),
    " ORDER BY b.job_turn_at LIMIT 1 FOR NO KEY UPDATE OF b SKIP LOCKED",
);

/// The job at hand. The states are part of the text: the index of living jobs is of use only to a
/// statement that names them.
const AT_HAND: &str = "SELECT * FROM contact_jobs \
     WHERE workspace_id = $1 AND status IN ('pending', 'processing') ORDER BY id LIMIT 1";

/// Ids behind a place, which arrays count from one.
const IDS: &str = "SELECT ids[$2 + 1 : $2 + $3] AS ids FROM contact_job_ids WHERE job_id = $1";

const KEEP_IDS: &str = "INSERT INTO contact_job_ids (job_id, ids) VALUES ($1, $2)";

const FORGET_IDS: &str = "DELETE FROM contact_job_ids WHERE job_id = $1";

/// A job that came while others wait changes nothing about the book's turn.
const QUEUE: &str = "UPDATE address_books SET job_turn_at = coalesce(job_turn_at, $2) \
     WHERE workspace_id = $1";

const NEXT_TURN: &str = "UPDATE address_books SET job_turn_at = CASE WHEN EXISTS ( \
         SELECT 1 FROM contact_jobs j WHERE j.workspace_id = $1 \
           AND j.status IN ('pending', 'processing') OFFSET 0) THEN $2 END \
     WHERE workspace_id = $1";

const BREAK: &str = "UPDATE contact_jobs SET status = 'failed', \
       error = 'What was left to do cannot be read any more', updated_at = $3, completed_at = $3 \
     WHERE workspace_id = $1 AND id = $2";

fn stored(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

#[async_trait]
impl JobReader for Postgres {
    async fn find(&self, workspace: WorkspaceId, id: JobId) -> Result<Option<Job>, StoreError> {
        let mut conn = self.conn().await?;
        let row: Option<JobRow> = contact_jobs::table
            .find((workspace.uuid(), id.uuid()))
            .select(JobRow::as_select())
            .first(&mut conn)
            .await
            .optional()
            .map_err(failed)?;
        row.map(Job::try_from).transpose()
    }

    async fn page(
        &self,
        workspace: WorkspaceId,
        limit: u32,
        after: Option<JobId>,
    ) -> Result<JobPage, StoreError> {
        let mut conn = self.conn().await?;
        let before = after.map_or(Uuid::max(), JobId::uuid);
        let rows: Vec<JobRow> = contact_jobs::table
            .filter(contact_jobs::workspace_id.eq(workspace.uuid()))
            .filter(contact_jobs::id.lt(before))
            .order(contact_jobs::id.desc())
            .limit(i64::from(limit) + 1)
            .select(JobRow::as_select())
            .load(&mut conn)
            .await
            .map_err(failed)?;
        let jobs = rows.into_iter().map(Job::try_from);
        let mut jobs = jobs.collect::<Result<Vec<_>, _>>()?;
        let more = jobs.len() > limit as usize;
        jobs.truncate(limit as usize);
        let next = jobs.last().filter(|_| more).map(|it| it.id);
        Ok(JobPage { jobs, next })
    }
}

#[derive(QueryableByName)]
struct TurnRow {
    #[diesel(sql_type = SqlUuid)]
    workspace_id: Uuid,
}

#[derive(QueryableByName)]
struct IdsRow {
    #[diesel(sql_type = Array<SqlUuid>)]
    ids: Vec<Uuid>,
}

#[async_trait]
impl JobStore for PgUnit {
    async fn insert(&mut self, job: &Job, ids: &[ContactId]) -> Result<(), StoreError> {
        diesel::insert_into(contact_jobs::table)
            .values((
                contact_jobs::workspace_id.eq(job.workspace.uuid()),
                contact_jobs::id.eq(job.id.uuid()),
                contact_jobs::account_id.eq(job.account.uuid()),
                contact_jobs::operation.eq(job.operation.as_str()),
                contact_jobs::group_id.eq(job.operation.group().map(Id::uuid)),
                contact_jobs::status.eq(job.status.as_str()),
                contact_jobs::requested.eq(stored(job.requested)),
                contact_jobs::created_at.eq(job.created_at),
                contact_jobs::updated_at.eq(job.updated_at),
            ))
            .execute(self.conn())
            .await
            .map_err(failed)?;
        sql(KEEP_IDS)
            .bind::<SqlUuid, _>(job.id.uuid())
            .bind::<Array<SqlUuid>, _>(each(ids, |id| id.uuid()))
            .execute(self.conn())
            .await
            .map_err(failed)?;
        self.turn(QUEUE, job.workspace, job.created_at).await
    }

    async fn claim(
        &mut self,
        now: OffsetDateTime,
        most: usize,
    ) -> Result<Option<Claimed<JobWork>>, StoreError> {
        let turn: Option<TurnRow> = sql(TURN)
            .bind::<Timestamptz, _>(now)
            .get_result(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        let Some(TurnRow { workspace_id }) = turn else {
            return Ok(None);
        };
        // A statement of its own: it begins after the book is held, so it sees what whoever held it
        // before has committed.
        let row: Option<JobRow> = sql(AT_HAND)
            .bind::<SqlUuid, _>(workspace_id)
            .get_result(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        // The last of them ended just before the book was free.
        let Some(row) = row else {
            return Ok(None);
        };
        let id = row.id;
        match self.job_work(row, most).await {
            Ok(work) => Ok(Some(Claimed::Work(work))),
            Err(StoreError::Corrupt { place, value }) => {
                error!(job.id = %id, place, value, "a bulk job cannot be read; it has failed");
                sql(BREAK)
                    .bind::<SqlUuid, _>(workspace_id)
                    .bind::<SqlUuid, _>(id)
                    .bind::<Timestamptz, _>(now)
                    .execute(self.conn())
                    .await
                    .map_err(failed)?;
                self.forget_ids(id).await?;
                self.turn(NEXT_TURN, Id::new(workspace_id), now).await?;
                Ok(Some(Claimed::Broken))
            }
            Err(other) => Err(other),
        }
    }

    async fn find(&mut self, workspace: WorkspaceId, id: JobId) -> Result<Option<Job>, StoreError> {
        let row: Option<JobRow> = contact_jobs::table
            .find((workspace.uuid(), id.uuid()))
            .select(JobRow::as_select())
            .first(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        row.map(Job::try_from).transpose()
    }

    async fn update(&mut self, job: &Job, turn: OffsetDateTime) -> Result<(), StoreError> {
        let key = (job.workspace.uuid(), job.id.uuid());
        let changed = diesel::update(contact_jobs::table.find(key))
            .set((
                contact_jobs::status.eq(job.status.as_str()),
                contact_jobs::processed.eq(stored(job.processed())),
                contact_jobs::changed.eq(stored(job.counters.changed)),
                contact_jobs::unchanged.eq(stored(job.counters.unchanged)),
                contact_jobs::not_found.eq(stored(job.counters.not_found)),
                contact_jobs::tries.eq(stored(job.tries)),
                contact_jobs::error.eq(&job.error),
                contact_jobs::updated_at.eq(job.updated_at),
                contact_jobs::completed_at.eq(job.completed_at),
            ))
            .execute(self.conn())
            .await
            .map_err(failed)?;
        expect_rows(changed, 1, "contact_jobs")?;
        if job.status.is_final() {
            self.forget_ids(job.id.uuid()).await?;
        }
        self.turn(NEXT_TURN, job.workspace, turn).await
    }
}

impl PgUnit {
    async fn job_work(&mut self, row: JobRow, most: usize) -> Result<JobWork, StoreError> {
        let job = Job::try_from(row)?;
        let found: Option<IdsRow> = sql(IDS)
            .bind::<SqlUuid, _>(job.id.uuid())
            .bind::<BigInt, _>(i64::from(job.processed()))
            .bind::<BigInt, _>(i64::try_from(most).unwrap_or(i64::MAX))
            .get_result(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        let ids = found.map(|row| row.ids).unwrap_or_default();
        if ids.is_empty() {
            return Err(StoreError::corrupt("contact_job_ids.ids", "too few"));
        }
        let ids = ids.into_iter().map(Id::new).collect();
        Ok(JobWork { job, ids })
    }

    async fn forget_ids(&mut self, job: Uuid) -> Result<(), StoreError> {
        sql(FORGET_IDS)
            .bind::<SqlUuid, _>(job)
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    /// Settles when a book's turn comes.
    pub(super) async fn turn(
        &mut self,
        statement: &'static str,
        workspace: WorkspaceId,
        at: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let settled = sql(statement)
            .bind::<SqlUuid, _>(workspace.uuid())
            .bind::<Timestamptz, _>(at)
            .execute(self.conn())
            .await
            .map_err(failed)?;
        expect_rows(settled, 1, "address_books")
    }
}
