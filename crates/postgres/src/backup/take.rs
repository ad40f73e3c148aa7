//! Copying a snapshot out.

use std::io::Write;
use std::pin::pin;

use futures_util::StreamExt as _;
use tokio_postgres::Client;

use super::archive::{FORMAT, Header, Table, Writer};
use super::{BackedUp, BackupError};
use crate::connect::connect_copier;
use crate::migrate::MIGRATING;

/// One snapshot for all tables, and values spelled as every version of the server reads them.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; \
     SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'postgres'; \
     SET LOCAL timezone = 'UTC'; SET LOCAL bytea_output = 'hex'; \
     SET LOCAL extra_float_digits = 1";

/// Whatever is in our schema; what the server computes by itself is left out.
const TABLES: &str = "SELECT c.relname::text, array_agg(a.attname::text ORDER BY a.attnum) \
     FROM pg_class c \
     JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema() \
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
       AND a.attgenerated = '' \
     WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition \
       AND c.relname <> '__diesel_schema_migrations' \
     GROUP BY c.oid, c.relname ORDER BY c.relname";

const MIGRATIONS: &str = "SELECT version::text FROM __diesel_schema_migrations ORDER BY version";

/// Writes one consistent snapshot of all tables to `out`, while others go on working. `version` is
/// the program's. What was written is whole only when this succeeds.
///
/// Nothing is migrated meanwhile: who wants to waits.
pub async fn back_up<W: Write + Send>(
    url: &str,
    version: &str,
    out: W,
) -> Result<(BackedUp, W), BackupError> {
    let client = connect_copier(url, "msgflash backup").await?;
    client
        .execute("SELECT pg_advisory_lock_shared($1)", &[&MIGRATING])
        .await?;
    client.batch_execute(BEGIN).await?;
    let header = describe(&client, version).await?;
    let mut archive = Writer::begin(out, &header)?;
    for table in &header.tables {
        archive.table(table)?;
        let mut rows = pin!(client.copy_out(&table.copy_out()).await?);
        while let Some(some) = rows.next().await {
            archive.rows(&some?)?;
        }
        archive.end_table()?;
    }
    client.batch_execute("COMMIT").await?;
    let (out, rows) = archive.finish()?;
    let done = BackedUp {
        at: header.at,
        tables: header.tables.len(),
        rows: rows.iter().sum(),
    };
    Ok((done, out))
}

async fn describe(client: &Client, version: &str) -> Result<Header, BackupError> {
    let known = "SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL, now(), \
                 current_setting('server_version')";
    let row = client.query_one(known, &[]).await?;
    let (ours, at, postgres): (bool, _, _) = (row.get(0), row.get(1), row.get(2));
    if !ours {
        return Err(BackupError::Nothing);
    }
    let migrations = client.query(MIGRATIONS, &[]).await?;
    let tables = client.query(TABLES, &[]).await?;
    if migrations.is_empty() || tables.is_empty() {
        return Err(BackupError::Nothing);
    }
    let table = |row: &tokio_postgres::Row| Table {
        name: row.get(0),
        columns: row.get(1),
    };
    Ok(Header {
        format: FORMAT,
        version: version.to_owned(),
        at,
        postgres,
        migrations: migrations.iter().map(|row| row.get(0)).collect(),
        tables: tables.iter().map(table).collect(),
    })
}
