use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::time::SystemTime;

use object_store::memory::InMemory;
use tempfile::TempDir;
use time::macros::datetime;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;

const KEY: &str = "2026-05-20/0197b3c0-1111-7000-8000-00000000dead";

fn folder() -> (TempDir, StoredFiles) {
    let root = TempDir::new().expect("a folder");
    let files = StoredFiles::in_folder(root.path().join("media"));
    (root, files)
}

async fn read(files: &StoredFiles, range: Option<Range<u64>>) -> Option<Vec<u8>> {
    let stream = files.read(KEY, range).await.expect("asked")?;
    let parts: Vec<Bytes> = stream.try_collect().await.expect("read");
    Some(parts.concat())
}

#[tokio::test]
async fn bytes_come_back_whole_or_in_part_until_they_are_deleted() {
    let (root, files) = folder();
    assert_eq!(read(&files, None).await, None, "there is no folder yet");
    files.delete(KEY).await.expect("nothing to delete");
    let bytes: Vec<u8> = (0..100_000u32).map(|n| n.to_le_bytes()[0]).collect();
    let stored = files.store(KEY, bytes.clone().into()).await;
    stored.expect("stored");
    assert_eq!(read(&files, None).await, Some(bytes.clone()));
    assert_eq!(read(&files, Some(9..12)).await, Some(bytes[9..12].to_vec()));
    for place in ["media", "media/2026-05-20"] {
        let mode = fs::metadata(root.path().join(place)).expect("there");
        assert_eq!(mode.permissions().mode() & 0o777, 0o700, "{place}");
    }
    files.delete(KEY).await.expect("deleted");
    assert_eq!(read(&files, None).await, None);
    files.delete(KEY).await.expect("again is no harm");
}

#[tokio::test]
async fn what_is_old_goes_also_what_was_half_written_and_nothing_else() {
    let (root, files) = folder();
    let than = datetime!(2026-05-20 12:00 UTC);
    let at = |seconds: i64| {
        let seconds = than.unix_timestamp() + seconds;
        SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).expect("later"))
    };
    let place = root.path().join("media");
    let make = |name: &str, seconds| {
        let path = place.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        let file = File::create(path).expect("made");
        file.set_modified(at(seconds)).expect("aged");
    };
    make("2026-05-19/old", -1);
    make("2026-05-20/half#1", -1);
    make("2026-05-20/young", 1);
    make("2026-05-21/of-tomorrow", -1);
    make("notes/of-somebody", -1);
    make("2026-05-19x/of-somebody", -1);
    let gone = files.delete_older(than).await.expect("cleared");
    assert_eq!(gone, 2);
    let left = |name: &str| place.join(name).exists();
    assert!(!left("2026-05-19") && !left("2026-05-20/half#1"));
    assert!(left("2026-05-20/young") && left("2026-05-21/of-tomorrow"));
    assert!(left("notes/of-somebody") && left("2026-05-19x/of-somebody"));
    let (_root, none) = folder();
    assert_eq!(none.delete_older(than).await.expect("nothing there"), 0);
}

#[tokio::test]
async fn of_a_bucket_only_our_days_are_cleared() {
    let bucket = InMemory::new();
    let keys = [
        "media/2026-05-19/a",
        "media/2026-05-19/b",
        "media/notes/c",
        "2026-05-19/d",
    ];
    for key in keys {
        let put = bucket.put(&Path::from(key), "x".into()).await;
        put.expect("put");
    }
    let count = |than| delete_older(&bucket, than);
    let day = datetime!(2026-05-18 23:59 UTC);
    assert_eq!(count(day).await.expect("listed"), 0);
    // They were put now, and are not older than any moment before.
    let past = datetime!(2026-05-20 00:00 UTC);
    assert_eq!(count(past).await.expect("listed"), 0);
    let future = datetime!(2100-01-01 00:00 UTC);
    assert_eq!(count(future).await.expect("listed"), 2);
    let left: Vec<_> = bucket.list(None).try_collect().await.expect("listed");
    assert_eq!(left.len(), 2);
}

/// Answers each request with one of these, the last one first, and tells what was asked.
async fn service(mut answers: Vec<&'static str>) -> (Url, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let url = Url::parse(&format!("http://{address}")).expect("a URL");
    let served = tokio::spawn(async move {
        let mut asked = Vec::new();
        while let Some(answer) = answers.pop() {
            let (mut stream, _) = listener.accept().await.expect("a client");
            let mut request = Vec::new();
            // Every request here ends with these bytes or with its head.
            while !request.ends_with(b"PNG!") && !request.ends_with(b"\r\n\r\n") {
                let more = stream.read_buf(&mut request).await.expect("a request");
                assert!(more > 0, "it ends early");
            }
            if request.starts_with(b"PUT") && !request.ends_with(b"PNG!") {
                stream.read_buf(&mut request).await.expect("a body");
            }
            stream.write_all(answer.as_bytes()).await.expect("written");
            asked.push(String::from_utf8(request).expect("text"));
        }
        asked
    });
    (url, served)
}

fn bucket(endpoint: Url, allow_http: bool) -> StoredFiles {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let settings = S3Settings {
        endpoint: Some(endpoint),
        bucket: "uploads".to_owned(),
        region: "eu-west-3".to_owned(),
        access_key_id: "a-key".to_owned(),
        secret_access_key: Secret::new("very-secret".to_owned()),
        path_style: true,
        allow_http,
    };
    assert!(!format!("{settings:?}").contains("very-secret"));
    StoredFiles::in_bucket(&settings).expect("usable settings")
}

const GONE: &str = "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

#[tokio::test]
async fn requests_to_a_bucket_are_signed_and_never_show_the_key() {
    const DONE: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\nETag: \"1\"\r\n\
                        Content-Length: 0\r\n\r\n";
    let (endpoint, served) = service(vec![GONE, DONE]).await;
    let files = bucket(endpoint, true);
    let stored = files.store(KEY, Bytes::from_static(b"PNG!")).await;
    stored.expect("stored");
    assert_eq!(read(&files, None).await, None);
    let asked = served.await.expect("served");
    for (request, method) in asked.iter().zip(["PUT", "GET"]) {
        let start = format!("{method} /uploads/media/{KEY} HTTP/1.1\r\n");
        assert!(request.starts_with(&start), "{request}");
        assert!(
            request.contains("AWS4-HMAC-SHA256 Credential=a-key/"),
            "{request}"
        );
        assert!(request.contains("/eu-west-3/s3/aws4_request"), "{request}");
        assert!(!request.contains("very-secret"), "{request}");
    }
    assert!(asked[0].ends_with("PNG!"));
}

#[tokio::test]
async fn nobody_is_followed_elsewhere_and_nothing_is_said_in_the_open() {
    const AWAY: &str = "HTTP/1.1 307 Temporary Redirect\r\nConnection: close\r\n\
                        Location: http://127.0.0.1:9/elsewhere\r\nContent-Length: 0\r\n\r\n";
    let (endpoint, served) = service(vec![AWAY]).await;
    let away = bucket(endpoint.clone(), true).read(KEY, None).await;
    let why = away.err().expect("not followed");
    assert!(!format!("{why:?}").contains("very-secret"));
    assert_eq!(served.await.expect("served").len(), 1);
    let plain = bucket(endpoint, false);
    assert!(plain.store(KEY, Bytes::from_static(b"x")).await.is_err());
}
