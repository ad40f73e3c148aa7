//! A team that is deleted while everything of it is under way.

use std::time::Duration;

use blackbox::book::{BULK_DELETE, unknown};
use blackbox::burst::left;
use blackbox::fleet::free_address;
use blackbox::{Client, Crew, Stack, eventually, id_of, moment_in, text};
use msgflash_messaging::Instance;
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

const DAY: Duration = Duration::from_hours(24);
/// States as they are stored.
const QUEUED: i16 = 0;
const CANCELLED: i16 = 5;

fn id(text: &str) -> Uuid {
    text.parse().expect("an id")
}

/// The states of a workspace's messages, with what is told of them.
async fn states(stack: &Stack, workspace: &str) -> Vec<(i16, Option<String>, Uuid)> {
    let all = "SELECT status, error, id FROM messages WHERE workspace_id = $1 AND NOT inbound";
    let rows = stack.rows(all, &[&id(workspace)]).await;
    let told = rows.iter().map(|row| (row.get(0), row.get(1), row.get(2)));
    told.collect()
}

async fn queue(client: &Client, instance: &Instance, now: usize, later: usize) {
    for n in 0..now {
        client
            .text(instance, &format!("+336123450{n:02}"), "now")
            .await;
    }
    let at = moment_in(DAY);
    for n in 0..later {
        let to = format!("+336123460{n:02}");
        client.schedule(&text(instance, &to, "later"), &at).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_queued_is_cancelled_and_given_back_and_what_left_is_charged() {
    let stack = Stack::for_people(&[("pace_ms", "100")]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let instance = crew.owner.account.connected(&stack).await;
    let program = crew.program(&stack).await;
    // Each call takes the gateway most of a second, so some are open at any moment.
    stack.switch(json!({ "timeScale": 1.0 })).await;
    queue(&program, &instance, 60, 5).await;
    let own = &crew.owner.account.client;
    let mine = own.text(&instance, "+33612345999", "mine").await;
    let at = moment_in(DAY);
    let body = text(&instance, "+33612345998", "mine later");
    let my_later = id_of(&own.schedule(&body, &at).await);
    eventually("some have left", async || {
        (left(&stack).await.len() >= 2).then_some(())
    })
    .await;
    let gone = crew.owner.console.delete(&crew.path("")).await;
    assert_eq!(gone.status, 204, "{gone:?}");
    stack.switch(json!({ "timeScale": 0.0 })).await;
    let ended = eventually("everything of the team has ended", async || {
        let all = states(&stack, &crew.team).await;
        let open = all.iter().any(|it| it.0 == QUEUED);
        (!open).then_some(all)
    })
    .await;
    assert_eq!(ended.len(), 65);
    own.wait_message(&mine, "read").await;
    let cancelled: Vec<_> = ended.iter().filter(|it| it.0 == CANCELLED).collect();
    assert!(cancelled.len() > 5, "some were queued: {}", cancelled.len());
    for (_, error, message) in &cancelled {
        assert_eq!(error.as_deref(), Some("Team deleted"));
        let told = "SELECT count(*) FROM events WHERE payload->>'messageId' = $1";
        let told = stack.count(told, &[&message.to_string()]).await;
        assert_eq!(told, 0, "a cancellation raises no event");
    }
    // One of the owner's own; nothing that was cancelled left.
    let sent = ended.len() - cancelled.len() + 1;
    assert_eq!(left(&stack).await.len(), sent);
    let ledger = stack.ledger(&crew.owner.account).await;
    let count = |count: usize| i64::try_from(count).expect("a small number");
    assert_eq!((ledger.used, ledger.reserved), (count(sent), 0));
    // The five were scheduled, and had reserved nothing.
    assert_eq!(ledger.released, count(cancelled.len() - 5));
    assert_eq!(crew.owner.account.usage().await["messagesCount"], sent);
    assert_eq!(own.message(&my_later).await["status"], "queued");
    let theirs = "SELECT count(*) FROM queue WHERE workspace_id = $1";
    assert_eq!(stack.count(theirs, &[&id(&crew.team)]).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_and_imports_of_a_deleted_team_are_never_worked_on_and_the_owners_own_are() {
    // Nobody works until all is asked for, and the team is gone.
    let bind = free_address();
    let mut stack = Stack::for_people(&[("roles", "api"), ("bind", &bind)]).await;
    let crew = Crew::gather(&stack, "max").await;
    let program = crew.program(&stack).await;
    let there = crew.admin.within(&crew.team);
    let (job, import) = begin_both(&program, &there).await;
    let own = &crew.owner.account.client;
    let mine = own.begin(Method::POST, BULK_DELETE, &unknown(200)).await;
    let gone = crew.owner.console.delete(&crew.path("")).await;
    assert_eq!(gone.status, 204, "{gone:?}");
    stack.restart_with("roles", "api,worker").await;
    eventually("both have ended", async || {
        let job = ended(&stack, "contact_jobs", &job).await == ("cancelled".to_owned(), None);
        let why = Some("Team deleted".to_owned());
        let import = ended(&stack, "contact_imports", &import).await == ("failed".to_owned(), why);
        (job && import).then_some(())
    })
    .await;
    own.wait_job(&mine, "done").await;
    let touched = "SELECT (SELECT count(*) FROM contacts WHERE workspace_id = $1) \
         + (SELECT processed::bigint FROM contact_jobs WHERE workspace_id = $1)";
    assert_eq!(stack.count(touched, &[&id(&crew.team)]).await, 0);
}

/// How something stands, and why.
async fn ended(stack: &Stack, table: &str, of: &str) -> (String, Option<String>) {
    let read = format!("SELECT status, error FROM {table} WHERE id = $1");
    let rows = stack.rows(&read, &[&id(of)]).await;
    (rows[0].get(0), rows[0].get(1))
}

/// Begins to delete many and to take many in; answers the job and the import.
async fn begin_both(program: &Client, there: &Client) -> (String, String) {
    let ids = unknown(10_000);
    let job = program.begin(Method::POST, BULK_DELETE, &ids).await;
    let rows = (0..9_000).map(|n| format!("+336{:08},Person {n},\n", 10_000_000 + n));
    let file = format!("phone,name,tags\n{}", rows.collect::<Vec<_>>().concat());
    let import = there
        .upload("/api/contacts/import", file.as_bytes(), &[])
        .await;
    assert_eq!(import.status, 202, "{import:?}");
    let import = import.data()["importId"].as_str().expect("an id");
    (job, import.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_up_of_a_deleted_team_asks_no_more() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let instance = crew.owner.account.connected(&stack).await;
    let numbers: Vec<_> = (0..1_000)
        .map(|n| format!("+336{:08}", 10_000_000 + n))
        .collect();
    let body = json!({ "instanceId": instance.id.to_string(), "numbers": numbers });
    let there = crew.admin.within(&crew.team);
    let lookup = there.post("/api/number-lookups", &body).await;
    assert_eq!(lookup.status, 202, "{lookup:?}");
    let lookup = id_of(lookup.data());
    let gone = crew.owner.console.delete(&crew.path("")).await;
    assert_eq!(gone.status, 204, "{gone:?}");
    eventually("it has ended", async || {
        let why = Some("Team deleted".to_owned());
        let is_over = ended(&stack, "number_lookups", &lookup).await == ("failed".to_owned(), why);
        is_over.then_some(())
    })
    .await;
    // The instance has nothing left to ask, and its turn does not come round again.
    eventually("no turn is left", async || {
        let turns = "SELECT count(*) FROM number_lookup_turns";
        (stack.count(turns, &[]).await == 0).then_some(())
    })
    .await;
    assert!(stack.asked("whatsappNumbers").await.len() < 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_of_a_deleted_team_hear_nothing_and_the_owners_own_do() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let instance = crew.owner.account.connected(&stack).await;
    let program = crew.program(&stack).await;
    let (theirs, own) = (
        blackbox::Receiver::start().await,
        blackbox::Receiver::start().await,
    );
    program
        .endpoint(&theirs.url, &["message.read", "instance.disconnected"])
        .await;
    let client = &crew.owner.account.client;
    client
        .endpoint(&own.url, &["message.read", "instance.disconnected"])
        .await;
    let ours = program.text(&instance, "+33612345678", "Hi").await;
    program.wait_message(&ours, "read").await;
    eventually("the team hears", async || {
        (theirs.heard().len() == 1).then_some(())
    })
    .await;
    let gone = crew.owner.console.delete(&crew.path("")).await;
    assert_eq!(gone.status, 204, "{gone:?}");
    // An event about the instance goes to all workspaces of its owner: the team is none any more.
    let log_out = format!("/api/instances/{}/logout", instance.id);
    assert_eq!(crew.owner.console.post_empty(&log_out).await.status, 200);
    eventually("the owner hears", async || {
        (!own.heard().is_empty()).then_some(())
    })
    .await;
    eventually("nothing waits to be delivered", async || {
        let waiting =
            "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM delivery_queue)";
        (stack.count(waiting, &[]).await == 0).then_some(())
    })
    .await;
    assert_eq!(theirs.heard().len(), 1);
}
