//! What P1, P2 and P3 share: accepting messages over HTTP, and pgbench writing the same rows.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use msgflash_kernel::{Clock as _, SystemClock};
use msgflash_quotas::Period;

use crate::counts::{self, Count};
use crate::load::{self, Fired, Target};
use crate::options::Options;
use crate::pg::{Database, Session};
use crate::pgbench::{Pgbench, Ran, Run};
use crate::scene;
use crate::server::Server;

/// Load before the measured window, as long as on the other side: connections open, statements are prepared.
const WARM: Duration = Duration::from_secs(1);
/// Numbers of connections of which the other side's best is taken.
pub(crate) const TRIED: [usize; 4] = [16, 32, 64, 128];

/// The server as a line about accepting starts it: nothing is sent meanwhile.
pub(crate) const SETTINGS: [(&str, &str); 2] = [
    ("roles", "api"),
    // Beyond what is sent; every request is still counted against it.
    ("rate_limit_per_second", "1000000"),
];

/// The scene of an acceptance line.
pub(crate) struct Accept<'a> {
    options: &'a Options,
    database: &'a Database,
    /// The other side.
    pub(crate) pgbench: Pgbench,
    session: Session,
    tenants: u32,
    period: i32,
    /// The other side's script, with the counter row before the other rows: whether the quota is enough is known
    /// before anything is written.
    pub(crate) counting: String,
    /// With the counter row behind them: it is locked for the shortest time, and what is too much is rolled back.
    pub(crate) counting_last: String,
    /// The same rows without the ledger's.
    pub(crate) uncounted: String,
}

impl<'a> Accept<'a> {
    /// Makes the tenants, and the other side's script from a message the product really stored.
    pub(crate) async fn prepare(
        options: &'a Options,
        database: &'a Database,
        tenants: u32,
    ) -> Result<Self> {
        let session = database.session().await?;
        scene::people(&session, tenants).await?;
        scene::raise_limits(&session).await?;
        let mut accept = Self {
            options,
            database,
            pgbench: Pgbench::find(database)?,
            session,
            tenants,
            period: Period::of(SystemClock.now()).to_i32(),
            counting: String::new(),
            counting_last: String::new(),
            uncounted: String::new(),
        };
        accept.reset().await?;
        let server = accept.serve().await?;
        load::prove_replay(&accept.target(&server), 0).await?;
        server.stop().await?;
        let inserts = accept.inserts().await?;
        accept.counting = accept.script(&[&accept.count(), &inserts]);
        accept.counting_last = accept.script(&[&inserts, &accept.count()]);
        accept.uncounted = accept.script(&[&inserts]);
        Ok(accept)
    }

    async fn serve(&self) -> Result<Server> {
        Server::start(self.database.url(), &SETTINGS).await
    }

    fn target(&self, server: &Server) -> Target {
        Target {
            address: server.address,
            tenants: self.tenants,
        }
    }

    /// Empty tables, with the month's ledger rows there as in daily use.
    pub(crate) async fn reset(&self) -> Result<()> {
        self.database.reset().await?;
        scene::ledger(&self.session, self.period).await
    }

    /// The product, as fast as its answers come.
    pub(crate) async fn ours(&self, connections: usize) -> Result<Fired> {
        self.reset().await?;
        let server = self.serve().await?;
        let target = self.target(&server);
        let fired = load::closed(target, connections, WARM, self.options.span()).await?;
        self.finish(server, fired).await
    }

    /// The product at fixed moments.
    pub(crate) async fn ours_at(&self, rate: f64, connections: usize) -> Result<Fired> {
        self.reset().await?;
        let server = self.serve().await?;
        let target = self.target(&server);
        let fired = load::open(target, connections, rate, WARM, self.options.span()).await?;
        self.finish(server, fired).await
    }

    /// pgbench with one of the scripts.
    pub(crate) async fn theirs(
        &self,
        script: &str,
        clients: usize,
        rate: Option<f64>,
    ) -> Result<Ran> {
        self.reset().await?;
        let run = Run {
            script,
            clients,
            seconds: self.options.seconds,
            rate,
        };
        let ran = self.pgbench.run(&run).await?;
        let counted = if script == self.uncounted {
            0
        } else {
            ran.transactions
        };
        self.check(ran.transactions, counted).await?;
        Ok(ran)
    }

    /// pgbench's best of these connection counts for a script.
    pub(crate) async fn best(&self, script: &str, tried: &[usize]) -> Result<(usize, f64)> {
        let seconds = self.options.seconds.div_ceil(2).max(2);
        let reset = || self.reset();
        self.pgbench.best(script, tried, seconds, reset).await
    }

    /// The run counts if nothing was lost or counted twice, and replays are what they were.
    async fn finish(&self, server: Server, fired: Fired) -> Result<Fired> {
        load::prove_replay(&self.target(&server), u64::MAX % 1_000_000_000_000).await?;
        server.stop().await?;
        let accepted = fired.accepted + 1;
        self.options.spoil(&self.session).await?;
        self.check(accepted, accepted).await?;
        // A replay is a request too.
        counts::agree(&self.session, &[(counts::REQUESTS, accepted + 1)]).await?;
        Ok(fired)
    }

