//! Notes between processes.

use std::sync::{Arc, Mutex};

use msgflash_accounts::RevokeKey;
use msgflash_kernel::{Id, RandomIds, Workspace};
use msgflash_postgres::{CHANGED, Heard, Listening, Postgres};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;
use uuid::Uuid;

use crate::stage::{SOON, Stage, clock};

/// A listener, and what it heard: topic and payload, `None` for a gap.
struct Ear {
    heard: UnboundedReceiver<Option<(String, String)>>,
    _listening: Listening,
}

impl Ear {
    async fn new(postgres: &Postgres, topics: &[&str]) -> Self {
        let (say, heard) = unbounded_channel();
        let say = Mutex::new(say);
        let listening = postgres.listen(topics, move |heard| {
            let heard = match heard {
                Heard::Gap => None,
                Heard::Note { topic, payload } => Some((topic.to_owned(), payload.to_owned())),
            };
            drop(say.lock().expect("no panic").send(heard));
        });
        let mut ear = Self {
            heard,
            _listening: listening,
        };
        assert_eq!(ear.next().await, None, "it begins with a gap");
        ear
    }

    async fn next(&mut self) -> Option<(String, String)> {
        let next = timeout(SOON, self.heard.recv()).await;
        next.expect("something is heard").expect("it listens")
    }
}

fn note(topic: &str, payload: &str) -> (String, String) {
    (topic.to_owned(), payload.to_owned())
}

#[tokio::test]
async fn a_note_reaches_those_who_listen_to_its_topic() {
    let stage = Stage::new().await;
    let mut one = Ear::new(&stage.pool(1), &["a", "the \"b\""]).await;
    let mut other = Ear::new(&stage.pool(1), &["c"]).await;
    for (topic, payload) in [("c", "1"), ("a", "2"), ("the \"b\"", "")] {
        stage.postgres.notify(topic, payload).await.expect("said");
    }
    assert_eq!(one.next().await, Some(note("a", "2")));
    assert_eq!(one.next().await, Some(note("the \"b\"", "")));
    assert_eq!(other.next().await, Some(note("c", "1")));
}

#[tokio::test]
async fn a_listener_that_lost_its_connection_says_so_and_hears_on() {
    let stage = Stage::new().await;
    let mut ear = Ear::new(&stage.pool(1), &["a"]).await;
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE application_name = 'msgflash listen' AND datname = current_database()";
    let session = stage.session().await;
    for round in ["1", "2"] {
        assert_eq!(session.query(cut, &[]).await.expect("cut").len(), 1);
        assert_eq!(ear.next().await, None, "anything may have been missed");
        stage.postgres.notify("a", round).await.expect("said");
        assert_eq!(ear.next().await, Some(note("a", round)));
    }
}

#[tokio::test]
async fn a_listener_that_is_dropped_gives_its_connection_back() {
    let stage = Stage::new().await;
    let ear = Ear::new(&stage.pool(1), &["a"]).await;
    drop(ear);
    let open = "SELECT count(*) FROM pg_stat_activity \
                WHERE application_name = 'msgflash listen' AND datname = current_database()";
    let session = stage.session().await;
    let gone = async {
        while session
            .query_one(open, &[])
            .await
            .expect("read")
            .get::<_, i64>(0)
            > 0
        {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, gone).await.expect("it is closed");
}

#[tokio::test]
async fn whoever_remembers_a_key_hears_that_it_was_revoked() {
    let stage = Stage::new().await;
    let workspace = Workspace::personal(stage.user("lea@shop.test").await.id);
    let (key, _) = stage.key(workspace).await;
    let mut ear = Ear::new(&stage.pool(1), &[CHANGED]).await;
    let revoke = RevokeKey::new(
        Arc::new(stage.postgres.clone()),
        clock(),
        Arc::new(RandomIds),
    )
    .announcing(Arc::new(stage.postgres.clone()));
    assert!(
        revoke
            .revoke(workspace.account, Id::new(Uuid::nil()))
            .await
            .is_err()
    );
    revoke
        .revoke(workspace.account, key.id)
        .await
        .expect("revoked");
    let told = workspace.account.to_string();
    assert_eq!(ear.next().await, Some(note(CHANGED, &told)));
}
