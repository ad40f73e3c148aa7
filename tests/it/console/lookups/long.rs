//! Lists that are looked up in the background.

use std::collections::HashSet;
use std::net::TcpListener;

use blackbox::Program;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_numbers_are_looked_up_in_the_background_and_one_less_at_once() {
    let scene = Scene::new().await;
    scene
        .decide("33610000998", json!({ "exists": false }))
        .await;
    let given = numbers(999);
    let reply = scene.client.post(LOOKUPS, &scene.body(&given)).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    assert_eq!(
        reply.data()["results"]["notOnWhatsApp"],
        json!(["+33610000998"])
    );
    let asked = scene.asked().await;
    assert_eq!(asked.concat().len(), 999);
    assert!(asked.iter().all(|part| part.len() <= 100));

    // What is known takes no calls and no pauses.
    let mut given = numbers(1_010);
    given[1_009] = "nonsense".to_owned();
    let reply = scene.client.post(LOOKUPS, &scene.body(&given)).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    let lookup = reply.data();
    assert_eq!(
        (&lookup["status"], &lookup["completedAt"]),
        (&json!("pending"), &Value::Null)
    );
    assert_eq!(lookup["requestedCount"], 1_010);
    assert_eq!(lookup["results"]["invalid"], json!(["nonsense"]));
    let done = scene
        .until("it completes", lookup, |it| it["status"] == "completed")
        .await;
    assert_eq!(
        (&done["processedCount"], &done["progress"]),
        (&json!(1_010), &json!(100))
    );
    let found = done["results"]["onWhatsApp"].as_array().expect("a list");
    let found: Vec<_> = found
        .iter()
        .map(|it| it["number"].as_str().expect("a number"))
        .collect();
    let expected: Vec<_> = given[..1_009]
        .iter()
        .filter(|it| *it != "+33610000998")
        .collect();
    assert_eq!(found, expected, "in the order given");
    assert_eq!(scene.asked().await.concat().len(), 1_009);
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_are_some_seconds_apart() {
    let scene = Scene::new().await;
    let lookup = scene.look_up(&numbers(1_000)).await;
    eventually("the first part is done", async || {
        let it = scene.read(&lookup).await;
        (it["processedCount"] == 100).then_some(())
    })
    .await;
    let rest = "SELECT extract(epoch FROM turn_at - now())::bigint FROM number_lookup_turns";
    let rest = scene.stack.count(rest, &[]).await;
    assert!((3..=5).contains(&rest), "{rest}");
    assert_eq!(scene.asked().await.len(), 1);
    let half = scene.read(&lookup).await;
    assert_eq!(
        (&half["status"], &half["progress"]),
        (&json!("processing"), &json!(10))
    );
    assert_eq!(
        half["results"]["onWhatsApp"].as_array().map(Vec::len),
        Some(100)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_in_the_middle_goes_on_after_its_start() {
    let mut scene = Scene::new().await;
    let lookup = scene.look_up(&numbers(1_000)).await;
    scene
        .until("some is done", &lookup, |it| {
            it["processedCount"].as_u64() > Some(200)
        })
        .await;
    scene.stack.stop_server().await;
    let before = scene.asked().await.concat().len();
    assert!(before < 1_000, "{before}");
    scene.stack.start_server().await;
    scene.client = scene.account.signed_in(&scene.stack).await;
    let done = scene
        .until("it completes", &lookup, |it| it["status"] == "completed")
        .await;
    assert_eq!(done["processedCount"], 1_000);
    let asked = scene.asked().await.concat();
    let once: HashSet<_> = asked.iter().collect();
    assert_eq!(
        (asked.len(), once.len()),
        (1_000, 1_000),
        "each number once"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_loses_nothing_and_asks_at_most_one_part_again() {
    let bind = {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        free.local_addr().expect("an address").to_string()
    };
    let mut scene = Scene::on(
        Stack::with(&[
            ("bind", bind.as_str()),
            ("console_rate_limit_per_second", "10000"),
        ])
        .await,
    )
    .await;
    scene.stack.stop_server().await;
    let program = Program::serve(scene.stack.settings()).await;
    let lookup = scene.look_up(&numbers(1_000)).await;
    scene
        .until("some is done", &lookup, |it| {
            it["processedCount"].as_u64() > Some(200)
        })
        .await;
    scene.hurry().await;
    program.kill();
    // Whatever turn it had runs out.
    let over = "UPDATE number_lookup_turns SET turn_at = now()";
    scene.stack.sql(over, &[]).await;
    let _program = Program::serve(scene.stack.settings()).await;
    let done = scene
        .until("it completes", &lookup, |it| it["status"] == "completed")
        .await;
    assert_eq!(
        done["results"]["onWhatsApp"].as_array().map(Vec::len),
        Some(1_000)
    );
    let asked = scene.asked().await.concat();
    let once: HashSet<_> = asked.iter().collect();
    assert_eq!(once.len(), 1_000);
    assert!(asked.len() <= 1_100, "{}", asked.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_away_is_waited_for_but_not_for_ever() {
    let scene = Scene::new().await;
    scene.stack.control("down", json!({})).await;
    let lookup = scene.look_up(&numbers(1_000)).await;
    eventually("it was tried", async || {
        let tries = "SELECT count(*) FROM number_lookup_turns WHERE tries > 0";
        (scene.stack.count(tries, &[]).await == 1).then_some(())
    })
    .await;
    assert_eq!(scene.read(&lookup).await["status"], "pending");
    let hour = "UPDATE number_lookup_turns SET turn_at = now(), \
         stalled_since = stalled_since - interval '1 hour'";
    scene.stack.sql(hour, &[]).await;
    let hour = "UPDATE number_lookups SET created_at = created_at - interval '2 hours'";
    scene.stack.sql(hour, &[]).await;
    let failed = eventually("it fails", async || {
        Some(scene.read(&lookup).await).filter(|it| it["status"] == "failed")
    })
    .await;
    assert_eq!(failed["error"], "The provider gave no answer for an hour");
    assert!(failed["completedAt"].is_string());
    let path = format!("{LOOKUPS}/{}/import-contacts", blackbox::id_of(&lookup));
    let refused = scene.client.post_empty(&path).await;
    assert_eq!(refused.outcome(), (400, "LOOKUP_NOT_READY"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_instance_ends_its_lookups() {
    let scene = Scene::new().await;
    let lookup = scene.look_up(&numbers(1_000)).await;
    let path = format!("/api/instances/{}", scene.instance.id);
    assert_eq!(scene.client.delete(&path).await.status, 200);
    let failed = scene
        .until("it fails", &lookup, |it| it["status"] == "failed")
        .await;
    assert_eq!(failed["error"], "The instance was deleted");
}