    async fn check(&self, rows: u64, reserved: u64) -> Result<()> {
        let counts = [
            (
                Count::new(
                    "queued messages",
                    "SELECT count(*) FROM messages WHERE status = 0",
                ),
                rows,
            ),
            (
                Count::new(
                    "queue rows with their message",
                    "SELECT count(*) FROM queue q JOIN messages m \
                     ON m.workspace_id = q.workspace_id AND m.id = q.message_id",
                ),
                rows,
            ),
            (
                // Each was for somebody else: one that is lost is not made up for by one that was written twice.
                Count::new(
                    "recipients of queued messages",
                    "SELECT count(DISTINCT peer) FROM messages WHERE status = 0",
                ),
                rows,
            ),
            (counts::KEPT_ANSWERS, rows),
            (counts::RESERVED, reserved),
        ];
        counts::agree(&self.session, &counts).await?;
        let wrong = "SELECT count(*) FROM usage_holds h WHERE reserved_total <> \
                     (SELECT count(*) FROM messages m WHERE m.account_id = h.account_id)";
        let expected = if reserved == 0 {
            u64::from(rows > 0)
        } else {
            0
        };
        let found = self.session.count(wrong).await?;
        ensure!(
            (found > 0) == (expected > 0),
            "the line does not count: {found} accounts' ledgers differ from their messages"
        );
        Ok(())
    }

    /// The counter row of the tenant.
    fn count(&self) -> String {
        format!(
            "UPDATE usage_holds SET reserved_total = reserved_total + 1 \
             WHERE account_id = {ACCOUNT}::uuid AND period = {};\n",
            self.period
        )
    }

    /// The inserts of one message, as the product wrote them: the same columns, widths and values,
    /// but for what differs from message to message.
    async fn inserts(&self) -> Result<String> {
        let mut inserts = String::new();
        for table in ["messages", "queue", "idempotency_keys"] {
            let columns = self.row(table).await?;
            let names: Vec<&str> = columns.keys().map(String::as_str).collect();
            let values: Vec<&str> = columns.values().map(String::as_str).collect();
            writeln!(
                inserts,
                "INSERT INTO {table} ({}) VALUES ({});",
                names.join(", "),
                values.join(", ")
            )?;
        }
        Ok(inserts)
    }

    /// The set columns of a table's one row, each with what a script writes there.
    async fn row(&self, table: &str) -> Result<BTreeMap<String, String>> {
        let types = self
            .session
            .client
            .query(
                "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute \
                 WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped",
                &[&table],
            )
            .await?;
        let mut columns = BTreeMap::new();
        for column in types {
            let (name, kind): (String, String) = (column.get(0), column.get(1));
            let text = format!("SELECT {name}::text FROM {table} LIMIT 1");
            let row = self.session.client.query_opt(&text, &[]).await?;
            let row = row.with_context(|| format!("the product wrote nothing to {table}"))?;
            let Some(value) = row.get::<_, Option<String>>(0) else {
                continue;
            };
            let written = varying(&name).map_or_else(
                || format!("{}::{kind}", literal(&value)),
                |expression| format!("{expression}::{kind}"),
            );
            columns.insert(name, written);
        }
        Ok(columns)
    }

    /// One transaction of these statements.
    fn script(&self, statements: &[&str]) -> String {
        let (first, last) = (scene::FIRST, scene::FIRST + self.tenants - 1);
        format!(
            "\\set n :n + 1\n\
             \\set t random({first}, {last})\n\
             \\set id 100000000000 + :client_id * 1000000000 + :n\n\
             \\set phone 33600000000 + :client_id * 500000 + :n\n\
             BEGIN;\n\
             {}COMMIT;\n",
            statements.concat()
        )
    }
}

/// The tenant's account in a script; its digits are the variable.
const ACCOUNT: &str = "('00000000-0000-7000-8000-0000000' || :t::text)";

/// What a script writes into columns that differ from message to message.
fn varying(column: &str) -> Option<&'static str> {
    match column {
        "workspace_id" | "account_id" | "acting_user_id" => Some(ACCOUNT),
        "instance_id" => Some("('00000000-0000-7000-9000-0000000' || :t::text)"),
        "id" | "message_id" => Some("('01930000-0000-7000-8000-' || :id::text)"),
        "peer" | "phone" => Some(":phone"),
        "key_hash" | "request_hash" => Some("sha256(:id::text::bytea)"),
        "created_at" | "updated_at" | "due_at" | "not_before" | "ready_since" => Some("now()"),
        _ => None,
    }
}

/// A text as a script may write it: a colon would begin a variable.
fn literal(value: &str) -> String {
    let mut quoted = String::from("E'");
    for letter in value.chars() {
        match letter {
            ':' => quoted.push_str("\\u003a"),
            '\\' => quoted.push_str("\\\\"),
            '\'' => quoted.push_str("''"),
            '\n' => quoted.push_str("\\n"),
            other => quoted.push(other),
        }
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_has_nothing_that_pgbench_takes_for_a_variable() {
        let quoted = literal(r#"{"at":"10:30:00","it's":"a\b"}"#);
        assert!(!quoted.contains(':'));
        assert_eq!(
            quoted,
            r#"E'{"at"\u003a"10\u003a30\u003a00","it''s"\u003a"a\\b"}'"#
        );
    }
}
