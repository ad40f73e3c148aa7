//! The address book.

use msgflash_contacts::{Contact, ContactReader};
use msgflash_kernel::{Phone, Workspace};
use serde_json::json;

use crate::stage::{NOW, Stage, fresh};

fn contact(workspace: Workspace, phone: Phone) -> Contact {
    Contact {
        id: fresh(),
        workspace,
        name: "Max Roy".to_owned(),
        phone,
        tags: vec!["vip".to_owned(), "shop".to_owned()],
        meta: Some(json!({ "city": "Lyon" })),
        created_at: NOW,
        updated_at: NOW,
    }
}

#[tokio::test]
async fn a_contact_is_found_in_its_workspace_only() {
    let stage = Stage::new().await;
    let phone = Phone::parse("+33612345678").expect("a number");
    let personal = Workspace::personal(fresh());
    let team = Workspace::team(fresh(), personal.owner());
    for workspace in [personal, team] {
        let contact = contact(workspace, phone);
        assert!(
            stage
                .postgres
                .insert_contact(&contact)
                .await
                .expect("inserted")
        );
        let found = stage
            .postgres
            .find(workspace.id, contact.id)
            .await
            .expect("read");
        assert_eq!(found, Some(contact.clone()));
        let found = stage
            .postgres
            .find_by_phone(workspace.id, phone)
            .await
            .expect("read");
        assert_eq!(found, Some(contact.clone()));
        assert_eq!(
            stage
                .postgres
                .find(fresh(), contact.id)
                .await
                .expect("read"),
            None
        );
    }
    assert_eq!(
        stage
            .postgres
            .find_by_phone(fresh(), phone)
            .await
            .expect("read"),
        None
    );
}

#[tokio::test]
async fn a_number_is_in_a_workspace_once() {
    let stage = Stage::new().await;
    let phone = Phone::parse("+33612345678").expect("a number");
    let workspace = Workspace::personal(fresh());
    let first = contact(workspace, phone);
    assert!(
        stage
            .postgres
            .insert_contact(&first)
            .await
            .expect("inserted")
    );
    assert!(
        !stage
            .postgres
            .insert_contact(&contact(workspace, phone))
            .await
            .expect("refused")
    );
    let found = stage
        .postgres
        .find_by_phone(workspace.id, phone)
        .await
        .expect("read");
    assert_eq!(found, Some(first));
}
