//! Applying and reverting the migrations that are compiled in.

use diesel::migration::{Migration, MigrationSource as _, MigrationVersion};
use diesel::pg::Pg;
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, SimpleAsyncConnection as _};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// A migration could not be applied or reverted.
#[derive(Debug, thiserror::Error)]
#[error("cannot migrate the database: {0}")]
pub struct MigrateError(String);

impl MigrateError {
    /// The same with what lies behind it.
    pub(crate) fn from_cause(cause: impl std::fmt::Display) -> Self {
        Self(cause.to_string())
    }
}

/// Applies what is missing and answers the names of what was applied.
///
/// Needs a multi-thread runtime: the migration harness blocks in place.
pub async fn migrate(url: &str) -> Result<Vec<String>, MigrateError> {
    let mut harness = locked(url).await?;
    let done = harness
        .run_pending_migrations(MIGRATIONS)
        .map_err(MigrateError::from_cause)?;
    names(&done)
}

/// Takes every migration back, newest first.
pub async fn revert_all(url: &str) -> Result<Vec<String>, MigrateError> {
    let mut harness = locked(url).await?;
    let done = harness
        .revert_all_migrations(MIGRATIONS)
        .map_err(MigrateError::from_cause)?;
    names(&done)
}

/// The names of the migrations that were not applied yet.
pub async fn pending_migrations(url: &str) -> Result<Vec<String>, MigrateError> {
    let mut harness = harness(url).await?;
    let pending = harness
        .pending_migrations(MIGRATIONS)
        .map_err(MigrateError::from_cause)?;
    Ok(pending
        .iter()
        .map(|migration| migration.name().to_string())
        .collect())
}

/// What versions are called, in the order given.
fn names(versions: &[MigrationVersion<'_>]) -> Result<Vec<String>, MigrateError> {
    let known: Vec<Box<dyn Migration<Pg>>> =
        MIGRATIONS.migrations().map_err(MigrateError::from_cause)?;
    let name = |version: &MigrationVersion<'_>| {
        let found = known.iter().find(|it| it.name().version() == *version);
        found.map_or_else(|| version.to_string(), |it| it.name().to_string())
    };
    Ok(versions.iter().map(name).collect())
}

/// A short name for this set of migrations; another set has another one.
pub fn migrations_hash() -> &'static str {
    env!("MIGRATIONS_HASH")
}

/// The advisory lock of whoever migrates: the others wait. It ends with its connection.
pub(crate) const MIGRATING: i64 = 5_571_002_718;

async fn locked(url: &str) -> Result<AsyncMigrationHarness<AsyncPgConnection>, MigrateError> {
    let mut conn = crate::connect::connect_patient(url)
        .await
        .map_err(MigrateError::from_cause)?;
    let lock = format!("SELECT pg_advisory_lock({MIGRATING})");
    conn.batch_execute(&lock)
        .await
        .map_err(MigrateError::from_cause)?;
    Ok(AsyncMigrationHarness::new(conn))
}

async fn harness(url: &str) -> Result<AsyncMigrationHarness<AsyncPgConnection>, MigrateError> {
    let conn = crate::connect::connect_patient(url)
        .await
        .map_err(MigrateError::from_cause)?;
    Ok(AsyncMigrationHarness::new(conn))
}
