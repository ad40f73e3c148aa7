//! Contacts from and to files.

use serde_json::json;

use super::stack;

const IMPORT: &str = "/api/contacts/import";
const IMPORTS: &str = "/api/contacts/imports";
const EXPORT: &str = "/api/contacts/export";

fn rows(count: u32) -> String {
    let rows = (0..count).map(|n| format!("+336{:08},Person {n},new\n", 10_000_000 + n));
    format!("phone,name,tags\n{}", rows.collect::<Vec<_>>().concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_file_is_taken_at_once_row_by_row() {
    let stack = stack().await;
    let account = stack.account("max").await;
    let client = account.signed_in(&stack).await;
    let group = client
        .post("/api/contacts/groups", &json!({ "name": "New" }))
        .await;
    let group = blackbox::id_of(group.data());
    let known = json!({ "name": "Old", "phone": "+33612345678", "tags": ["old"] });
    assert_eq!(client.post("/api/contacts", &known).await.status, 201);
    let file = "\u{feff}phone,name,tags\r\n\
        +33 6 12 34 56 78,\"Moreau, Lina\",vip|old\r\n\
        +33612345679,,\r\n\
        0612345678,Nobody,\r\n\
        +33612345679,Again,\r\n";
    let taken = client
        .upload(IMPORT, file.as_bytes(), &[("groupId", &group)])
        .await;
    assert_eq!(taken.status, 200, "{taken:?}");
    let data = taken.data();
    assert_eq!(data["mode"], "sync");
    let counts = [
        "totalRows",
        "importedCount",
        "updatedCount",
        "skippedCount",
        "invalidCount",
    ];
    assert_eq!(
        counts.map(|it| data[it].as_u64()),
        [4, 1, 1, 1, 1].map(Some)
    );
    let lines: Vec<_> = data["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|it| it["line"].as_u64())
        .collect();
    assert_eq!(lines, [Some(4), Some(5)]);
    let found = client.get("/api/contacts?search=moreau").await;
    assert_eq!(found.data()["contacts"][0]["tags"], json!(["old", "vip"]));
    let members = client
        .get(&format!("/api/contacts/groups/{group}/members"))
        .await;
    assert_eq!(members.data()["total"], 2);
    let file = client.get(&format!("{EXPORT}?groupId={group}")).await;
    assert!(
        file.header("content-disposition")
            .starts_with("attachment; filename=\"contacts-"),
        "{file:?}"
    );
    assert!(
        file.text
            .contains("+33612345678,\"Moreau, Lina\",\"old|vip\",\"New\","),
        "{}",
        file.text
    );
    // What was taken away can be brought back.
    let again = client.upload(IMPORT, file.text.as_bytes(), &[]).await;
    assert_eq!(again.data()["updatedCount"], 2, "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_is_taken_in_the_background_and_its_report_is_kept() {
    let stack = stack().await;
    let account = stack.account("max").await;
    let client = account.signed_in(&stack).await;
    let file = format!("{}nonsense,,\n", rows(1_200));
    let accepted = client.upload(IMPORT, file.as_bytes(), &[]).await;
    assert_eq!(accepted.status, 202, "{accepted:?}");
    assert_eq!(
        (&accepted.data()["mode"], &accepted.data()["totalRows"]),
        (&json!("async"), &json!(1_201))
    );
    let id = accepted.data()["importId"]
        .as_str()
        .expect("an id")
        .to_owned();
    let done = blackbox::eventually("the import ends", async || {
        let import = client.get(&format!("{IMPORTS}/{id}")).await;
        (import.data()["status"] == "done").then(|| import.data().clone())
    })
    .await;
    assert_eq!(
        (
            &done["importedCount"],
            &done["invalidCount"],
            &done["progress"]
        ),
        (&json!(1_200), &json!(1), &json!(100))
    );
    assert!(done["report"].is_null());
    let told = client
        .get(&format!("{IMPORTS}/{id}?includeReport=true"))
        .await;
    assert_eq!(told.data()["report"]["errors"][0]["line"], 1_202);
    let listed = client.get(IMPORTS).await;
    assert_eq!(
        (&listed.data()["total"], &listed.data()["imports"][0]["id"]),
        (&json!(1), &json!(id))
    );
    let other = stack.account("max").await.signed_in(&stack).await;
    assert_eq!(
        other.get(&format!("{IMPORTS}/{id}")).await.outcome(),
        (404, "IMPORT_NOT_FOUND")
    );
    let all = client.get(EXPORT).await;
    assert_eq!(all.text.lines().count(), 1_201);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_file_of_contacts_is_refused_as_documented() {
    let stack = stack().await;
    let client = stack.account("max").await.signed_in(&stack).await;
    let semicolons = client
        .upload(IMPORT, b"phone;name\n+33612345678;Lina\n", &[])
        .await;
    assert_eq!(semicolons.outcome(), (400, "CSV_INVALID_FORMAT"));
    assert!(semicolons.text.contains("semicolons"));
    let large = client.upload(IMPORT, rows(10_001).as_bytes(), &[]).await;
    assert_eq!(large.outcome(), (400, "CSV_TOO_LARGE"));
    let heavy = vec![b'x'; 5 * 1024 * 1024 + 1];
    assert_eq!(
        client.upload(IMPORT, &heavy, &[]).await.outcome(),
        (400, "CSV_TOO_LARGE")
    );
    let nowhere = [("groupId", "0197b3c0-1111-7000-8000-00000000dead")];
    let group = client
        .upload(IMPORT, b"phone\n+33612345678\n", &nowhere)
        .await;
    assert_eq!(group.outcome(), (404, "NOT_FOUND"));
    let bad = client
        .upload(IMPORT, b"phone\n", &[("groupId", "nonsense")])
        .await;
    assert_eq!(
        (bad.outcome(), bad.fields()),
        ((400, "VALIDATION_ERROR"), vec!["groupId"])
    );
    let form = "--part\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhi\r\n--part--\r\n";
    let none = client
        .post_raw(IMPORT, form, "multipart/form-data; boundary=part")
        .await;
    assert_eq!(
        (none.outcome(), none.fields()),
        ((400, "VALIDATION_ERROR"), vec!["file"])
    );
    let json = client.post(IMPORT, &json!({})).await;
    assert_eq!(json.outcome(), (415, "UNSUPPORTED_MEDIA_TYPE"));
    let unknown = client
        .get(&format!(
            "{EXPORT}?groupId=0197b3c0-1111-7000-8000-00000000dead"
        ))
        .await;
    assert_eq!(unknown.outcome(), (404, "NOT_FOUND"));
    let count = stack.count("SELECT count(*) FROM contacts", &[]).await;
    assert_eq!(count, 0);
}
