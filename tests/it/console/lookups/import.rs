//! Contacts from what was found.

use super::*;

fn counts(data: &Value) -> [Option<u64>; 5] {
    [
        "totalRows",
        "importedCount",
        "updatedCount",
        "skippedCount",
        "invalidCount",
    ]
    .map(|it| data[it].as_u64())
}

fn path(lookup: &Value) -> String {
    format!("{LOOKUPS}/{}/import-contacts", blackbox::id_of(lookup))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_found_becomes_contacts_of_a_group_with_a_tag() {
    let scene = Scene::new().await;
    let client = &scene.client;
    scene
        .decide("33610000002", json!({ "exists": false }))
        .await;
    let group = client
        .post("/api/contacts/groups", &json!({ "name": "Found" }))
        .await;
    let group = blackbox::id_of(group.data());
    let known = json!({ "name": "Lina", "phone": "+33610000001", "tags": ["old"] });
    assert_eq!(client.post("/api/contacts", &known).await.status, 201);
    let mut given = numbers(3);
    // Two spellings of one number at WhatsApp.
    given.extend(texts(&["+5531987654321", "+553187654321", "nonsense"]));
    let lookup = scene.look_up(&given).await;
    assert_eq!(
        lookup["results"]["onWhatsApp"].as_array().map(Vec::len),
        Some(4)
    );

    let wanted = json!({ "groupId": group, "tag": " found " });
    let taken = client.post(&path(&lookup), &wanted).await;
    assert_eq!(taken.status, 200, "{taken:?}");
    assert_eq!(taken.data()["mode"], "sync");
    assert_eq!(counts(taken.data()), [4, 2, 1, 1, 0].map(Some));
    assert_eq!(taken.data()["errors"][0]["phone"], "+553187654321");
    let contacts = client.get("/api/contacts?limit=10").await;
    let contacts = contacts.data()["contacts"].as_array().expect("contacts");
    let find = |phone: &str| {
        let found = contacts.iter().find(|it| it["phone"] == phone);
        found.unwrap_or_else(|| panic!("no {phone}")).clone()
    };
    assert_eq!(contacts.len(), 3);
    let lina = find("+33610000001");
    assert_eq!(
        (&lina["name"], &lina["tags"]),
        (&json!("Lina"), &json!(["old", "found"]))
    );
    let new = find("+553187654321");
    assert_eq!(
        (&new["name"], &new["tags"]),
        (&json!("+553187654321"), &json!(["found"]))
    );
    let members = client
        .get(&format!("/api/contacts/groups/{group}/members"))
        .await;
    assert_eq!(members.data()["total"], 3);

    let again = client.post(&path(&lookup), &wanted).await;
    assert_eq!(counts(again.data()), [4, 0, 3, 1, 0].map(Some));
    let imports = client.get("/api/contacts/imports").await;
    assert_eq!(imports.data()["total"], 2, "it is an import like any other");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_found_is_nothing_imported() {
    let scene = Scene::new().await;
    scene
        .decide("33610000000", json!({ "exists": false }))
        .await;
    let lookup = scene.look_up(&numbers(1)).await;
    let taken = scene.client.post_empty(&path(&lookup)).await;
    assert_eq!(taken.status, 200, "{taken:?}");
    assert_eq!(counts(taken.data()), [0, 0, 0, 0, 0].map(Some));
    let count = scene
        .stack
        .count("SELECT count(*) FROM contacts", &[])
        .await;
    assert_eq!(count, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_are_imported_in_the_background() {
    let scene = Scene::new().await;
    let lookup = scene.look_up(&numbers(600)).await;
    let accepted = scene
        .client
        .post(&path(&lookup), &json!({ "tag": "found" }))
        .await;
    assert_eq!(accepted.status, 202, "{accepted:?}");
    assert_eq!(
        (&accepted.data()["mode"], &accepted.data()["totalRows"]),
        (&json!("async"), &json!(600))
    );
    let import = accepted.data()["importId"].as_str().expect("an id");
    eventually("the import ends", async || {
        let import = format!("/api/contacts/imports/{import}");
        let import = scene.client.get(&import).await;
        (import.data()["status"] == "done" && import.data()["importedCount"] == 600).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_imported_is_refused_and_nothing_is_written() {
    let scene = Scene::new().await;
    let lookup = scene.look_up(&numbers(1)).await;
    let path = path(&lookup);
    let nowhere = json!({ "groupId": "0197b3c0-1111-7000-8000-00000000dead" });
    let group = scene.client.post(&path, &nowhere).await;
    assert_eq!(group.outcome(), (404, "CONTACT_GROUP_NOT_FOUND"));
    // Somebody else's group is none.
    let other = scene
        .stack
        .account("pro")
        .await
        .signed_in(&scene.stack)
        .await;
    let theirs = other
        .post("/api/contacts/groups", &json!({ "name": "Theirs" }))
        .await;
    let theirs = json!({ "groupId": blackbox::id_of(theirs.data()) });
    let group = scene.client.post(&path, &theirs).await;
    assert_eq!(group.outcome(), (404, "CONTACT_GROUP_NOT_FOUND"));
    let bad = json!({ "groupId": "nonsense", "tag": "x".repeat(51) });
    let bad = scene.client.post(&path, &bad).await;
    assert_eq!(bad.outcome(), (400, "VALIDATION_ERROR"));
    assert_eq!(bad.fields(), ["groupId", "tag"]);
    for tag in [
        json!(""),
        json!("  "),
        json!(7),
        json!("a\nb"),
        json!("a\u{0}"),
    ] {
        let bad = scene.client.post(&path, &json!({ "tag": tag })).await;
        assert_eq!(bad.outcome(), (400, "VALIDATION_ERROR"), "{tag}");
        assert_eq!(bad.fields(), ["tag"], "{tag}");
    }
    let long = scene.look_up(&numbers(1_000)).await;
    let early = scene.client.post_empty(&super::import::path(&long)).await;
    assert_eq!(early.outcome(), (400, "LOOKUP_NOT_READY"));
    let count = scene
        .stack
        .count("SELECT count(*) FROM contact_imports", &[])
        .await;
    assert_eq!(count, 0);
}
