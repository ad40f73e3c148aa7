//! One database, as long as its test.

use std::{future::Future, thread};

use anyhow::{Context as _, Result};
use tokio::{runtime, sync::oneshot};
use uuid::Uuid;

use crate::{OwnServer, server, template};

/// A database that nobody else uses, dropped together with this value.
#[derive(Debug)]
#[must_use = "dropping it drops the database"]
pub struct TestDatabase {
    name: String,
    url: String,
}

impl TestDatabase {
    /// A database with every migration applied and no rows but theirs.
    ///
    /// Works on any runtime, because it brings its own.
    pub async fn create() -> Self {
        Self::made(true).await
    }

    /// A database with nothing in it, for tests of the migrations themselves.
    pub async fn empty() -> Self {
        Self::made(false).await
    }

    /// Where to connect.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The only database of a server of the test's own, which goes with that.
    pub fn of(server: &OwnServer) -> Self {
        Self {
            name: String::new(),
            url: server.url().to_owned(),
        }
    }

    async fn made(is_migrated: bool) -> Self {
        let (answer, answered) = oneshot::channel();
        thread::spawn(move || {
            drop(answer.send(on_own_runtime(clone_template(is_migrated))));
        });
        let outcome = answered
            .await
            .expect("the thread that makes databases does not panic");
        outcome.unwrap_or_else(|failure| panic!("no database for this test: {failure:#}"))
    }
}

impl Drop for TestDatabase {
    /// Waits for the end, so that a test process never leaves before its databases have.
    fn drop(&mut self) {
        let name = std::mem::take(&mut self.name);
        if name.is_empty() {
            return;
        }
        // A thread of its own: this may be the only thread of somebody's runtime.
        let dropper = thread::spawn(move || on_own_runtime(forget(name)));
        match dropper.join() {
            Ok(Ok(())) => {}
            Ok(Err(failure)) => eprintln!("a test database was left behind: {failure:#}"),
            Err(_) => eprintln!("a test database was left behind"),
        }
    }
}

async fn clone_template(is_migrated: bool) -> Result<TestDatabase> {
    let template = if is_migrated {
        template::name().await?
    } else {
        "template0"
    };
    let server = server::url()?;
    let name = format!("test_{}", unique().simple());
    let client = template::connect(server).await?;
    let clone = format!("CREATE DATABASE {name} TEMPLATE {template}");
    // Copying files beats writing every page to the log. Should a server refuse, it may still know
    // the way that works everywhere.
    let copied = client
        .batch_execute(&format!("{clone} STRATEGY file_copy"))
        .await;
    if copied.is_err() {
        client
            .batch_execute(&clone)
            .await
            .with_context(|| format!("cannot clone {template}"))?;
    }
    Ok(TestDatabase {
        url: server::with_database(server, &name),
        name,
    })
}

async fn forget(name: String) -> Result<()> {
    let client = template::connect(server::url()?).await?;
    client
        .batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        .await?;
    Ok(())
}

/// Different in every process and at every call.
fn unique() -> Uuid {
    #[expect(
        clippy::disallowed_methods,
        reason = "a name for a test database, never compared"
    )]
    Uuid::new_v4()
}

/// Several threads, because applying migrations blocks one of them.
fn on_own_runtime<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?
        .block_on(work)
}
