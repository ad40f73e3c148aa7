//! The tenants: accounts with a key, a plan and a connected number each, made by SQL because a
//! thousand slow password hashes would prove nothing.
//!
//! Ids are digits all through, so that a pgbench script can name them without a look-up.

use anyhow::Result;
use msgflash_kernel::{Clock as _, SystemClock};
use msgflash_quotas::Period;
use uuid::Uuid;

use crate::pg::{Database, Session};

/// The first tenant's number in its ids; all have five digits.
pub(crate) const FIRST: u32 = 10_000;

/// The account of tenant `n`, which is also its personal workspace.
pub(crate) fn account(n: u32) -> String {
    format!("00000000-0000-7000-8000-0000000{}", FIRST + n)
}

/// Its number.
pub(crate) fn instance(n: u32) -> String {
    format!("00000000-0000-7000-9000-0000000{}", FIRST + n)
}

/// What the gateway calls that number's session.
pub(crate) fn session(n: u32) -> String {
    format!("bench-{}", FIRST + n)
}

/// The number itself.
pub(crate) fn number(n: u32) -> i64 {
    33_100_000_000 + i64::from(FIRST + n)
}

/// What the gateway shows when it tells something of a session.
pub(crate) const WEBHOOK_SECRET: &str = "secret";

/// Its API key.
pub(crate) fn key(n: u32) -> String {
    format!("msgf_live_{:064x}", FIRST + n)
}

/// An otherwise empty database with `count` tenants who send: no run reaches their limits, and this
/// month's ledger rows are there.
pub(crate) async fn senders(database: &Database, session: &Session, count: u32) -> Result<()> {
    database.reset().await?;
    people(session, count).await?;
    raise_limits(session).await?;
    ledger(session, Period::of(SystemClock.now()).to_i32()).await
}

/// Makes `count` tenants on the plan `max`, in the place of those that were there.
pub(crate) async fn people(session: &Session, count: u32) -> Result<()> {
    session
        .client
        .batch_execute("TRUNCATE users CASCADE")
        .await?;
    let last = i64::from(FIRST + count - 1);
    let first = i64::from(FIRST);
    let statements = [
        "INSERT INTO users (id, email, full_name, phone, email_verified_at, created_at, updated_at) \
         SELECT ('00000000-0000-7000-8000-0000000' || n)::uuid, 'bench-' || n || '@example.test', \
           'Bench', '', now(), now(), now() FROM generate_series($1::bigint, $2::bigint) n",
        "INSERT INTO api_keys (id, account_id, created_by, name, prefix, hash, created_at) \
         SELECT ('00000000-0000-7000-a000-0000000' || n)::uuid, \
           ('00000000-0000-7000-8000-0000000' || n)::uuid, \
           ('00000000-0000-7000-8000-0000000' || n)::uuid, 'bench', 'msgf_live_000000', \
           sha256(convert_to('msgf_live_' || lpad(to_hex(n), 64, '0'), 'UTF8')), now() \
         FROM generate_series($1::bigint, $2::bigint) n",
        "INSERT INTO subscriptions (id, account_id, plan_id, status, provider, period_start, \
           created_at, updated_at) \
         SELECT ('00000000-0000-7000-b000-0000000' || n)::uuid, \
           ('00000000-0000-7000-8000-0000000' || n)::uuid, p.id, 'active', 'manual', \
           date_trunc('month', now()), now(), now() \
         FROM generate_series($1::bigint, $2::bigint) n, \
           (SELECT id FROM plans WHERE code = 'max' ORDER BY version DESC LIMIT 1) p",
        "INSERT INTO instances (id, account_id, name, session, webhook_secret, wa_number, status, \
           first_connected_at, created_at, updated_at) \
         SELECT ('00000000-0000-7000-9000-0000000' || n)::uuid, \
           ('00000000-0000-7000-8000-0000000' || n)::uuid, 'Bench', 'bench-' || n, 'secret', \
           33100000000 + n, 'connected', now() - interval '1 year', now(), now() \
         FROM generate_series($1::bigint, $2::bigint) n",
    ];
    for statement in statements {
        session.run(statement, &[&first, &last]).await?;
    }
    Ok(())
}

/// Where one of them wants to hear of messages that were sent.
pub(crate) async fn endpoint(session: &Session, n: u32, url: &str, secret: &str) -> Result<()> {
    let text = "INSERT INTO webhook_endpoints (id, workspace_id, account_id, created_by, url, \
                  secret, events, created_at, updated_at) \
                VALUES ($1, $1, $1, $1, $2, $3, ARRAY['message.sent'], now(), now())";
    let account: Uuid = account(n).parse()?;
    session
        .run(text, &[&account, &url, &secret])
        .await
        .map(drop)
}

/// Raises the catalogue's monthly limits far beyond what one tenant can use up in a run. They are
/// still checked for every message.
pub(crate) async fn raise_limits(session: &Session) -> Result<()> {
    let text = "UPDATE plans SET monthly_outbound_quota = 1000000000, \
                monthly_api_request_quota = 1000000000 WHERE code = 'max'";
    session.run(text, &[]).await.map(drop)
}

/// This month's ledger rows, which in daily use are there already.
pub(crate) async fn ledger(session: &Session, period: i32) -> Result<()> {
    let text = "INSERT INTO usage_holds (account_id, period, reserved_total) \
                SELECT id, $1::int, 0 FROM users";
    session.run(text, &[&period]).await.map(drop)
}
