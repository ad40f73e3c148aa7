//! The one transaction type.

use async_trait::async_trait;
use diesel_async::pooled_connection::deadpool::Object;
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, TransactionManager};
use msgflash_kernel::{StoreError, Unit};
use tokio::runtime::Handle;

use crate::error::failed;
use crate::marks::Marks;
use crate::messaging::tally::Tallies;

type Transactions = AnsiTransactionManager;

/// Units look rows up by their keys, so one plan serves for ever: to make one for each size of a
/// group costs more than to run it.
const BEGIN: &str = "BEGIN; SET LOCAL plan_cache_mode = force_generic_plan";

/// One Postgres transaction. Implements every unit and every store.
pub(crate) struct PgUnit {
    conn: Option<Object<AsyncPgConnection>>,
    /// Written last: whoever holds these rows waits for nobody.
    tallies: Tallies,
    marks: Marks,
}

impl PgUnit {
    /// Begins a transaction on `conn`.
    pub(crate) async fn begin(
        mut conn: Object<AsyncPgConnection>,
        marks: Marks,
    ) -> Result<Self, StoreError> {
        if let Err(error) = Transactions::begin_transaction_sql(&mut *conn, BEGIN).await {
            // Whatever state it is in, nobody else shall borrow it.
            drop(Object::take(conn));
            return Err(StoreError::Unavailable(error.into()));
        }
        Ok(Self {
            conn: Some(conn),
            tallies: Tallies::default(),
            marks,
        })
    }

    /// The connection, inside the transaction.
    pub(crate) fn conn(&mut self) -> &mut AsyncPgConnection {
        self.conn
            .as_mut()
            .expect("a unit that was committed is gone")
    }

    /// Where to begin looking for what is due.
    pub(crate) fn marks(&self) -> Marks {
        self.marks.clone()
    }

    /// Counts for campaigns, to be written when the unit commits.
    pub(crate) fn tallies(&mut self) -> &mut Tallies {
        &mut self.tallies
    }

    /// Undoes everything, and waits until its locks are free. Dropping does the same some time
    /// later.
    pub(crate) async fn roll_back(mut self) {
        let Some(mut conn) = self.conn.take() else {
            return;
        };
        if Transactions::rollback_transaction(&mut *conn)
            .await
            .is_err()
        {
            drop(Object::take(conn)); // Closing the socket rolls back too.
        }
    }
}

#[async_trait]
impl Unit for PgUnit {
    async fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        let tallies = std::mem::take(&mut self.tallies);
        tallies.write(self.conn()).await?;
        let mut conn = self.conn.take().expect("a unit is committed once");
        match Transactions::commit_transaction(&mut *conn).await {
            Ok(()) => Ok(()),
            Err(error) => {
                drop(Object::take(conn));
                Err(failed(error))
            }
        }
    }
}

impl Drop for PgUnit {
    /// Rolls back at once. A connection handed back to the pool with an open transaction keeps its
    /// row locks until somebody borrows it again, which can be never.
    fn drop(&mut self) {
        let Some(mut conn) = self.conn.take() else {
            return;
        };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(async move {
                if Transactions::rollback_transaction(&mut *conn)
                    .await
                    .is_err()
                {
                    drop(Object::take(conn)); // Closing the socket rolls back too.
                }
            })),
            Err(_) => drop(Object::take(conn)),
        }
    }
}
