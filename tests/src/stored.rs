//! What is stored, as tests compare it.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::Stack;

/// What changes by itself, or by being asked at all.
const RESTLESS: [&str; 6] = [
    "sessions",
    "sign_in_tries",
    "workers",
    "lanes",
    "notices",
    "api_usage",
];

/// What became of the recipients of a campaign, from their rows and messages, beside what was counted.
const RECOUNT: &str = "SELECT n.campaign_id, ARRAY[n.planned, n.sent, n.delivered, n.read, n.failed, n.skipped]::bigint[], \
       ARRAY[count(*) FILTER (WHERE r.skip = 0), \
         count(*) FILTER (WHERE m.status IN (1, 2, 3)), \
         count(*) FILTER (WHERE m.status IN (2, 3)), \
         count(*) FILTER (WHERE m.status = 3), \
         count(*) FILTER (WHERE m.status = 4), \
         count(*) FILTER (WHERE r.skip <> 0)]::bigint[] \
     FROM campaign_counters n \
     LEFT JOIN campaign_recipients r ON r.campaign_id = n.campaign_id \
     LEFT JOIN messages m ON m.id = r.message_id \
     GROUP BY n.campaign_id";

/// The counters of a campaign and what its rows come to, each as planned, sent, delivered, read, failed
/// and skipped.
#[derive(Debug)]
pub struct Recount {
    /// The campaign.
    pub campaign: Uuid,
    /// What is told.
    pub counted: Vec<i64>,
    /// What is there.
    pub found: Vec<i64>,
}

impl Stack {
    /// The rows of every table that does not change by itself, as sorted lines.
    pub async fn stored(&self) -> BTreeMap<String, String> {
        let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'";
        let mut all = BTreeMap::new();
        for table in self.rows(tables, &[]).await {
            let table: String = table.get(0);
            if RESTLESS.contains(&table.as_str()) {
                continue;
            }
            let rows = format!(
                "SELECT coalesce(string_agg(to_jsonb(t)::text, E'\\n' ORDER BY to_jsonb(t)::text), '') \
                 FROM {table} t"
            );
            let rows: String = self.rows(&rows, &[]).await[0].get(0);
            all.insert(table, rows);
        }
        all
    }

    /// Every campaign's counters beside a recount, at one moment.
    pub async fn recount(&self) -> Vec<Recount> {
        let recount = |row: &tokio_postgres::Row| Recount {
            campaign: row.get(0),
            counted: row.get(1),
            found: row.get(2),
        };
        self.rows(RECOUNT, &[]).await.iter().map(recount).collect()
    }
}

/// Fails with the tables and lines that changed between two looks.
pub fn assert_unchanged(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) {
    let changed = before
        .iter()
        .filter(|(table, rows)| after[*table] != **rows);
    let changed: Vec<_> = changed
        .map(|(table, rows)| {
            let new = after[table].lines().filter(|it| !rows.contains(it));
            (table, new.collect::<Vec<_>>())
        })
        .collect();
    assert!(changed.is_empty(), "refused, and changed: {changed:#?}");
}
