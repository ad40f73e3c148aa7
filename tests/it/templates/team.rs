//! Templates of a team are of the team, whoever made them, and its owner's account speaks in them.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_team_has_templates_of_its_own() {
    let stack = Stack::start().await;
    let account = stack.account("max").await;
    let team = account.team(&stack).await;
    let second = account.team(&stack).await;
    let shared = make(&team.client, &text_template("Shared")).await;
    let own = make(&account.client, &text_template("Own")).await;
    let read = team.client.get(&format!("{TEMPLATES}/{shared}")).await;
    assert_eq!(read.data()["userId"], account.user.to_string(), "the owner");
    for (client, ids) in [
        (&team.client, vec![&shared]),
        (&account.client, vec![&own]),
        (&second.client, vec![]),
    ] {
        let list = client.get(TEMPLATES).await;
        let shown = list.data()["templates"].as_array().expect("a list");
        let shown: Vec<_> = shown.iter().map(id_of).collect();
        assert_eq!(shown.iter().collect::<Vec<_>>(), ids);
        assert_eq!(list.data()["total"], ids.len());
    }
    for (client, foreign) in [
        (&account.client, &shared),
        (&second.client, &shared),
        (&team.client, &own),
    ] {
        let reply = preview(client, foreign, &json!({})).await;
        assert_eq!(reply.outcome(), (404, "NOT_FOUND"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_sends_with_the_owners_number_and_its_own_contacts() {
    let stack = Stack::start().await;
    let account = stack.account("max").await;
    let team = account.team(&stack).await;
    let instance = account.connected(&stack).await.id.to_string();
    let name = "UPDATE users SET full_name = 'Lea Roy' WHERE id = $1";
    stack.sql(name, &[&account.user.uuid()]).await;
    // The same number in both address books.
    account
        .client
        .contact("Personal Friend", 33_612_345_678)
        .await;
    let contact = account.client.contact("Team Client", 33_600_000_001).await;
    let id: uuid::Uuid = contact.parse().expect("an id");
    let share = "UPDATE contacts SET workspace_id = $1, phone = 33612345678 WHERE id = $2";
    stack.sql(share, &[&team.team.uuid(), &id]).await;
    let body = "{{contact.name}} / {{user.fullName}} / {{instance.name}}";
    let template = make(&team.client, &text_template(body)).await;
    let wanted = json!({ "instanceId": instance, "to": TO, "templateId": template });
    let sent = team.client.send(&wanted).await;
    assert_eq!(sent["body"], "Team Client / Lea Roy / Shop");
    assert_eq!(sent["contactId"], json!(contact));
    assert_eq!(sent["teamId"], team.team.to_string());
    let context = json!({ "instanceId": instance, "contactId": contact });
    let shown = preview(&team.client, &template, &context).await;
    assert_eq!(shown.data()["rendered"], "Team Client / Lea Roy / Shop");
    // The personal workspace does not know the team's template, nor its contact.
    let reply = account.client.post(SEND, &wanted).await;
    assert_eq!(reply.outcome(), (404, "NOT_FOUND"));
    let own = make(&account.client, &text_template(body)).await;
    let reply = preview(&account.client, &own, &context).await;
    assert_eq!(reply.outcome(), (400, "TEMPLATE_CONTEXT_UNAVAILABLE"));
    assert_eq!(reply.fields(), ["contactId"]);
    let theirs = json!({
        "instanceId": instance, "to": TO, "templateId": own, "contactId": contact,
    });
    let reply = account.client.post(SEND, &theirs).await;
    assert_eq!(reply.outcome(), (400, "TEMPLATE_CONTEXT_UNAVAILABLE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_accounts_instance_serves_no_preview_and_no_message() {
    let stack = Stack::start().await;
    let account = stack.account("max").await;
    let stranger = stack.account("max").await;
    let team = stranger.team(&stack).await;
    let instance = account.instance(&stack).await.id.to_string();
    for client in [&stranger.client, &team.client] {
        let id = make(client, &text_template("{{instance.name}}")).await;
        let shown = preview(client, &id, &json!({ "instanceId": instance })).await;
        assert_eq!(shown.outcome(), (400, "TEMPLATE_CONTEXT_UNAVAILABLE"));
        let send = json!({ "instanceId": instance, "to": TO, "templateId": id });
        assert_eq!(client.post(SEND, &send).await.outcome(), (404, "NOT_FOUND"));
    }
}
