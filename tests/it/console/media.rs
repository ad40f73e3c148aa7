//! Files that people upload.

mod fetching;
mod sending;

use blackbox::{Client, Reply, Stack};
use serde_json::json;

use super::stack;

const UPLOAD: &str = "/api/media/upload";
const PNG: &[u8] = include_bytes!("../../../apps/server/src/demo/picture.png");
const PDF: &[u8] = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n";
const OGG: &[u8] = b"OggS\0\x02\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x99\x99\x99\x99\x01\x13\
    OpusHead\x01\x01\x38\x01\x80\xbb\0\0\0\0\0";
const MP4: &[u8] = b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2mp41\0\0\0\x08free";

/// What an upload came to.
async fn uploaded(client: &Client, bytes: &[u8], name: &str) -> serde_json::Value {
    let reply = client.upload_as(UPLOAD, bytes, name, None).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    reply.data().clone()
}

/// How many files lie in the folder.
fn files(stack: &Stack) -> usize {
    fn count(folder: &std::path::Path) -> usize {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries
            .map(|it| {
                if it.path().is_dir() {
                    count(&it.path())
                } else {
                    1
                }
            })
            .sum()
    }
    count(stack.uploads.path())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_family_is_taken_for_what_its_bytes_are() {
    let stack = stack().await;
    let client = stack.account("max").await.signed_in(&stack).await;
    let cases = [
        (PNG, "Été 1.png", "image", "image/png", "image"),
        (MP4, "film.mp4", "video", "video/mp4", "video"),
        (
            PDF,
            "../../etc/invoice.pdf",
            "document",
            "application/pdf",
            "document",
        ),
        (
            b"ID3\x04\0\0\0\0\0\0",
            "a.mp3",
            "audio",
            "audio/mpeg",
            "audio",
        ),
        (
            b"ID3\x04\0\0\0\0\0\0",
            "Voice-note 1.mp3",
            "audio",
            "audio/mpeg",
            "voice_note",
        ),
        (OGG, "a.ogg", "audio", "audio/ogg", "voice_note"),
    ];
    for (bytes, name, family, mime, message) in cases {
        let data = uploaded(&client, bytes, name).await;
        let last = name.rsplit('/').next();
        assert_eq!(
            (
                &data["type"],
                &data["mimeType"],
                &data["suggestedMessageType"]
            ),
            (&json!(family), &json!(mime), &json!(message)),
            "{data}"
        );
        assert_eq!(
            (data["sizeBytes"].as_u64(), data["originalName"].as_str()),
            (Some(bytes.len() as u64), last)
        );
        let url = data["url"].as_str().expect("a URL");
        assert!(url.starts_with(&format!("{}/media/", stack.base)), "{url}");
        assert!(url.is_ascii() && !url.contains(".."), "{url}");
        assert_eq!(data.as_object().expect("an object").len(), 8);
        let life = stack
            .count(
                "SELECT extract(epoch FROM expires_at - created_at)::bigint FROM media \
                 WHERE id = $1::text::uuid",
                &[&data["id"].as_str()],
            )
            .await;
        assert!((86_398..=86_400).contains(&life), "{life}");
    }
    assert_eq!(files(&stack), cases.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_such_file_is_refused_as_documented_and_not_kept() {
    let stack = stack().await;
    let client = stack.account("max").await.signed_in(&stack).await;
    let page: &[u8] = b"<!DOCTYPE html><script>alert(1)</script>";
    let drawing: &[u8] = b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>";
    for (bytes, said) in [
        (page, "image/png"),
        (drawing, "image/svg+xml"),
        (drawing, "image/webp"),
        (b"#!/bin/sh\nrm -rf /\n", "image/jpeg"),
        (
            b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0",
            "application/pdf",
        ),
        (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0", "video/mp4"),
        (b"GIF says hello", "image/gif"),
        (b"hello", "audio/aac"),
        (b"PK\x03\x04\x14\0\0\0\x08\0", "application/vnd.ms-excel"),
    ] {
        let reply = client.upload_as(UPLOAD, bytes, "a.png", Some(said)).await;
        assert_eq!(reply.outcome(), (400, "MEDIA_TYPE_NOT_ALLOWED"), "{said}");
    }
    let too_large = async |start: &[u8], megabytes: usize| {
        let mut bytes = start.to_vec();
        bytes.resize((megabytes << 20) + 1, 0);
        let reply = client.upload_as(UPLOAD, &bytes, "a", None).await;
        assert_eq!(reply.outcome(), (400, "MEDIA_TOO_LARGE"), "{megabytes}");
    };
    too_large(PNG, 5).await;
    too_large(PDF, 10).await;
    too_large(MP4, 16).await;
    too_large(b"anything", 16).await;
    let missing = |reply: Reply| assert_eq!(reply.outcome(), (400, "MEDIA_FILE_MISSING"));
    missing(client.upload_as(UPLOAD, b"", "a.png", None).await);
    let form = "--part\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhi\r\n--part--\r\n";
    let kind = "multipart/form-data; boundary=part";
    missing(client.post_raw(UPLOAD, form, kind).await);
    let json = client.post(UPLOAD, &json!({})).await;
    assert_eq!(json.outcome(), (415, "UNSUPPORTED_MEDIA_TYPE"));
    assert_eq!(stack.anonymous().upload(UPLOAD, PNG, &[]).await.status, 401);
    assert_eq!(stack.count("SELECT count(*) FROM media", &[]).await, 0);
    assert_eq!(files(&stack), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_deleted_once_and_by_its_own_workspace_alone() {
    let stack = stack().await;
    let client = stack.account("max").await.signed_in(&stack).await;
    let id = uploaded(&client, PNG, "a.png").await["id"].clone();
    let path = format!("/api/media/{}", id.as_str().expect("an id"));
    let other = stack.account("max").await.signed_in(&stack).await;
    assert_eq!(other.delete(&path).await.outcome(), (404, "NOT_FOUND"));
    assert_eq!(files(&stack), 1);
    let gone = client.delete(&path).await;
    assert_eq!(
        (gone.status, gone.data()),
        (200, &json!({ "deleted": true }))
    );
    assert_eq!(files(&stack), 0);
    assert_eq!(client.delete(&path).await.outcome(), (404, "NOT_FOUND"));
    let odd = client.delete("/api/media/nonsense").await;
    assert_eq!(odd.outcome(), (404, "NOT_FOUND"));
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_uploads_at_once_never_pass_the_space_of_their_workspace() {
    let stack = Stack::with(&[
        ("media_space_mb", "1"),
        ("console_rate_limit_per_second", "10000"),
    ])
    .await;
    let client = stack.account("max").await.signed_in(&stack).await;
    let mut bytes = PNG.to_vec();
    bytes.resize(300 << 10, 0);
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (client, bytes) = (client.clone(), bytes.clone());
        all.spawn(async move { client.upload_as(UPLOAD, &bytes, "a.png", None).await });
    }
    for reply in all.join_all().await {
        let fine = reply.status == 201 || reply.outcome() == (429, "RATE_LIMIT_EXCEEDED");
        assert!(fine, "{reply:?}");
    }
    // One after the other what is left of the space is used, and no more than that.
    let full = loop {
        let reply = client.upload_as(UPLOAD, &bytes, "a.png", None).await;
        if reply.status != 201 {
            break reply;
        }
    };
    assert_eq!(full.outcome(), (429, "RATE_LIMIT_EXCEEDED"), "{full:?}");
    let wait: u32 = full.header("retry-after").parse().expect("seconds");
    assert!((86_000..=86_400).contains(&wait), "{wait}");
    let held = "SELECT sum(size_bytes)::bigint FROM media";
    assert_eq!(stack.count(held, &[]).await, 3 * (300 << 10));
    assert_eq!(files(&stack), 3);
    let elsewhere = stack.account("max").await.signed_in(&stack).await;
    uploaded(&elsewhere, &bytes, "a.png").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_uploads_says_so() {
    let stack = Stack::with(&[("media", "off")]).await;
    let client = stack.account("max").await.signed_in(&stack).await;
    let said = (503, "MEDIA_UPLOAD_NOT_CONFIGURED");
    let upload = client.upload_as(UPLOAD, PNG, "a.png", None).await;
    assert_eq!(upload.outcome(), said);
    let id = "0197b3c0-1111-7000-8000-00000000dead";
    let delete = client.delete(&format!("/api/media/{id}")).await;
    assert_eq!(delete.outcome(), said);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_takes_nothing_is_told_apart_and_leaves_nothing_behind() {
    let stack = stack().await;
    let client = stack.account("max").await.signed_in(&stack).await;
    // Where the folder would be is a file.
    std::fs::write(stack.uploads.path().join("media"), b"").expect("written");
    let failed = client.upload_as(UPLOAD, PNG, "a.png", None).await;
    assert_eq!(failed.outcome(), (500, "MEDIA_UPLOAD_FAILED"));
    assert_eq!(stack.count("SELECT count(*) FROM media", &[]).await, 0);
}
