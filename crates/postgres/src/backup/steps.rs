//! The migrations as text.
//!
//! A restore applies them itself: with the rows, in one transaction and on one connection, which
//! the usual way of migrating does not allow.

use diesel::migration::CREATE_MIGRATIONS_TABLE;
use tokio_postgres::Client;

use super::BackupError;

/// One migration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// The folder's name.
    pub(super) name: &'static str,
    up: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/steps.rs"));

impl Step {
    /// What it is called in the database.
    pub(super) fn version(self) -> &'static str {
        self.name.split_once('_').map_or(self.name, |it| it.0)
    }

    /// Applies it and says so in the database.
    pub(super) async fn apply(self, client: &Client) -> Result<(), BackupError> {
        client.batch_execute(&within_transaction(self.up)).await?;
        client
            .execute(
                "INSERT INTO __diesel_schema_migrations (version) VALUES ($1)",
                &[&self.version()],
            )
            .await?;
        Ok(())
    }
}

/// Makes the table in which the applied ones are noted.
pub(super) async fn prepare(client: &Client) -> Result<(), BackupError> {
    Ok(client.batch_execute(CREATE_MIGRATIONS_TABLE).await?)
}

/// Nobody uses the tables yet, and what goes by beside others cannot be part of a transaction.
fn within_transaction(up: &str) -> String {
    up.replace(" CONCURRENTLY", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_made_within_the_transaction() {
        let up = "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS a ON b (c);";
        assert_eq!(
            within_transaction(up),
            "CREATE UNIQUE INDEX IF NOT EXISTS a ON b (c);"
        );
    }

    #[test]
    fn steps_are_in_order_and_know_their_versions() {
        assert!(STEPS.is_sorted_by_key(|step| step.name));
        assert_eq!(STEPS[0].version(), "20261101000000");
    }
}
