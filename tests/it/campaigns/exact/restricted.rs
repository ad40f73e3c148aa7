//! WhatsApp refuses what the number writes to new contacts.

use blackbox::within;

use super::*;

/// People who never wrote to the number.
const STRANGERS: usize = 60;
/// And people who wrote first; the last of the audience.
const PEOPLE: usize = STRANGERS + 5;

/// Lets those write first who are no strangers.
async fn let_some_write_first(scene: &Scene) {
    for n in STRANGERS + 1..=PEOPLE {
        let words = format!("Hello from {n}");
        let body = json!({ "from": phone(n), "text": words });
        scene.stack.phone(&scene.instance, "inbound", body).await;
        scene.account.client.wait_inbound(&words).await;
    }
}

/// How many strangers were called.
async fn called(scene: &Scene) -> usize {
    let reached = scene.reached().await;
    let strangers = (1..=STRANGERS).map(phone);
    strangers.filter(|it| reached.contains_key(it)).count()
}

/// How often the owner was told of a restriction.
async fn told(scene: &Scene) -> i64 {
    let id = scene.instance.id.to_string();
    scene.stack.told("instance.restricted", &id).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restricted_number_writes_to_those_who_wrote_first_and_later_to_the_rest() {
    let scene = Scene::with(PEOPLE, &PACED).await;
    let fault = json!({ "fault": "error_ack_new_contacts", "instance": scene.instance.session });
    scene.stack.fault(fault).await;
    let_some_write_first(&scene).await;
    let id = scene.create(&scene.body()).await;
    // They are behind all strangers, so that by then the strangers are held back.
    let known = (PEOPLE - STRANGERS) as u64;
    eventually("those who wrote first have read it", async || {
        let stats = scene.campaign(&id).await["stats"].take();
        (number(&stats, "read") == known).then_some(())
    })
    .await;
    let refused = called(&scene).await;
    assert!((2..STRANGERS).contains(&refused), "{refused}");
    assert_eq!(told(&scene).await, 1);
    assert!(
        scene.stack.alarms("restricted").await > 0,
        "the operator is told"
    );
    assert_eq!(scene.health().await["safetyState"], "restricted");
    scene.let_turns_pass().await;
    require_held_back(&scene, &id, refused).await;
    go_on(&scene, &id).await;
    assert_eq!(scene.require_once().await, PEOPLE);
    let stats = scene.require_exact(&id).await;
    let ended = (number(&stats, "sent"), number(&stats, "failed"));
    assert_eq!(ended, ((PEOPLE - refused) as u64, refused as u64));
    assert_eq!(told(&scene).await, 1, "once for the whole restriction");
}

/// Those who were called before it began have failed; the others wait, and nobody calls them.
async fn require_held_back(scene: &Scene, id: &str, refused: usize) {
    assert_eq!(called(scene).await, refused, "no stranger is called");
    let waiting = scene.campaign(id).await;
    assert_eq!(waiting["status"], "running");
    let stats = scene.require_exact(id).await;
    let count = |name| number(&stats, name);
    let known = (PEOPLE - STRANGERS) as u64;
    assert_eq!(
        (count("sent"), count("failed"), count("queued")),
        (known, refused as u64, (STRANGERS - refused) as u64),
    );
    let failed = scene.recipients(id, "failed").await;
    assert_eq!(failed.len(), refused);
    assert!(
        failed.values().all(|code| code == "PROVIDER_ERROR"),
        "{failed:?}"
    );
    let reached = scene.reached().await;
    assert!(
        failed.keys().all(|it| reached.contains_key(&it[1..])),
        "{failed:?}"
    );
}

/// The restriction is over, and WhatsApp takes everything again.
async fn go_on(scene: &Scene, id: &str) {
    scene.stack.heal().await;
    let over = "UPDATE instances SET restricted_until = now()";
    scene.stack.sql(over, &[]).await;
    let key: Uuid = id.parse().expect("an id");
    // A lane looks for what was put off every ten seconds, first for one that tries it out, then for all.
    let patience = Duration::from_mins(2);
    within(patience, "it completes", async || {
        // What would wait for the hour, or for the minute of the one that tries it out, waits no more.
        let now = "UPDATE queue SET not_before = now() \
             WHERE campaign_id = $1 AND state = 1 AND not_before > now()";
        scene.stack.sql(now, &[&key]).await;
        (scene.campaign(id).await["status"] == "completed").then_some(())
    })
    .await;
    let restricted = "SELECT count(*) FROM instances WHERE restricted_until IS NOT NULL";
    eventually("the number is in good standing", async || {
        (scene.stack.count(restricted, &[]).await == 0).then_some(())
    })
    .await;
}
