use std::sync::Mutex;

use msgflash_kernel::{CountingRandom, Fault as _, Kind, SequentialIds};

use super::super::Family;
use super::super::kind::Sniffed;
use super::super::ports::{MockMediaFiles, MockMediaStore, MockSniffer};
use super::super::testing::{Units, clock, links};
use super::*;
use crate::testing::{NOW, actor};

const NOTHING: Held = Held {
    files: 0,
    bytes: 0,
    next_expiry: None,
};

fn order(bytes: &'static [u8]) -> UploadOrder {
    UploadOrder {
        actor: actor(),
        declared: Some("text/plain".to_owned()),
        name: Some("a/b/photo.svg".to_owned()),
        bytes: Bytes::from_static(bytes),
    }
}

fn use_case(units: &Arc<Units>, files: MockMediaFiles, found: Sniffed, space: u64) -> UploadMedia {
    let mut sniffer = MockSniffer::new();
    sniffer.expect_sniff().return_const(found);
    let ports = UploadPorts {
        units: units.clone(),
        files: Arc::new(files),
        sniffer: Arc::new(sniffer),
        links: links(),
        clock: clock(),
        ids: Arc::new(SequentialIds::default()),
        random: Arc::new(CountingRandom::default()),
    };
    UploadMedia::new(ports, space)
}

const PNG: Sniffed = Sniffed::Is(MediaType::Png);

fn holding(held: Held) -> MockMediaStore {
    let mut store = MockMediaStore::new();
    store.expect_lock_held().returning(move |_| Ok(held));
    store
}

#[tokio::test]
async fn a_row_is_there_before_the_bytes_and_counts_after_them() {
    let steps: Arc<Mutex<Vec<&str>>> = Arc::default();
    let step = |name| {
        let steps = Arc::clone(&steps);
        move || steps.lock().expect("unpoisoned").push(name)
    };
    let mut first = holding(NOTHING);
    let insert = step("insert");
    first.expect_insert().returning(move |_, _, until| {
        insert();
        assert_eq!(until, NOW + ON_THE_WAY);
        Ok(())
    });
    let mut second = MockMediaStore::new();
    let stored = step("mark");
    second.expect_mark_stored().returning(move |_| {
        stored();
        Ok(true)
    });
    let mut files = MockMediaFiles::new();
    let bytes = step("bytes");
    files.expect_store().returning(move |key, kept| {
        bytes();
        assert_eq!(key, "2026-05-20/00000000-0000-0000-0000-000000000001");
        assert_eq!(kept, b"png"[..]);
        Ok(())
    });
    let units = Units::of(vec![first, second]);
    let done = use_case(&units, files, PNG, 3).upload(order(b"png")).await;
    let done = done.expect("taken");
    assert_eq!(
        *steps.lock().expect("unpoisoned"),
        ["insert", "bytes", "mark"]
    );
    assert_eq!(units.commits(), 2);
    assert_eq!(done.media.expires_at, NOW + LIFETIME);
    assert_eq!(done.media.original_name, "photo.svg");
    assert_eq!(done.media.file_name(), "photo.svg.png");
    let ticket = links().own(&done.url, actor().workspace.id);
    assert_eq!(ticket.expect("ours").expires_at, done.media.expires_at);
}

#[tokio::test]
async fn what_is_no_file_for_us_touches_nothing() {
    let refused = async |bytes, sniffed| {
        let units = Units::of(vec![]);
        let upload = use_case(&units, MockMediaFiles::new(), sniffed, 1 << 30);
        upload
            .upload(order(bytes))
            .await
            .expect_err("refused")
            .code()
    };
    let large: &[u8] = vec![0; (5 << 20) + 1].leak();
    assert_eq!(refused(b"", PNG).await, "MEDIA_FILE_MISSING");
    assert_eq!(
        refused(b"x", Sniffed::Other).await,
        "MEDIA_TYPE_NOT_ALLOWED"
    );
    assert_eq!(refused(large, PNG).await, "MEDIA_TOO_LARGE");
    assert_eq!(Family::Image.limit(), large.len() as u64 - 1);
}

#[tokio::test]
async fn a_full_workspace_is_told_when_to_come_back() {
    let full = async |held: Held| {
        let units = Units::of(vec![holding(held)]);
        let upload = use_case(&units, MockMediaFiles::new(), PNG, 10);
        let error = upload.upload(order(b"png")).await.expect_err("full");
        assert_eq!(units.commits(), 0);
        (error.code(), error.kind())
    };
    let held = Held {
        files: 1,
        bytes: 8,
        next_expiry: Some(NOW + Duration::minutes(5)),
    };
    let limited = |seconds| Kind::Limited(Wait::from_secs(seconds));
    assert_eq!(full(held).await, ("RATE_LIMIT_EXCEEDED", limited(300)));
    let many = Held {
        files: MOST_FILES,
        bytes: 0,
        next_expiry: Some(NOW),
    };
    assert_eq!(full(many).await, ("RATE_LIMIT_EXCEEDED", limited(1)));
}

#[tokio::test]
async fn what_could_not_be_kept_is_not_counted() {
    let mut first = holding(NOTHING);
    first.expect_insert().returning(|_, _, _| Ok(()));
    let mut second = MockMediaStore::new();
    second.expect_delete().times(1).returning(|_, _| Ok(None));
    let mut files = MockMediaFiles::new();
    let fails = || Err(FilesError("disk full".into()));
    files.expect_store().returning(move |_, _| fails());
    files.expect_delete().times(1).returning(|_| Ok(()));
    let units = Units::of(vec![first, second]);
    let failed = use_case(&units, files, PNG, 10).upload(order(b"png")).await;
    let failed = failed.expect_err("not kept");
    assert_eq!(failed.code(), "MEDIA_UPLOAD_FAILED");
    assert_eq!(units.commits(), 2);
}
