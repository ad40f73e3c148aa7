//! What a process remembers of callers, and how soon it stops.

use std::time::{Duration, Instant};

use blackbox::fleet::free_address;
use blackbox::{Account, Client, Fleet, Program, Stack, eventually};
use uuid::Uuid;

/// How long a process may remember.
const LIFE: Duration = Duration::from_secs(1);

/// Revokes a key behind everybody's back.
async fn revoke_silently(stack: &Stack, account: &Account) {
    let id: Uuid = account.key_id.parse().expect("an id");
    let revoke = "UPDATE api_keys SET revoked_at = now() WHERE id = $1";
    assert_eq!(stack.sql(revoke, &[&id]).await, 1);
}

async fn status(client: &Client) -> u16 {
    client.get("/api/v1/me").await.status
}

async fn keys(stack: &Stack, count: usize) -> Vec<Account> {
    let mut made = Vec::new();
    for _ in 0..count {
        made.push(stack.account("pro").await);
    }
    made
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_revoked_by_a_command_is_refused_by_every_process() {
    let mut stack = Stack::start().await;
    let account = stack.account("pro").await;
    let fleet = Fleet::over(&mut stack, 2, 0).await;
    let clients = fleet.clients(&account.client);
    for client in &clients {
        assert_eq!(status(client).await, 200);
    }
    let user = account.user.to_string();
    let words = ["key", "revoke", &account.key_id, "--user", &user];
    Program::command(stack.settings(), &words).await;
    for client in &clients {
        eventually("it is refused", async || {
            (status(client).await == 401).then_some(())
        })
        .await;
    }
}

/// Those who listen have lost their connections, so that nobody hears of it: the answer comes when that does not
/// matter any more.
#[tokio::test(flavor = "multi_thread")]
async fn from_the_answer_to_a_revocation_on_no_process_lets_the_key_in() {
    // All processes have one public address, as behind a load balancer: tokens name it.
    let bind = free_address();
    let public_url = format!("http://{bind}");
    let mut stack = Stack::with(&[("bind", &bind), ("public_url", &public_url)]).await;
    let account = stack.account("pro").await;
    let console = account.signed_in(&stack).await;
    let fleet = Fleet::over(&mut stack, 2, 0).await;
    let clients = fleet.clients(&account.client);
    for client in &clients {
        assert_eq!(status(client).await, 200);
    }
    let deaf = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND application_name = 'msgflash listen'";
    assert!(!stack.rows(deaf, &[]).await.is_empty());
    let path = format!("/api/api-keys/{}", account.key_id);
    assert_eq!(console.delete(&path).await.status, 200);
    for client in &clients {
        assert_eq!(status(client).await, 401);
    }
    assert_eq!(console.delete(&path).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_nobody_is_told_a_revoked_key_is_refused_within_a_second_all_the_same() {
    let mut stack = Stack::start().await;
    let account = stack.account("pro").await;
    let fleet = Fleet::over(&mut stack, 2, 0).await;
    let clients = fleet.clients(&account.client);
    for client in &clients {
        assert_eq!(status(client).await, 200);
    }
    // Whatever is remembered now is no younger than this.
    let remembered = Instant::now();
    revoke_silently(&stack, &account).await;
    for client in &clients {
        loop {
            let asked = Instant::now();
            if status(client).await == 401 {
                break;
            }
            let age = asked - remembered;
            assert!(age < LIFE, "let in with a key revoked {age:?} ago");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_ends_what_is_remembered_at_once() {
    let mut stack = Stack::start().await;
    let accounts = keys(&stack, 10).await;
    let fleet = Fleet::over(&mut stack, 2, 0).await;
    // A round that takes longer than anything is remembered proves nothing, and the next is tried.
    for account in &accounts {
        let clients = fleet.clients(&account.client);
        let begun = Instant::now();
        for client in &clients {
            assert_eq!(status(client).await, 200);
        }
        revoke_silently(&stack, account).await;
        let mut still = true;
        for client in &clients {
            still &= status(client).await == 200;
        }
        let account = account.user.to_string();
        stack
            .rows("SELECT pg_notify('msgflash_changed', $1)", &[&account])
            .await;
        for client in &clients {
            eventually("it is refused", async || {
                (status(client).await == 401).then_some(())
            })
            .await;
        }
        if begun.elapsed() < LIFE {
            assert!(still, "nothing was remembered");
            return;
        }
    }
    panic!("this machine is too slow to tell");
}
