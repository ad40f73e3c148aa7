//! Members who are sent away in the middle of their work, on several processes.

use std::time::{Duration, Instant};

use blackbox::account::PASSWORD;
use blackbox::{Client, Crew, Fleet, Stack, text};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;

/// How long a process may remember who is in a team, and what a key opens.
const LIFE: Duration = Duration::from_secs(1);

/// Processes that are one server to those who call them.
async fn stack() -> Stack {
    Stack::for_people(&[("public_url", "https://shop.test")]).await
}

/// Posts again and again until it is told to stop; answers when each was asked, and the answers.
async fn insists(
    client: Client,
    body: Value,
    mut stop: watch::Receiver<bool>,
) -> Vec<(Instant, u16, String)> {
    let mut heard = Vec::new();
    loop {
        let asked = Instant::now();
        let reply = client.post("/api/messages/send", &body).await;
        heard.push((asked, reply.status, reply.code().to_owned()));
        if *stop.borrow_and_update() {
            return heard;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_message_of_a_removed_member_is_accepted_and_soon_nothing_is_answered() {
    let mut stack = stack().await;
    let crew = Crew::gather(&stack, "pro").await;
    let instance = crew.owner.account.instance(&stack).await;
    crew.assign(&instance.id.to_string()).await;
    let fleet = Fleet::over(&mut stack, 2, 0).await;
    let body = text(&instance, "+33612345678", "Hi");
    let client = crew.collaborator.within(&crew.team);
    let (stop, stopped) = watch::channel(false);
    let mut loops = tokio::task::JoinSet::new();
    for client in fleet.clients(&client) {
        loops.spawn(insists(client, body.clone(), stopped.clone()));
    }
    blackbox::eventually("both are at it", async || {
        let made = "SELECT count(*) FROM messages";
        (stack.count(made, &[]).await > 20).then_some(())
    })
    .await;
    crew.remove(&crew.collaborator).await;
    let removed = Instant::now();
    // Until both processes have said no, and for longer than anything is remembered.
    while removed.elapsed() < 2 * LIFE {
        crew.owner.sees(&crew.team).await;
    }
    stop.send(true).expect("they listen");
    for heard in loops.join_all().await {
        assert!(heard.iter().any(|it| it.1 == 201), "it was at work before");
        let late: Vec<_> = heard.iter().filter(|it| it.0 >= removed).collect();
        assert!(late.iter().all(|it| it.1 != 201), "accepted: {late:?}");
        let later = late.iter().filter(|it| it.0 >= removed + LIFE);
        let later: Vec<_> = later.map(|it| (it.1, it.2.as_str())).collect();
        assert!(!later.is_empty(), "it went on");
        assert!(
            later.iter().all(|it| *it == (404, "TEAM_NOT_FOUND")),
            "{later:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_was_taken_back_is_not_used_a_second_later() {
    let mut stack = stack().await;
    let crew = Crew::gather(&stack, "pro").await;
    let instance = crew.owner.account.instance(&stack).await;
    let fleet = Fleet::over(&mut stack, 2, 0).await;
    let body = text(&instance, "+33612345678", "Hi");
    let clients = fleet.clients(&crew.collaborator.within(&crew.team));
    for (is_given, status) in [(true, 201), (false, 403), (true, 201)] {
        let id = instance.id.to_string();
        if is_given {
            crew.assign(&id).await;
        } else {
            crew.unassign(&id).await;
        }
        let changed = Instant::now();
        for client in &clients {
            loop {
                let asked = Instant::now();
                let sent = client.post("/api/messages/send", &body).await;
                if sent.status == status {
                    break;
                }
                let age = asked - changed;
                assert!(age < LIFE, "{age:?} later: {sent:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_nobody_is_told_a_removed_member_is_refused_within_a_second_all_the_same() {
    let mut stack = stack().await;
    let crew = Crew::gather(&stack, "pro").await;
    let fleet = Fleet::over(&mut stack, 2, 0).await;
    let member = crew.admin.within(&crew.team);
    let clients = fleet.clients(&member);
    for client in &clients {
        assert_eq!(client.get("/api/contacts").await.status, 200);
    }
    // Whatever is remembered now is no younger than this.
    let remembered = Instant::now();
    let end = "UPDATE team_members SET ended_at = now(), ended_for = 'removed', ended_by = $1 \
         WHERE user_id = $2";
    let (by, whom) = (&crew.owner.account.user, &crew.admin.account.user);
    assert_eq!(stack.sql(end, &[&by.uuid(), &whom.uuid()]).await, 1);
    for client in &clients {
        loop {
            let asked = Instant::now();
            let reply = client.get("/api/contacts").await;
            if reply.outcome() == (404, "TEAM_NOT_FOUND") {
                break;
            }
            let age = asked - remembered;
            assert!(age < LIFE, "let in {age:?} later: {reply:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_teams_key_and_its_people_are_refused_by_every_process_once_it_is_deleted() {
    let mut stack = stack().await;
    let crew = Crew::gather(&stack, "pro").await;
    let program = crew.program(&stack).await;
    let fleet = Fleet::over(&mut stack, 2, 0).await;
    let member = crew.admin.within(&crew.team);
    let doors = [
        (&program, "/api/v1/contacts", (401, "UNAUTHORIZED")),
        (&member, "/api/contacts", (404, "TEAM_NOT_FOUND")),
    ];
    for api in &fleet.apis {
        for (client, path, _) in doors {
            assert_eq!(client.at(&api.base).get(path).await.status, 200);
        }
    }
    let gone = crew.owner.console.delete(&crew.path("")).await;
    assert_eq!(gone.status, 204, "{gone:?}");
    let deleted = Instant::now();
    for api in &fleet.apis {
        for (client, path, refusal) in doors {
            let client = client.at(&api.base);
            loop {
                let asked = Instant::now();
                let reply = client.get(path).await;
                if reply.outcome() == refusal {
                    break;
                }
                let age = asked - deleted;
                assert!(age < LIFE, "{path} {age:?} later: {reply:?}");
            }
        }
    }
    let own = crew.owner.account.client.at(&fleet.apis[1].base);
    assert_eq!(own.get("/api/v1/contacts").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_arrives_after_its_author_was_removed_changes_nothing() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let login = json!({ "email": crew.collaborator.email(), "password": PASSWORD });
    let login = stack.anonymous().post("/api/auth/login", &login).await;
    let token = login.data()["token"].as_str().expect("a token");
    let body = json!({ "name": "Lina", "phone": "+33698765432" }).to_string();
    let head = format!(
        "POST /api/contacts HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
         authorization: Bearer {token}\r\nx-team-id: {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        crew.team,
        body.len(),
    );
    let (first, rest) = body.split_at(10);
    let address = stack.base.trim_start_matches("http://");
    let mut slow = TcpStream::connect(address).await.expect("it listens");
    for part in [head.as_str(), first] {
        slow.write_all(part.as_bytes()).await.expect("it is read");
    }
    crew.remove(&crew.collaborator).await;
    slow.write_all(rest.as_bytes()).await.expect("it is read");
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.contains("TEAM_NOT_FOUND"), "{answer}");
    assert_eq!(stack.count("SELECT count(*) FROM contacts", &[]).await, 0);
}
