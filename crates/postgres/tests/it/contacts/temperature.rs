//! How well messages to a contact go down, as lists and single contacts show it.

use msgflash_contacts::Temperature;
use time::{Duration, OffsetDateTime};
use tokio_postgres::Client;

use super::*;

const QUEUED: i16 = 0;
const SENT: i16 = 1;
const FAILED: i16 = 4;
const RECEIVED: i16 = 6;

/// Messages by their status, and how many hours ago they were.
type History = &'static [(i16, i64)];

async fn message(session: &Client, book: &Book, phone: u64, status: i16, at: OffsetDateTime) {
    let seconds = at.unix_timestamp();
    let millis = u64::try_from(seconds).expect("of our time") * 1000;
    let mut rest = [0; 10];
    rest[2..].copy_from_slice(&phone.to_be_bytes());
    let id = uuid::Builder::from_unix_timestamp_millis(millis, &rest).into_uuid();
    let phone = i64::try_from(phone).expect("fifteen digits");
    let workspace = book.workspace.id.to_string();
    session
        .execute(
            "INSERT INTO messages (workspace_id, id, account_id, acting_user_id, instance_id, \
               inbound, kind, peer, status, meta, created_at, updated_at) \
             SELECT w, $2::text::uuid, w, w, w, $4::int2 = 6, 'text', $3::int8, $4::int2, '{}', \
               to_timestamp($5::int8), now() FROM (SELECT $1::text::uuid AS w) x",
            &[&workspace, &id.to_string(), &phone, &status, &seconds],
        )
        .await
        .expect("a message");
}

#[tokio::test]
async fn temperature_follows_the_messages_of_the_own_workspace() {
    let stage = Stage::new().await;
    let (book, other) = (Book::new(&stage).await, Book::new(&stage).await);
    let session = stage.session().await;
    let ago = |hours: i64| NOW - Duration::hours(hours);
    let histories: [(History, Option<Temperature>); 8] = [
        (&[], None),
        (&[(QUEUED, 1)], None),
        (&[(SENT, 2)], Some(Temperature::Cold)),
        (&[(SENT, 2), (RECEIVED, 1)], Some(Temperature::Warm)),
        (&[(RECEIVED, 24 * 40)], Some(Temperature::Cold)),
        (
            &[(SENT, 9), (FAILED, 3), (FAILED, 2), (QUEUED, 1)],
            Some(Temperature::Blocked),
        ),
        (
            &[(FAILED, 3), (FAILED, 2), (RECEIVED, 1)],
            Some(Temperature::Warm),
        ),
        (
            &[(RECEIVED, 5), (FAILED, 3), (SENT, 2), (FAILED, 1)],
            Some(Temperature::Warm),
        ),
    ];
    for (at, (history, _)) in histories.iter().enumerate() {
        let phone = 33_600_000_000 + at as u64;
        for (status, hours) in *history {
            message(&session, &book, phone, *status, ago(*hours)).await;
        }
        let entry = book.try_create("Max", phone, &[]).await.expect("made");
        assert_eq!(entry.temperature, histories[at].1, "{history:?}");
        // Somebody else's messages to the same number say nothing here.
        let stranger = other.try_create("Max", phone, &[]).await.expect("made");
        assert_eq!(stranger.temperature, None);
    }
    let newest = query(Sort::Newest, None, &[], None);
    let page = book.read().page(book.workspace.id, &newest, 10, None).await;
    let page = page.expect("a page");
    let shown: Vec<_> = page.items.iter().rev().map(|it| it.temperature).collect();
    let expected: Vec<_> = histories.iter().map(|(_, expected)| *expected).collect();
    assert_eq!(shown, expected);
}
