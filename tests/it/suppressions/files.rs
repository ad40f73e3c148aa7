//! Lists from and to files.

use blackbox::Stack;
use serde_json::json;

const IMPORT: &str = "/api/suppressions/import";
const EXPORT: &str = "/api/suppressions/export";

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_taken_row_by_row_and_what_is_written_can_be_taken_again() {
    let stack = Stack::with(&[("console_rate_limit_per_second", "10000")]).await;
    let account = stack.account("pro").await;
    let client = account.signed_in(&stack).await;
    let known = json!({ "phone": "+33612345670", "reason": "Asked by phone" });
    assert_eq!(client.post("/api/suppressions", &known).await.status, 201);
    let long = "x".repeat(201);
    let file = format!(
        "\u{feff}phone,reason\r\n\
         +33 6 12 34 56 78,\"Complained, twice\"\r\n\
         +33612345679,\r\n\
         0612,\r\n\
         +33612345678,again\r\n\
         +33612345670,other\r\n\
         +33612345671,{long}\r\n"
    );
    let taken = client.upload(IMPORT, file.as_bytes(), &[]).await;
    assert_eq!(taken.status, 200, "{taken:?}");
    let data = taken.data();
    let counts = [
        "totalRows",
        "added",
        "alreadyPresent",
        "skippedCount",
        "invalidCount",
    ];
    assert_eq!(
        counts.map(|it| data[it].as_u64()),
        [6, 2, 1, 1, 2].map(Some)
    );
    let errors = data["errors"].as_array().expect("errors");
    let lines: Vec<_> = errors.iter().map(|it| it["line"].as_u64()).collect();
    assert_eq!(lines, [4, 5, 7].map(Some));
    let found = client.get("/api/suppressions/+33612345678").await;
    assert_eq!(found.data()["source"], "import");
    assert_eq!(found.data()["reason"], "Complained, twice");
    let kept = client.get("/api/suppressions/+33612345670").await;
    assert_eq!(kept.data()["source"], "manual", "it stays as it came");
    let written = client.get(EXPORT).await;
    assert!(
        written
            .header("content-disposition")
            .starts_with("attachment; filename=\"suppressions-"),
        "{written:?}"
    );
    let lines: Vec<&str> = written.text.lines().collect();
    assert_eq!(lines.len(), 4, "{}", written.text);
    assert_eq!(lines[0], "phone,reason,source,createdAt");
    assert!(
        lines[2].contains("\"Complained, twice\",\"import\""),
        "{}",
        written.text
    );
    let other = stack.account("pro").await.signed_in(&stack).await;
    let again = other.upload(IMPORT, written.text.as_bytes(), &[]).await;
    assert_eq!(again.data()["added"], 3, "{again:?}");
    assert_eq!(again.data()["errors"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_file_of_numbers_is_refused_as_a_whole() {
    let stack = Stack::with(&[("console_rate_limit_per_second", "10000")]).await;
    let client = stack.account("pro").await.signed_in(&stack).await;
    let none = client.upload_as(IMPORT, b"", "a.csv", None).await;
    assert_eq!(none.outcome(), (400, "CSV_INVALID_FORMAT"), "{none:?}");
    let nameless = client
        .upload(IMPORT, b"phone;reason\n+33612345678;\n", &[])
        .await;
    assert_eq!(nameless.outcome(), (400, "CSV_INVALID_FORMAT"));
    let rows: Vec<String> = (0..10_001).map(|n| format!("+3361{n:07}")).collect();
    let rows = rows.join("\n");
    let long = client
        .upload(IMPORT, format!("phone\n{rows}").as_bytes(), &[])
        .await;
    assert_eq!(long.outcome(), (400, "CSV_TOO_LARGE"));
    let list = client.get("/api/suppressions").await;
    assert_eq!(list.data()["suppressions"], json!([]));
    let empty = client.get(EXPORT).await;
    assert_eq!(empty.text, "phone,reason,source,createdAt\n");
}
