//! What an account has, in all its workspaces.

use msgflash_kernel::{AccountId, Id, TeamId, Workspace};
use msgflash_messaging::Instance;
use msgflash_messaging::instance::ports::InstanceReader;
use uuid::Uuid;

use super::books::Books;
use crate::messaging::sample::instance_of;
use crate::stage::fresh;

pub(super) fn personal(account: AccountId) -> Workspace {
    Workspace::personal(Id::new(account.uuid()))
}

/// An instance that was made so many days ago.
pub(super) async fn instance(
    books: &Books,
    account: AccountId,
    days: i32,
    status: &str,
) -> Instance {
    let it = instance_of(&books.stage, personal(account)).await;
    let update = format!(
        "UPDATE instances SET status = '{status}', created_at = created_at - {days} * interval '1 day' \
         WHERE id = '{}'",
        it.id
    );
    books.run(&update).await;
    it
}

pub(super) async fn look(books: &Books, it: &Instance) -> Instance {
    let found = InstanceReader::get(books.postgres(), it.id).await;
    found.expect("read").expect("there")
}

/// Keys of an account, each a day older than the one before.
pub(super) async fn keys(books: &Books, workspace: Workspace, count: i32) -> Vec<Uuid> {
    let mut all = Vec::new();
    for age in 0..count {
        let (key, _) = books.stage.key(workspace).await;
        let update = format!(
            "UPDATE api_keys SET created_at = created_at - {age} * interval '1 day' WHERE id = '{}'",
            key.id
        );
        books.run(&update).await;
        all.push(key.id.uuid());
    }
    all
}

/// An endpoint of a workspace that was made so many days ago.
pub(super) async fn endpoint(books: &Books, workspace: Workspace, days: i32, active: bool) -> Uuid {
    let id = fresh::<()>().uuid();
    let insert = format!(
        "INSERT INTO webhook_endpoints (id, workspace_id, account_id, created_by, url, secret, \
           events, active, created_at, updated_at) \
         VALUES ('{id}', '{}', '{account}', '{account}', 'https://shop.test/', 'whsec_', \
           '{{message.sent}}', {active}, '2026-05-20'::timestamptz - {days} * interval '1 day', now())",
        workspace.id,
        account = workspace.account,
    );
    books.run(&insert).await;
    id
}

pub(super) async fn add_team(books: &Books, owner: AccountId, deleted: bool) -> TeamId {
    let id = fresh();
    let gone = if deleted { "now()" } else { "NULL" };
    let insert = format!(
        "INSERT INTO teams (id, owner_id, name, created_at, updated_at, deleted_at) \
         VALUES ('{id}', '{owner}', 'Desk', now(), now(), {gone})"
    );
    books.run(&insert).await;
    id
}

/// What is left of keys and endpoints of an account, by their ids in order.
pub(super) async fn left(books: &Books, account: AccountId) -> (Vec<String>, Vec<String>) {
    let keys = format!(
        "SELECT id::text FROM api_keys WHERE account_id = '{account}' AND revoked_at IS NULL \
         ORDER BY id"
    );
    let endpoints = format!(
        "SELECT id::text FROM webhook_endpoints WHERE account_id = '{account}' AND active \
         ORDER BY id"
    );
    (books.texts(&keys).await, books.texts(&endpoints).await)
}
