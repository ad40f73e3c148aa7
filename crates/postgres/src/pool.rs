//! Connections.

use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::QueueMode;
use diesel::result::{ConnectionError, ConnectionResult};
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
};
use futures_util::FutureExt as _;
use msgflash_kernel::StoreError;
use tokio::runtime::Handle;

use crate::connect::{Limits, connect, parse};
use crate::contacts::Searches;
use crate::marks::Marks;
use crate::sql::sql;
use crate::unit::PgUnit;

/// How long a request waits for a free connection before it is told to come back.
const WAIT: Duration = Duration::from_secs(5);

/// Opens a connection that lives where the pool was made. What drives a connection is a task, and
/// one begun by a request would end with the runtime of the thread that served it.
async fn at_home(
    home: Option<Handle>,
    url: &str,
    limits: Limits,
) -> ConnectionResult<AsyncPgConnection> {
    let Some(home) = home else {
        return connect(url, limits).await;
    };
    let url = url.to_owned();
    home.spawn(async move { connect(&url, limits).await })
        .await
        .unwrap_or_else(|gone| Err(ConnectionError::BadConnection(gone.to_string())))
}

/// The database. Cheap to clone; all clones share one pool.
#[derive(Clone)]
pub struct Postgres {
    pool: Pool<AsyncPgConnection>,
    url: Arc<str>,
    /// How many rows of a list are looked at for one page.
    look: u32,
    searches: Searches,
    marks: Marks,
}

/// How a pool is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolStatus {
    /// Connections.
    pub open: usize,
    /// Those that somebody works with.
    pub in_use: usize,
    /// Who waits for one.
    pub waiting: usize,
}

/// The pool could not be built.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up the database pool: {0}")]
pub struct ConnectError(String);

impl Postgres {
    /// A pool of at most `size` connections to `url`. Nothing is opened before it is needed.
    pub fn new(url: &str, size: usize) -> Result<Self, ConnectError> {
        Self::limited(url, size, Limits::default())
    }

    /// The same with other limits than usual.
    pub fn limited(url: &str, size: usize, limits: Limits) -> Result<Self, ConnectError> {
        // An address that cannot be read never becomes one that can: say so at the start.
        parse(url).map_err(|error| ConnectError(error.to_string()))?;
        let mut config = ManagerConfig::default();
        let home = Handle::try_current().ok();
        config.custom_setup = Box::new(move |url| at_home(home.clone(), url, limits).boxed());
        // A check per check-out costs a round trip on every request. A broken connection shows at
        // its first statement, which is answered as "unavailable" and may be repeated; one that
        // is known to be broken is thrown away.
        config.recycling_method = RecyclingMethod::Fast;
        let manager =
            AsyncDieselConnectionManager::<AsyncPgConnection>::new_with_config(url, config);
        let pool = Pool::builder(manager)
            .max_size(size)
            // The one used last has its statements and caches at hand, and those nobody needs
            // stay idle.
            .queue_mode(QueueMode::Lifo)
            .runtime(deadpool::Runtime::Tokio1)
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(WAIT))
            .build()
            .map_err(|error| ConnectError(error.to_string()))?;
        Ok(Self {
            pool,
            url: url.into(),
            look: limits.look,
            searches: Searches::default(),
            marks: Marks::default(),
        })
    }

    /// Where the database is.
    pub(crate) fn url(&self) -> &Arc<str> {
        &self.url
    }

    /// How many rows of a list are looked at for one page.
    pub(crate) fn look(&self) -> u32 {
        self.look
    }

    /// Where to begin looking for what is due.
    pub(crate) fn marks(&self) -> &Marks {
        &self.marks
    }

    /// What is known of the index for searches.
    pub(crate) fn searches(&self) -> &Searches {
        &self.searches
    }

    /// A connection for reading; each statement sees its own snapshot.
    pub(crate) async fn conn(&self) -> Result<Object<AsyncPgConnection>, StoreError> {
        self.pool
            .get()
            .await
            .map_err(|error| StoreError::Unavailable(error.into()))
    }

    /// Begins a transaction.
    pub(crate) async fn unit(&self) -> Result<PgUnit, StoreError> {
        PgUnit::begin(self.conn().await?, self.marks.clone()).await
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        use diesel_async::RunQueryDsl as _;
        let mut conn = self.conn().await?;
        sql("SELECT 1")
            .execute(&mut conn)
            .await
            .map(drop)
            .map_err(crate::error::failed)
    }

    /// How the pool is used at this moment, for the metrics.
    pub fn pool_status(&self) -> PoolStatus {
        let status = self.pool.status();
        PoolStatus {
            open: status.size,
            in_use: status.size.saturating_sub(status.available),
            waiting: status.waiting,
        }
    }
}
