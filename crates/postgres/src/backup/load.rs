//! Filling an empty database.

use std::collections::BTreeMap;
use std::io::Read;
use std::pin::pin;

use bytes::Bytes;
use futures_util::SinkExt as _;
use tokio_postgres::Client;

use super::archive::{Header, Reader, Table, named};
use super::steps::{self, STEPS, Step};
use super::{BackupError, Restored, aftermath, quoted};
use crate::connect::connect_copier;
use crate::migrate::MIGRATING;

/// Everything somebody could miss; what belongs to an extension is not ours to look at.
const THERE: &str = "SELECT c.relname::text FROM pg_class c \
     JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema() \
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND NOT EXISTS ( \
       SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid \
         AND d.deptype = 'e') \
     ORDER BY c.relname";

/// Rows come in the order of the file, and are checked when all are there.
const FOREIGN_KEYS: &str = "SELECT \
       format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname), \
       format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, \
              pg_get_constraintdef(oid)) \
     FROM pg_constraint WHERE contype = 'f' AND conparentid = 0 \
       AND connamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())";

/// Makes an empty database of a backup, of this version of the program or an older one. Everything
/// happens in one transaction: a failure leaves the database as empty as it was.
///
/// `version` is the program's. `gateway_is_intact` says that the gateway lost nothing since the
/// backup was made: then a queued message it does not show was not sent, and may be sent now.
pub async fn restore<R: Read + Send>(
    url: &str,
    version: &str,
    input: R,
    gateway_is_intact: bool,
) -> Result<Restored, BackupError> {
    let (mut archive, header) = Reader::open(input, &format!("this is {version}, which"))?;
    refuse_newer(&header)?;
    let client = connect_copier(url, "msgflash restore").await?;
    // Who wants to migrate the same database waits, and finds it done.
    client
        .execute("SELECT pg_advisory_lock($1)", &[&MIGRATING])
        .await?;
    client.batch_execute("BEGIN").await?;
    refuse_full(&client).await?;

    let (then, later): (Vec<Step>, Vec<Step>) = STEPS
        .iter()
        .partition(|step| header.migrations.iter().any(|it| it == step.version()));
    steps::prepare(&client).await?;
    for step in then {
        step.apply(&client).await?;
    }
    let (loaded, left_out) = match load(&client, &mut archive, &header).await {
        // Rows that were changed on the way are refused before the checksum is reached.
        Err(BackupError::Refused(told)) => {
            return Err(if archive.ends_whole() {
                BackupError::Refused(told)
            } else {
                BackupError::Damaged(told)
            });
        }
        outcome => outcome?,
    };
    archive.finish()?;
    for step in &later {
        step.apply(&client).await?;
    }
    let queue = aftermath::settle(&client, header.at, gateway_is_intact).await?;
    // Otherwise the first statements are planned for empty tables.
    client.batch_execute("ANALYZE").await?;
    client.batch_execute("COMMIT").await?;
    Ok(Restored {
        at: header.at,
        made_by: header.version,
        tables: loaded.len(),
        rows: loaded.values().sum(),
        migrated: later.iter().map(|step| step.name.to_owned()).collect(),
        left_out,
        doubtful: queue.doubtful,
        waiting: queue.waiting,
    })
}

fn refuse_newer(header: &Header) -> Result<(), BackupError> {
    let is_known = |version: &&String| STEPS.iter().any(|step| step.version() == *version);
    let unknown: Vec<String> = header
        .migrations
        .iter()
        .filter(|it| !is_known(it))
        .cloned()
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(BackupError::Newer {
        made_by: header.version.clone(),
        why: format!("it does not know the migrations {}", named(&unknown)),
    })
}

async fn refuse_full(client: &Client) -> Result<(), BackupError> {
    let rows = client.query(THERE, &[]).await?;
    let mut there: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    // It stays behind, empty, when everything else was taken back.
    if there == ["__diesel_schema_migrations"] {
        let applied = "SELECT 1 FROM __diesel_schema_migrations LIMIT 1";
        if client.query_opt(applied, &[]).await?.is_none() {
            there.clear();
        }
    }
    if there.is_empty() {
        return Ok(());
    }
    there.retain(|it| it != "__diesel_schema_migrations");
    Err(BackupError::NotEmpty(named(&there)))
}

/// Loads every table the schema has; answers how many rows each of them got, and which tables of
/// the file are none of ours.
async fn load<R: Read>(
    client: &Client,
    archive: &mut Reader<R>,
    header: &Header,
) -> Result<(BTreeMap<String, u64>, Vec<String>), BackupError> {
    let rows = client.query(THERE, &[]).await?;
    let there: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let is_ours = |table: &&Table| there.contains(&table.name);
    let keys = client.query(FOREIGN_KEYS, &[]).await?;
    for key in &keys {
        client.batch_execute(key.get(0)).await?;
    }
    // Migrations bring rows along; those of the backup take their place.
    let ours: Vec<_> = header.tables.iter().filter(is_ours).collect();
    let names: Vec<_> = ours.iter().map(|table| quoted(&table.name)).collect();
    if !names.is_empty() {
        let truncate = format!("TRUNCATE {}", names.join(", "));
        client.batch_execute(&truncate).await?;
    }
    let mut loaded = BTreeMap::new();
    let mut left_out = Vec::new();
    for table in &header.tables {
        archive.table(table)?;
        if is_ours(&table) {
            let count = fill(client, archive, table).await?;
            loaded.insert(table.name.clone(), count);
        } else {
            while archive.rows()?.is_some() {}
            left_out.push(table.name.clone());
        }
    }
    for key in &keys {
        client.batch_execute(key.get(1)).await?;
    }
    Ok((loaded, left_out))
}

async fn fill<R: Read>(
    client: &Client,
    archive: &mut Reader<R>,
    table: &Table,
) -> Result<u64, BackupError> {
    let mut sink = pin!(client.copy_in::<_, Bytes>(&table.copy_in()).await?);
    while let Some(rows) = archive.rows()? {
        sink.send(rows.freeze()).await?;
    }
    Ok(sink.finish().await?)
}
