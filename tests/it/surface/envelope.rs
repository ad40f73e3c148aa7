//! One envelope for everything that can be wrong with a request, whoever notices it.
//!
//! Its members, and that no text of a framework shows, are checked by the client on every answer.

use std::collections::BTreeMap;
use std::io::Write as _;

use blackbox::{Client, Stack};
use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::Method;
use serde_json::{Value, json};

use super::{NOBODY, text};

const SEND: &str = "/api/v1/messages/send";
const BODIES: [&str; 4] = [
    SEND,
    "/api/v1/messages/schedule",
    "/api/v1/templates",
    "/api/v1/webhooks",
];
const JSON: &str = "application/json";

fn packed(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).expect("memory");
    encoder.finish().expect("memory")
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_are_404_whatever_they_look_like() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let paths = [
        "/",
        "/api",
        "/api/",
        "/api/v1",
        "/api/v1/",
        "/api/v1/nothing",
        "/api/v1/me/",
        "/api/v1//me",
        "/api/v1/messages/a/b/c",
        "/API/V1/ME",
        "/api/v1/me%00",
        "/api/v1/%ff",
        "/api/v1/..%2fme",
        "/api/v1/instances/x/y",
        "/.env",
        "/api/messages/send/now",
        "/provider",
        "/provider/evolution",
        "/favicon.ico",
    ];
    for path in paths {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let reply = account.client.call(method.clone(), path, None, "").await;
            assert_eq!(
                reply.outcome(),
                (404, "NOT_FOUND"),
                "{method} {path}: {reply:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_path_tells_its_methods_to_every_other_one() {
    let stack = Stack::start().await;
    let anonymous = stack.anonymous();
    let document = anonymous.get("/openapi.json").await.json;
    let mut known: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        let methods = item.as_object().expect("methods").keys();
        known.insert(
            path.replace("{id}", NOBODY),
            methods.map(|it| it.to_uppercase()).collect(),
        );
    }
    for path in ["/healthz", "/readyz", "/metrics"] {
        known.insert(path.to_owned(), vec!["GET".to_owned(), "HEAD".to_owned()]);
    }
    known.insert("/openapi.json".to_owned(), vec!["GET".to_owned()]);
    known.insert("/docs".to_owned(), vec!["GET".to_owned()]);
    known.insert("/provider/evolution/x".to_owned(), vec!["POST".to_owned()]);
    for (path, mut methods) in known {
        methods.sort();
        for wrong in [
            "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW",
        ] {
            if methods.iter().any(|it| it == wrong) {
                continue;
            }
            let method: Method = wrong.parse().expect("a method");
            let reply = anonymous.call(method, &path, None, "").await;
            assert_eq!(reply.status, 405, "{wrong} {path}: {reply:?}");
            if wrong != "HEAD" {
                assert_eq!(reply.code(), "METHOD_NOT_ALLOWED", "{wrong} {path}");
            }
            let mut allow: Vec<_> = reply.header("allow").split(", ").collect();
            allow.sort_unstable();
            assert_eq!(allow, methods, "{wrong} {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_json_object_is_400() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let utf16: Vec<u8> = "{\"to\":\"1\"}"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let bom16: Vec<u8> = [0xff, 0xfe].into_iter().chain(utf16.clone()).collect();
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let inside = format!("{{\"text\":{}1{}}}", "[".repeat(5_000), "]".repeat(5_000));
    let malformed: [(&str, &[u8]); 17] = [
        ("cut off", b"{\"to\":"),
        ("not closed", b"{"),
        ("two values", b"{} {}"),
        ("a trailing comma", b"{\"to\":\"1\",}"),
        ("single quotes", b"{'to':'1'}"),
        ("a comment", b"{/* */}"),
        ("a form", b"to=1&text=a"),
        ("not a number", b"{\"latitude\":NaN}"),
        ("an endless number", b"{\"latitude\":1e999}"),
        ("bad UTF-8", b"{\"text\":\"\xff\xfe\"}"),
        ("cut UTF-8", b"{\"text\":\"\xe2\x82\"}"),
        ("half a pair", b"{\"text\":\"\\ud800\"}"),
        ("a raw line break", b"{\"text\":\"a\nb\"}"),
        ("UTF-16", &utf16),
        ("UTF-16 with its mark", &bom16),
        ("deep", deep.as_bytes()),
        ("deep inside", inside.as_bytes()),
    ];
    let shapes = [
        "[]",
        "[{}]",
        "\"text\"",
        "null",
        "true",
        "17",
        "[\"a\", \"b\"]",
    ];
    for path in BODIES {
        for (what, body) in malformed {
            let reply = account.client.post_raw(path, body, JSON).await;
            assert_eq!(
                reply.outcome(),
                (400, "BAD_REQUEST"),
                "{path} {what}: {reply:?}"
            );
        }
        for body in shapes {
            let reply = account.client.post_raw(path, body, JSON).await;
            assert_eq!(reply.outcome(), (400, "VALIDATION_ERROR"), "{path} {body}");
            assert_eq!(reply.fields(), [""], "{path} {body}");
        }
        for body in [
            account.client.post_empty(path).await,
            account.client.post_raw(path, "", JSON).await,
        ] {
            assert_eq!(body.outcome(), (400, "VALIDATION_ERROR"), "{path}, empty");
            assert_eq!(body.fields(), [""], "{path}, empty");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_json_in_utf8_is_read() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.instance(&stack).await.id.to_string();
    let body = text(&instance, "+33612345678").to_string();
    let wrong = [
        "",
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "application/xml",
        "multipart/form-data; boundary=x",
        "application/json; charset=iso-8859-1",
        "application/json; charset=utf-16",
        "application/jsonx",
        "json",
        "*/*",
    ];
    for kind in wrong {
        let reply = account.client.post_raw(SEND, body.as_str(), kind).await;
        assert_eq!(reply.outcome(), (415, "UNSUPPORTED_MEDIA_TYPE"), "{kind:?}");
    }
    for kind in [
        JSON,
        "application/json; charset=utf-8",
        "APPLICATION/JSON;charset=UTF-8",
        "application/json; charset=\"utf-8\"",
        "application/vnd.api+json",
    ] {
        let reply = account.client.post_raw(SEND, body.as_str(), kind).await;
        assert_eq!(reply.status, 201, "{kind:?}: {reply:?}");
    }
    assert_eq!(
        account.client.get("/api/v1/me").await.status,
        200,
        "a call without a body needs none"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn packed_bodies_are_unpacked_or_refused() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.instance(&stack).await.id.to_string();
    let gzip = account.client.header("Content-Encoding", "gzip");
    let body = packed(text(&instance, "+33612345678").to_string().as_bytes());
    assert_eq!(gzip.post_raw(SEND, body.clone(), JSON).await.status, 201);

    let refused = async |client: &Client, body: &[u8], status: u16, code: &str| {
        let reply = client.post_raw(SEND, body, JSON).await;
        assert_eq!(
            reply.outcome(),
            (status, code),
            "{} bytes: {reply:?}",
            body.len()
        );
    };
    refused(&gzip, b"not gzip at all", 400, "BAD_REQUEST").await;
    refused(&gzip, &body[..body.len() / 2], 400, "BAD_REQUEST").await;
    let bomb = packed(&vec![b' '; 50 << 20]);
    assert!(bomb.len() < 100_000);
    refused(&gzip, &bomb, 413, "PAYLOAD_TOO_LARGE").await;
    for packing in ["br", "zstd", "deflate", "gzip, gzip", "x"] {
        let other = account.client.header("Content-Encoding", packing);
        refused(&other, &body, 415, "UNSUPPORTED_MEDIA_TYPE").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_may_have_one_mebibyte_and_not_a_byte_more() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.instance(&stack).await.id.to_string();
    let limit = 1 << 20;
    let mut body = text(&instance, "+33612345678");
    body["more"] = json!("");
    let empty = body.to_string().len();
    body["more"] = Value::String("a".repeat(limit - empty));
    assert_eq!(body.to_string().len(), limit);
    assert_eq!(
        account.client.post(SEND, &body).await.status,
        201,
        "unknown members are ignored"
    );
    body["more"] = Value::String("a".repeat(limit - empty + 1));
    let reply = account.client.post(SEND, &body).await;
    assert_eq!(reply.outcome(), (413, "PAYLOAD_TOO_LARGE"), "{reply:?}");
}
