//! People who opt out in the middle.

use super::*;

async fn require_left_out(scene: &Scene, id: &str, people: &[usize], all: usize) {
    scene.wait(id, "completed").await;
    let reached = scene.reached().await;
    let skipped = scene.recipients(id, "skipped").await;
    for n in people {
        assert_eq!(reached.get(&phone(*n)), None, "no call to {n}");
        assert_eq!(skipped[&format!("+{}", phone(*n))], "RECIPIENT_OPTED_OUT");
    }
    assert_eq!(skipped.len(), people.len(), "{skipped:?}");
    assert_eq!(scene.require_once().await, all - people.len());
    let stats = scene.require_exact(id).await;
    assert_eq!(number(&stats, "skipped"), people.len() as u64);
    assert_eq!(number(&stats, "planned"), (all - people.len()) as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_put_on_the_list_in_the_middle_is_never_called() {
    const PEOPLE: usize = 70;
    let scene = Scene::with(PEOPLE, &PACED).await;
    let id = scene.create(&scene.body()).await;
    let sent = scene.wait_sent(&id, 3).await;
    // One whose message is made, and one for whom it is not.
    let soon = usize::try_from(sent).expect("few") + 12;
    let people = [soon, PEOPLE];
    for n in people {
        let phone = format!("+{}", phone(n));
        scene.account.client.suppress(&phone).await;
    }
    require_left_out(&scene, &id, &people, PEOPLE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_answers_with_a_stop_word_in_the_middle_is_never_called() {
    const PEOPLE: usize = 70;
    let scene = Scene::with(PEOPLE, &PACED).await;
    let id = scene.create(&scene.body()).await;
    let sent = scene.wait_sent(&id, 3).await;
    let soon = usize::try_from(sent).expect("few") + 25;
    let people = [soon, PEOPLE];
    for n in people {
        let body = json!({ "from": phone(n), "text": "STOP" });
        scene.stack.phone(&scene.instance, "inbound", body).await;
    }
    require_left_out(&scene, &id, &people, PEOPLE).await;
}
