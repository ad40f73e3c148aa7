//! The index for searches, which is there when the server can have it.

use msgflash_postgres::{SearchIndex, ensure_search_index};

use super::*;

async fn is_there(stage: &Stage) -> bool {
    let session = stage.session().await;
    let row = session
        .query_one("SELECT to_regclass('contacts_search') IS NOT NULL", &[])
        .await;
    row.expect("a row").get(0)
}

#[tokio::test]
async fn it_is_made_once_and_again_after_somebody_dropped_it() {
    let stage = Stage::new().await;
    let book = Book::new(&stage).await;
    book.create("Max", 33_612_345_678, &[]).await;
    let first = ensure_search_index(stage.url()).await.expect("looked");
    if let SearchIndex::Missing(reason) = first {
        eprintln!("skipped: {reason}");
        return;
    }
    assert_eq!(first, SearchIndex::Ready);
    without_index(&stage).await;
    let again = ensure_search_index(stage.url()).await.expect("looked");
    assert_eq!(again, SearchIndex::Made);
    assert!(is_there(&stage).await);
    assert_eq!(book.found("max").await, ["Max"]);
}

#[tokio::test]
async fn what_somebody_left_half_made_is_made_anew() {
    let stage = Stage::new().await;
    if !is_there(&stage).await {
        eprintln!("skipped: the server cannot have the index");
        return;
    }
    let broken = "UPDATE pg_index SET indisvalid = false \
                  WHERE indexrelid = to_regclass('contacts_search')";
    let session = stage.session().await;
    session.batch_execute(broken).await.expect("broken");
    let made = ensure_search_index(stage.url()).await.expect("looked");
    assert_eq!(made, SearchIndex::Made);
}

#[tokio::test]
async fn a_role_that_may_not_have_it_does_without() {
    let stage = Stage::new().await;
    let session = stage.session().await;
    let role = format!("plain_{}", fresh::<()>().uuid().simple());
    session
        .batch_execute(&format!(
            "DROP EXTENSION IF EXISTS pg_trgm CASCADE; \
             DROP EXTENSION IF EXISTS btree_gin CASCADE; \
             CREATE ROLE {role}"
        ))
        .await
        .expect("a role");
    let made = ensure_search_index(&stage.url_as(&role)).await;
    let made = made.expect("looked");
    assert!(matches!(made, SearchIndex::Missing(_)), "{made:?}");
    let book = Book::new(&stage).await;
    book.create("Max", 33_612_345_678, &[]).await;
    assert_eq!(book.found("max").await, ["Max"]);
    let gone = format!("DROP ROLE {role}");
    session.batch_execute(&gone).await.expect("gone");
}
