//! Commands about the database itself.

use serde_json::json;

use super::output::{Failure, Output};
use crate::config::Config;
use crate::database::Database;

/// `migrate`.
pub(super) async fn migrate(config: &Config, revert: bool, out: Output) -> Result<(), Failure> {
    let database = Database::open(config).await?;
    database.reach(config).await?;
    let done = if revert {
        msgflash_postgres::revert_all(database.url()).await
    } else {
        msgflash_postgres::migrate(database.url()).await
    };
    let done = done.map_err(Failure::from_error)?;
    if !revert {
        // Told in the log; a schema without it is complete.
        msgflash_postgres::ensure_search_index(database.url())
            .await
            .map_err(Failure::from_error)?;
    }
    let verb = if revert { "reverted" } else { "applied" };
    let text = match done.as_slice() {
        [] => "The schema is up to date.".to_owned(),
        names => format!("{verb}: {}", names.join(", ")),
    };
    out.result(&json!({ verb: done }), text)
}
