//! What is removed when its time is over.

use super::imports::people;
use super::*;

async fn count(stage: &Stage, table: &str) -> i64 {
    let session = stage.session().await;
    let row = session
        .query_one(&format!("SELECT count(*) FROM {table}"), &[])
        .await;
    row.expect("a count").get(0)
}

async fn sweep(stage: &Stage, now: time::OffsetDateTime) {
    while stage.postgres.sweep(now).await.expect("swept") > 0 {}
}

#[tokio::test]
async fn members_of_a_group_that_is_gone_go_later() {
    let stage = Stage::new().await;
    let book = Book::new(&stage).await;
    let (gone, kept) = (book.group("Gone").await, book.group("Kept").await);
    let mut ids = Vec::new();
    for at in 0..5u64 {
        ids.push(book.create("Max", 33_600_000_000 + at, &[]).await);
    }
    book.join(gone, &ids).await;
    book.join(kept, &ids).await;
    book.delete_group(gone).await.expect("deleted");
    book.delete(ids[0]).await.expect("deleted");
    sweep(&stage, NOW).await;
    assert_eq!(count(&stage, "contact_group_members").await, 4);
    assert_eq!(count(&stage, "contact_group_remains").await, 0);
    require_exact(&stage, &book).await;
}

#[tokio::test]
async fn jobs_are_kept_for_thirty_days_after_which_only_living_ones_are() {
    let stage = Stage::new().await;
    let (one, other) = (Book::new(&stage).await, Book::new(&stage).await);
    for book in [&one, &other] {
        book.job(Operation::Delete, &vec![fresh(); 100]).await;
        book.run_jobs().tick().await.expect("work");
    }
    let living = one.job(Operation::Delete, &vec![fresh(); 100]).await;
    let made = made_at(living.id);
    sweep(&stage, made + time::Duration::days(29)).await;
    assert_eq!(count(&stage, "contact_jobs").await, 3);
    sweep(&stage, made + time::Duration::days(31)).await;
    assert_eq!(count(&stage, "contact_jobs").await, 1);
    require_exact(&stage, &one).await;
}

#[tokio::test]
async fn imports_are_kept_for_thirty_days_and_their_parts_no_longer_than_they() {
    let stage = Stage::new().await;
    let (one, other) = (Book::new(&stage).await, Book::new(&stage).await);
    let mut ended = Vec::new();
    for book in [&one, &other] {
        ended.push(book.bring(&people(0..3), None).await.import.id);
    }
    let living = one.bring(&people(0..1100), None).await.import;
    let orphan = "INSERT INTO contact_import_chunks (import_id, no, rows, errors) \
         VALUES ('01900000-0000-7000-8000-000000000000', 0, '[]', '[]')";
    let session = stage.session().await;
    session.batch_execute(orphan).await.expect("an orphan");
    let made = made_at(living.id);
    sweep(&stage, made + time::Duration::days(29)).await;
    assert_eq!(count(&stage, "contact_imports").await, 3);
    assert_eq!(count(&stage, "contact_import_chunks").await, 2 + 3);
    sweep(&stage, made + time::Duration::days(31)).await;
    assert_eq!(count(&stage, "contact_imports").await, 1);
    assert_eq!(count(&stage, "contact_import_chunks").await, 3);
    one.run_until_idle().await;
    assert_eq!(one.import(living.id).await.processed(), 1100);
    require_exact(&stage, &one).await;
}

/// Ids know when they were made, by the real clock.
fn made_at<T>(id: Id<T>) -> time::OffsetDateTime {
    let made = id.uuid().get_timestamp().expect("an id with a time");
    let seconds = i64::try_from(made.to_unix().0).expect("not that far away");
    time::OffsetDateTime::from_unix_timestamp(seconds).expect("a time")
}
