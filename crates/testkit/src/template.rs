//! The template that every test database is a copy of.

use anyhow::{Context as _, Result};
use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls};

use crate::server;

/// Any number will do, as long as every test process takes the same one.
const LOCK: i64 = 0x6d73_675f_7465_7374;

/// The template's name. Built by the first test that asks, of all processes on this server.
pub(crate) async fn name() -> Result<&'static str> {
    static NAME: OnceCell<String> = OnceCell::const_new();
    NAME.get_or_try_init(build).await.map(String::as_str)
}

/// A session on the server. The connection's own task ends with the client.
pub(crate) async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .context("cannot connect to the PostgreSQL for the tests")?;
    // Its errors reach the client as well.
    drop(tokio::spawn(connection));
    Ok(client)
}

async fn build() -> Result<String> {
    // The name says which migrations are inside, so a changed one never meets an old template.
    let name = format!("template_{}", msgflash_postgres::migrations_hash());
    let url = server::url()?;
    let client = connect(url).await?;
    // Held by the session: a process that is killed here holds nobody up.
    client
        .execute("SELECT pg_advisory_lock($1)", &[&LOCK])
        .await?;
    // Only a finished one bears the mark; a half-built one is begun again.
    let finished = "SELECT 1 FROM pg_database WHERE datname = $1 AND datistemplate";
    if client.query_opt(finished, &[&name]).await?.is_none() {
        client
            .batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
            .await?;
        client
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .await?;
        let template = server::with_database(url, &name);
        msgflash_postgres::migrate(&template).await?;
        // Where it cannot be had, tests find out how it is without.
        msgflash_postgres::ensure_search_index(&template).await?;
        // Nobody can be cloned who has visitors, so from here on there are none.
        client
            .batch_execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
            .await?;
        let farewell = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
        client.execute(farewell, &[&name]).await?;
        client
            .batch_execute(&format!("ALTER DATABASE {name} IS_TEMPLATE true"))
            .await?;
    }
    Ok(name)
}
