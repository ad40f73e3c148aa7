//! One database per test.

use msgflash_testkit::{OwnServer, TestDatabase};
use tokio_postgres::{Client, NoTls};

async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    drop(tokio::spawn(connection));
    Ok(client)
}

/// How many tables the application has in this database.
async fn tables(client: &Client) -> i64 {
    let count = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'";
    client
        .query_one(count, &[])
        .await
        .expect("the catalogue is always there")
        .get(0)
}

#[tokio::test]
async fn has_every_migration_applied() {
    let database = TestDatabase::create().await;
    let client = connect(database.url()).await.unwrap();
    assert!(tables(&client).await > 0);
}

#[tokio::test]
async fn an_empty_one_has_no_table() {
    let database = TestDatabase::empty().await;
    assert_eq!(tables(&connect(database.url()).await.unwrap()).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_of_ours_notices_pages_that_changed_on_the_disk() {
    let own = OwnServer::start().await;
    let client = connect(own.url()).await.unwrap();
    let checksums = client.query_one("SHOW data_checksums", &[]).await;
    assert_eq!(checksums.unwrap().get::<_, &str>(0), "on");
}

#[tokio::test]
async fn two_of_them_share_nothing() {
    let (one, other) = tokio::join!(TestDatabase::create(), TestDatabase::create());
    assert_ne!(one.url(), other.url());
    let client = connect(one.url()).await.unwrap();
    client
        .batch_execute("CREATE TABLE mine (id int)")
        .await
        .unwrap();
    let client = connect(other.url()).await.unwrap();
    assert!(client.batch_execute("SELECT * FROM mine").await.is_err());
}

#[tokio::test]
async fn is_gone_at_the_end_though_somebody_is_connected() {
    let database = TestDatabase::create().await;
    let url = database.url().to_owned();
    let _guest = connect(&url).await.unwrap();

    drop(database);

    let refused = connect(&url).await.err().unwrap();
    assert_eq!(refused.code().unwrap().code(), "3D000", "{refused}");
}

#[test]
fn is_gone_after_a_test_that_failed() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let database = runtime.block_on(TestDatabase::create());
    let url = database.url().to_owned();

    let failed = std::thread::spawn(move || {
        let _database = database;
        std::panic::resume_unwind(Box::new("a test that fails"));
    });

    assert!(failed.join().is_err());
    assert!(runtime.block_on(connect(&url)).is_err());
}
