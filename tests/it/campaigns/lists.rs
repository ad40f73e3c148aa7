//! Lists of campaigns, of their messages and of their recipients.

use blackbox::book::each;
use blackbox::id_of;
use serde_json::{Value, json};

use super::{CAMPAIGNS, CONSOLE, NOBODY, Scene, number, path, with};

#[tokio::test(flavor = "multi_thread")]
async fn programs_walk_pages_and_people_get_all_at_once() {
    let scene = Scene::new(0).await;
    let mut ids = Vec::new();
    for n in 0..5 {
        let body = with(&scene.tomorrow(), json!({ "name": format!("No. {n}") }));
        ids.push(id_of(&scene.made(&body).await));
    }
    scene.press(&ids[1], "pause").await;
    scene.press(&ids[3], "pause").await;
    ids.reverse();
    let pages = scene.client().pages(&format!("{CAMPAIGNS}?limit=2")).await;
    assert_eq!(pages.len(), 3);
    assert_eq!(each(&pages, "campaigns", "id"), ids);
    let paused = scene
        .client()
        .pages(&format!("{CAMPAIGNS}?limit=1&status=paused"))
        .await;
    assert_eq!(each(&paused, "campaigns", "name"), ["No. 3", "No. 1"]);
    assert!(pages[0]["campaigns"][0].get("safety").is_none());
    let all = scene.console.get(CONSOLE).await;
    let all = all.data().as_array().expect("an array").clone();
    let listed: Vec<_> = all.iter().map(id_of).collect();
    assert_eq!(listed, ids);
    assert_eq!(
        all[0],
        scene.read(&ids[0]).await,
        "the same object everywhere"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_are_checked_as_a_whole() {
    let scene = Scene::new(0).await;
    let id = id_of(&scene.made(&scene.tomorrow()).await);
    for query in [
        "limit=101&status=over&cursor=x",
        "limit=0&status=draft&cursor=%20",
        "limit=a&status=&cursor=Zm9v",
    ] {
        let reply = scene.client().get(&format!("{CAMPAIGNS}?{query}")).await;
        assert_eq!(reply.outcome(), (400, "VALIDATION_ERROR"), "{query}");
        let fields = reply.fields();
        assert!(
            fields.contains(&"limit") && fields.contains(&"cursor"),
            "{query}: {fields:?}"
        );
        assert_eq!(
            fields.contains(&"status"),
            !query.contains("status=&"),
            "{query}"
        );
    }
    for (below, word) in [
        ("messages", "skipped"),
        ("messages", "received"),
        ("recipients", "scheduled"),
    ] {
        let at = path(&id, &format!("{below}?status={word}&limit=200"));
        let reply = scene.client().get(&at).await;
        assert_eq!(reply.outcome(), (400, "VALIDATION_ERROR"), "{at}");
        assert_eq!(reply.fields(), ["limit", "status"], "{at}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_belongs_to_its_list_and_its_filter() {
    let scene = Scene::new(2).await;
    let id = id_of(&scene.made(&scene.text()).await);
    scene.wait(&id, "completed").await;
    let later = id_of(&scene.made(&scene.tomorrow()).await);
    let cursor = async |path: &str| {
        let page = scene.client().page(path).await;
        page["nextCursor"]
            .as_str()
            .expect("there is more")
            .to_owned()
    };
    let of_campaigns = cursor(&format!("{CAMPAIGNS}?limit=1")).await;
    let of_messages = cursor(&path(&id, "messages?limit=1")).await;
    let of_recipients = cursor(&path(&id, "recipients?limit=1")).await;
    for (path, cursor) in [
        (format!("{CAMPAIGNS}?status=completed"), &of_campaigns),
        (format!("{CAMPAIGNS}?limit=1"), &of_messages),
        (path(&id, "messages?limit=1"), &of_recipients),
        (path(&id, "messages?status=read"), &of_messages),
        (path(&later, "recipients?limit=1"), &of_recipients),
    ] {
        let reply = scene.client().get(&format!("{path}&cursor={cursor}")).await;
        assert_eq!(reply.outcome(), (400, "VALIDATION_ERROR"), "{path}");
        assert_eq!(reply.fields(), ["cursor"], "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_the_newest_first_and_recipients_in_their_order() {
    let scene = Scene::new(5).await;
    scene.client().suppress(&number(3)).await;
    let id = id_of(&scene.made(&scene.text()).await);
    let done = scene.wait(&id, "completed").await;
    assert_eq!(
        (&done["stats"]["planned"], &done["stats"]["skipped"]),
        (&json!(4), &json!(1))
    );
    blackbox::eventually("everybody read it", async || {
        let read = scene.read(&id).await;
        (read["stats"]["read"] == 4).then_some(())
    })
    .await;
    let messages = scene.client().pages(&path(&id, "messages?limit=3")).await;
    assert_eq!(messages.len(), 2);
    let newest = each(&messages, "messages", "to");
    let by_people = scene
        .console
        .pages(&format!("{CONSOLE}/{id}/messages?limit=3"))
        .await;
    assert_eq!(
        each(&by_people, "messages", "id"),
        each(&messages, "messages", "id")
    );
    let recipients = scene.client().pages(&path(&id, "recipients?limit=2")).await;
    let mut order = each(&recipients, "recipients", "phone");
    assert_eq!(order.len(), 5);
    order.retain(|phone| *phone != number(3));
    order.reverse();
    assert_eq!(newest, order);
    let first = &messages[0]["messages"][0];
    let members: Vec<_> = first.as_object().expect("an object").keys().collect();
    assert_eq!(
        members,
        [
            "body",
            "contactId",
            "contactName",
            "createdAt",
            "error",
            "id",
            "status",
            "to",
            "type",
            "updatedAt"
        ]
    );
    assert_eq!(
        (&first["type"], &first["status"], &first["body"]),
        (&json!("text"), &json!("read"), &json!("Hello"))
    );
    let skipped = scene
        .console
        .page(&format!("{CONSOLE}/{id}/recipients?status=skipped"))
        .await;
    let skipped = &skipped["recipients"][0];
    assert_eq!(
        (&skipped["phone"], &skipped["code"], &skipped["contactName"]),
        (
            &json!(number(3)),
            &json!("RECIPIENT_OPTED_OUT"),
            &json!("Person 3")
        )
    );
    let none = scene
        .client()
        .page(&path(&id, "messages?status=failed"))
        .await;
    assert_eq!(
        (&none["messages"], &none["hasMore"]),
        (&json!([]), &json!(false))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_known_before_it_is_made() {
    let scene = Scene::with(3, &[("pace_ms", "60000")]).await;
    let id = id_of(&scene.made(&scene.text()).await);
    // The lane waits a minute: most of them wait for it.
    let waiting = blackbox::eventually("it is planned", async || {
        let page = scene
            .client()
            .page(&path(&id, "messages?status=queued"))
            .await;
        let waiting = page["messages"].as_array().expect("a list").clone();
        (!waiting.is_empty()).then_some(waiting)
    })
    .await;
    scene.press(&id, "pause").await;
    for line in &waiting {
        let message = scene
            .client()
            .message(line["id"].as_str().expect("an id"))
            .await;
        let seen = scene
            .console
            .page(&format!(
                "/api/messages/{}",
                message["id"].as_str().expect("an id")
            ))
            .await;
        assert_eq!(seen, message);
        assert_eq!(
            (&message["campaignId"], &message["to"]),
            (&json!(id), &line["to"])
        );
    }
    scene.press(&id, "cancel").await;
    let cancelled = scene
        .client()
        .page(&path(&id, "recipients?status=cancelled"))
        .await;
    for line in cancelled["recipients"].as_array().expect("a list") {
        assert_eq!(line["code"], "CAMPAIGN_CANCELLED");
        let message: Value = scene
            .client()
            .message(line["messageId"].as_str().expect("an id"))
            .await;
        assert_eq!(
            (&message["status"], &message["error"]),
            (&json!("cancelled"), &json!("Campaign cancelled"))
        );
    }
    let nobody = scene
        .client()
        .get(&format!("/api/v1/messages/{NOBODY}"))
        .await;
    assert_eq!(nobody.outcome(), (404, "NOT_FOUND"));
    let other = scene.stack.account("pro").await;
    let foreign = waiting[0]["id"].as_str().expect("an id");
    let foreign = other
        .client
        .get(&format!("/api/v1/messages/{foreign}"))
        .await;
    assert_eq!(foreign.outcome(), (404, "NOT_FOUND"));
}
