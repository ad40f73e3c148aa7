//! The address book: what most of its tests do.

use msgflash_testkit::until;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::account::fresh;
use crate::{Client, PATIENCE, Stack, id_of};

/// Where contacts live.
pub const CONTACTS: &str = "/api/v1/contacts";
/// Where groups live.
pub const GROUPS: &str = "/api/v1/contacts/groups";
/// Where bulk jobs live.
pub const JOBS: &str = "/api/v1/contacts/bulk-jobs";
/// Where many contacts are deleted.
pub const BULK_DELETE: &str = "/api/v1/contacts/bulk-delete";

/// A body that names contacts.
pub fn ids<T: AsRef<str>>(contacts: &[T]) -> Value {
    let ids: Vec<_> = contacts.iter().map(AsRef::as_ref).collect();
    json!({ "contactIds": ids })
}

/// The path of a group's members.
pub fn members(group: &str) -> String {
    format!("{GROUPS}/{group}/members")
}

/// So many ids nobody has.
pub fn unknown(count: usize) -> Vec<String> {
    (0..count).map(|_| fresh().to_string()).collect()
}

/// A query's value as it is written in an address.
pub fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let each = text.bytes().map(|byte| {
        if plain(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    });
    each.collect()
}

impl Client {
    /// Makes a contact and answers its id. Its number is given as its digits.
    pub async fn contact(&self, name: &str, phone: u64) -> String {
        let body = json!({ "name": name, "phone": format!("+{phone}") });
        id_of(&self.made_contact(&body).await)
    }

    /// Makes a contact and answers it.
    pub async fn made_contact(&self, body: &Value) -> Value {
        let reply = self.post(CONTACTS, body).await;
        assert_eq!(reply.status, 201, "{body}: {reply:?}");
        reply.data().clone()
    }

    /// Makes a group and answers its id.
    pub async fn group(&self, name: &str) -> String {
        let reply = self.post(GROUPS, &json!({ "name": name })).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        id_of(reply.data())
    }

    /// Makes a few contacts members of a group.
    pub async fn join<T: AsRef<str>>(&self, group: &str, contacts: &[T]) {
        for some in contacts.chunks(99) {
            let reply = self.post(&members(group), &ids(some)).await;
            assert_eq!(reply.status, 200, "{reply:?}");
        }
    }

    /// What a list answers.
    pub async fn page(&self, path: &str) -> Value {
        let reply = self.get(path).await;
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
        reply.data().clone()
    }

    /// Walks a list to its end; answers its pages. `path` ends where the query goes on.
    pub async fn pages(&self, path: &str) -> Vec<Value> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut pages = vec![self.page(path).await];
        loop {
            let last = &pages[pages.len() - 1];
            let next = last["nextCursor"].as_str();
            assert_eq!(last["hasMore"], next.is_some(), "{last}");
            let Some(cursor) = next else { return pages };
            let next = self.page(&format!("{path}{joint}cursor={cursor}")).await;
            pages.push(next);
        }
    }

    /// A job as it is now.
    pub async fn job(&self, id: &str) -> Value {
        self.page(&format!("{JOBS}/{id}/progress")).await
    }

    /// Waits until a job has a state, and answers it.
    pub async fn wait_job(&self, id: &str, status: &str) -> Value {
        until(PATIENCE, &format!("it becomes {status}"), async || {
            let last = self.job(id).await;
            if last["status"] == status {
                Ok(last)
            } else {
                Err(last)
            }
        })
        .await
    }

    /// Begins a change of many contacts and answers the job's id.
    pub async fn begin(&self, method: Method, path: &str, contacts: &[String]) -> String {
        let body = ids(contacts).to_string().into_bytes();
        let reply = self
            .call(method, path, Some(body), "application/json")
            .await;
        assert_eq!(reply.status, 202, "{reply:?}");
        reply.data()["jobId"].as_str().expect("an id").to_owned()
    }
}

/// The members of a list's items, in order, over all pages.
pub fn each(pages: &[Value], list: &str, member: &str) -> Vec<String> {
    let items = pages.iter().flat_map(|page| {
        let items = page[list].as_array();
        items.unwrap_or_else(|| panic!("no {list} in {page}"))
    });
    let text = |item: &Value| item[member].as_str().map(str::to_owned);
    items.map(|it| text(it).expect("text")).collect()
}

impl Stack {
    /// Fills a book with so many contacts, `Person 0` being the oldest; answers their ids. It is
    /// what that many requests would leave, and takes a moment.
    pub async fn fill_book(&self, workspace: Uuid, account: Uuid, count: usize) -> Vec<String> {
        let ids: Vec<Uuid> = (0..count).map(|_| fresh()).collect();
        let fill = "INSERT INTO contacts (workspace_id, id, account_id, name, phone, name_key, \
               needle, created_at, updated_at) \
             SELECT $1, n.id, $2, 'Person ' || n.at - 1, 49100000000 + n.at, \
               'person ' || n.at - 1, 'person ' || n.at - 1 || E'\\n+' || 49100000000 + n.at, \
               now(), now() \
             FROM UNNEST($3::uuid[]) WITH ORDINALITY AS n (id, at)";
        self.sql(fill, &[&workspace, &account, &ids]).await;
        let count = "INSERT INTO address_books (workspace_id, contacts) \
             VALUES ($1, cardinality($2::uuid[])) ON CONFLICT (workspace_id) \
             DO UPDATE SET contacts = address_books.contacts + excluded.contacts";
        self.sql(count, &[&workspace, &ids]).await;
        ids.iter().map(ToString::to_string).collect()
    }
}
