use msgflash_contacts::Contact;
use msgflash_contacts::ports::ContactUnits;
use msgflash_kernel::Phone;
use msgflash_templates::{ContactFacts, ContextSource, InstanceFacts, UserFacts};
use serde_json::json;

use super::*;

fn phone() -> Phone {
    Phone::parse("+33612345678").expect("a number")
}

#[tokio::test]
async fn a_contact_is_told_in_its_workspace_by_id_and_by_number() {
    let stage = Stage::new().await;
    let workspace = personal(&stage).await;
    let contact = Contact {
        id: fresh(),
        workspace,
        name: "Awa Diop".to_owned(),
        phone: phone(),
        tags: vec!["vip".to_owned()],
        meta: Some(json!({ "city": "Lyon" })),
        created_at: NOW,
        updated_at: NOW,
    };
    let mut unit = ContactUnits::begin(&stage.postgres).await.expect("a unit");
    unit.books().lock(workspace.id).await.expect("held");
    let new = std::slice::from_ref(&contact);
    unit.contacts().insert(new).await.expect("inserted");
    unit.commit().await.expect("committed");
    let awa = ContactFacts {
        id: contact.id.uuid(),
        name: "Awa Diop".to_owned(),
        phone: phone(),
        tags: vec!["vip".to_owned()],
        meta: Some(json!({ "city": "Lyon" })),
    };
    let source: &dyn ContextSource = &stage.postgres;
    for (workspace, expected) in [(workspace.id, Some(awa)), (fresh(), None)] {
        let by_id = source.contact(workspace, contact.id.uuid()).await;
        assert_eq!(by_id.expect("read"), expected);
        let by_number = source.contact_by_phone(workspace, phone()).await;
        assert_eq!(by_number.expect("read"), expected);
    }
}

#[tokio::test]
async fn an_instance_serves_every_workspace_of_its_account_unless_it_is_suspended() {
    let stage = Stage::new().await;
    let personal = personal(&stage).await;
    let stranger = self::personal(&stage).await;
    let team = Workspace::team(fresh(), personal.owner());
    let id: msgflash_kernel::Id<()> = fresh();
    let session = stage.session().await;
    let insert = format!(
        "INSERT INTO instances (id, account_id, name, session, webhook_secret, wa_number, status, \
           created_at, updated_at) \
         VALUES ('{id}', '{}', 'Shop', 's', 'w', 33611112222, 'disconnected', now(), now())",
        personal.account
    );
    session.batch_execute(&insert).await.expect("inserted");
    let ask = async |workspace: Workspace| {
        let actor = Actor::new(workspace, fresh());
        let found = ContextSource::instance(&stage.postgres, &actor, id.uuid()).await;
        found.expect("read")
    };
    let shop = InstanceFacts {
        name: "Shop".to_owned(),
        wa_number: Phone::parse("+33611112222").ok(),
    };
    assert_eq!(ask(personal).await, Some(shop.clone()));
    assert_eq!(ask(team).await, Some(shop));
    assert_eq!(ask(stranger).await, None);
    for gone in [
        "status = 'suspended'",
        "status = 'connected', deleted_at = now()",
    ] {
        let change = format!("UPDATE instances SET {gone}");
        session.batch_execute(&change).await.expect("changed");
        assert_eq!(ask(personal).await, None, "{gone}");
    }
}

#[tokio::test]
async fn the_payer_is_the_owner_and_an_empty_number_is_none() {
    let stage = Stage::new().await;
    let user = stage.user("lea@example.com").await;
    let account = Workspace::team(fresh(), user.id).account;
    let source: &dyn ContextSource = &stage.postgres;
    let mut lea = UserFacts {
        full_name: "Lea Roy".to_owned(),
        email: "lea@example.com".to_owned(),
        phone: None,
    };
    let found = source.payer(account).await.expect("read");
    assert_eq!(found, Some(lea.clone()));
    let session = stage.session().await;
    let change = "UPDATE users SET phone = '+33 6 12'";
    session.batch_execute(change).await.expect("changed");
    lea.phone = Some("+33 6 12".to_owned());
    assert_eq!(source.payer(account).await.expect("read"), Some(lea));
    assert_eq!(source.payer(fresh()).await.expect("read"), None);
}
