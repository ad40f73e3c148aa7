use msgflash_kernel::{Id, Workspace};
use time::Duration;
use uuid::Uuid;

use super::super::ports::{MockMediaFiles, MockMediaReader};
use super::super::testing::{clock, links, media, stream};
use super::super::{LIFETIME, MediaType};
use super::*;
use crate::testing::workspace;

fn url_of(media: &Media, nonce: u8) -> String {
    links().issue(media, [nonce; 16]).0
}

fn sending(reader: MockMediaReader, files: MockMediaFiles) -> SendFiles {
    SendFiles::new(Arc::new(reader), Arc::new(files), links(), clock())
}

fn place(files: &SendFiles, url: &str) -> Place {
    match files.want(Some(url), workspace().id) {
        Wanted::Upload(place) => place,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_upload_is_read_once_for_many_recipients_and_asked_for_each_time() {
    let mut reader = MockMediaReader::new();
    reader
        .expect_find_by_token()
        .times(3)
        .returning(|_| Ok(Some(media())));
    let mut files = MockMediaFiles::new();
    files
        .expect_read()
        .times(1)
        .returning(|_, _| Ok(Some(stream(b"png"))));
    let files = sending(reader, files);
    let url = url_of(&media(), 1);
    for _ in 0..3 {
        let found = files.load(&place(&files, &url)).await.expect("there");
        assert_eq!(
            (found.name.as_str(), found.mime, &found.bytes[..]),
            ("photo.png", "image/png", &b"png"[..])
        );
    }
}

#[tokio::test]
async fn what_expired_was_deleted_or_lost_is_gone() {
    let gone = async |row: Option<Media>, has_bytes: bool| {
        let mut reader = MockMediaReader::new();
        reader
            .expect_find_by_token()
            .returning(move |_| Ok(row.clone()));
        let mut files = MockMediaFiles::new();
        files
            .expect_read()
            .returning(move |_, _| Ok(has_bytes.then(|| stream(b"png"))));
        let files = sending(reader, files);
        let loaded = files.load(&place(&files, &url_of(&media(), 1))).await;
        loaded.err()
    };
    let over = Media {
        expires_at: media().expires_at - LIFETIME - Duration::SECOND,
        ..media()
    };
    assert_eq!(gone(Some(media()), true).await, None);
    assert_eq!(gone(None, true).await, Some(Unavailable::Gone));
    assert_eq!(gone(Some(over), true).await, Some(Unavailable::Gone));
    assert_eq!(gone(Some(media()), false).await, Some(Unavailable::Gone));
}

#[test]
fn addresses_of_others_are_no_uploads() {
    let files = sending(MockMediaReader::new(), MockMediaFiles::new());
    let url = url_of(&media(), 1);
    let stranger = Id::new(Uuid::from_u128(0xBAD));
    let nothing = |url: Option<&str>, who| matches!(files.want(url, who), Wanted::Nothing);
    assert!(nothing(Some(&url), stranger));
    assert!(nothing(Some("https://a.test/b.png"), workspace().id));
    assert!(nothing(None, workspace().id));
}

#[test]
fn bytes_under_way_are_bounded_and_their_room_comes_back() {
    let files = sending(MockMediaReader::new(), MockMediaFiles::new());
    let film = Media {
        kind: MediaType::Mp4,
        size: MAX_BYTES,
        ..media()
    };
    let url = url_of(&film, 1);
    let full = |it: &Wanted| matches!(it, Wanted::NoRoom);
    let held: Vec<_> = (0..3)
        .map(|_| files.want(Some(&url), workspace().id))
        .collect();
    // One workspace has half of it.
    assert_eq!(held.iter().filter(|it| full(it)).count(), 2);
    let of = |account: u128| {
        let workspace = Workspace::personal(Id::new(Uuid::from_u128(account)));
        let film = Media {
            workspace: workspace.id,
            ..film.clone()
        };
        files.want(Some(&url_of(&film, 1)), workspace.id)
    };
    let others = of(0xB);
    assert!(!full(&others));
    assert!(full(&of(0xC)), "there is no more");
    drop((held, others));
    assert!(!full(&files.want(Some(&url), workspace().id)));
}

#[tokio::test]
async fn bytes_that_came_too_late_wait_for_the_next_try_with_their_room() {
    let film = |id| Media {
        id: Id::new(Uuid::from_u128(id)),
        kind: MediaType::Mp4,
        size: MAX_BYTES,
        ..media()
    };
    let mut reader = MockMediaReader::new();
    reader
        .expect_find_by_token()
        .returning(move |_| Ok(Some(Media { size: 4, ..film(1) })));
    let mut files = MockMediaFiles::new();
    files
        .expect_read()
        .times(1)
        .returning(|_, _| Ok(Some(stream(b"film"))));
    let (time, files) = (clock(), Arc::new(files));
    let files = SendFiles::new(Arc::new(reader), files, links(), time.clone());
    let (late, other) = (url_of(&film(1), 1), url_of(&film(2), 2));
    let first = place(&files, &late);
    let loaded = files.load(&first).await.expect("there");
    files.park(first, loaded);
    let no_room = |url: &str| matches!(files.want(Some(url), workspace().id), Wanted::NoRoom);
    assert!(no_room(&other), "its room is kept");
    let again = place(&files, &late);
    assert_eq!(
        &files.load(&again).await.expect("at hand").bytes[..],
        b"film"
    );
    let loaded = files.load(&again).await.expect("at hand");
    files.park(again, loaded);
    time.advance(Duration::seconds(30));
    assert!(!no_room(&other), "nobody came back for it");
}
