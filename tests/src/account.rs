//! One user of the product, with a key and what tests need of its ids.

use msgflash_accounts::{KeyOrder, UserOrder};
use msgflash_kernel::{Actor, Id, Secret, TeamId, UserId, Workspace};
use msgflash_messaging::instance::provision::NewInstance;
use msgflash_messaging::provider::Pairing;
use msgflash_messaging::{Instance, InstanceId};
use msgflash_testkit::until;
use serde_json::json;
use uuid::Uuid;

use crate::client::Client;
use crate::stack::Stack;
use crate::{PATIENCE, eventually};

/// The password of everybody here.
pub const PASSWORD: &str = "correct-horse";

/// A user with a personal key.
pub struct Account {
    /// The user's id.
    pub user: UserId,
    /// Their e-mail address.
    pub email: String,
    /// A personal API key.
    pub key: String,
    /// That key's id.
    pub key_id: String,
    /// A client with that key.
    pub client: Client,
}

/// A team with a key.
pub struct TeamKey {
    /// The team's id.
    pub team: TeamId,
    /// A team API key.
    pub key: String,
    /// A client with that key and the team's header.
    pub client: Client,
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests take random ids where nothing depends on them"
)]
pub(crate) fn fresh() -> Uuid {
    Uuid::now_v7()
}

impl Account {
    /// Makes one, on a plan.
    pub async fn create(stack: &Stack, plan: &str) -> Self {
        let backend = stack.server().backend();
        let user = backend
            .create_user
            .create(UserOrder {
                email: format!("user-{}@example.test", fresh().simple()),
                full_name: "Test User".to_owned(),
                phone: None,
                password: Secret::new(PASSWORD.to_owned()),
                is_verified: true,
            })
            .await
            .expect("the user is made");
        backend
            .billing_desk
            .assign
            .assign(Id::new(user.id.uuid()), plan)
            .await
            .expect("the plan exists");
        let workspace = Workspace::personal(user.id);
        let order = KeyOrder {
            actor: Actor::new(workspace, user.id),
            name: "test".to_owned(),
            cap: None,
        };
        let (key, secret) = backend
            .create_key
            .create(order)
            .await
            .expect("the key is made");
        let client = stack.client(secret.reveal());
        Self {
            user: user.id,
            email: user.email,
            key: secret.reveal().to_owned(),
            key_id: key.id.to_string(),
            client,
        }
    }

    /// A team this account owns and nobody else is in, with a team key. It is there whatever the plan,
    /// unlike one that is made over HTTP.
    pub async fn team(&self, stack: &Stack) -> TeamKey {
        let team = fresh();
        stack
            .sql(
                "WITH made AS (INSERT INTO teams (id, owner_id, name, created_at, updated_at) \
                   VALUES ($1, $2, 'Team', now(), now()) RETURNING id, owner_id, created_at) \
                 INSERT INTO team_members (id, team_id, user_id, role, joined_at) \
                   SELECT id, id, owner_id, 'owner', created_at FROM made",
                &[&team, &self.user.uuid()],
            )
            .await;
        let team: TeamId = Id::new(team);
        let workspace = Workspace::team(team, self.user);
        let order = KeyOrder {
            actor: Actor::new(workspace, self.user),
            name: "team".to_owned(),
            cap: None,
        };
        let made = stack.server().backend().create_key.create(order).await;
        let (_, secret) = made.expect("the key is made");
        let client = stack
            .client(secret.reveal())
            .header("X-Team-Id", &team.to_string());
        TeamKey {
            team,
            key: secret.reveal().to_owned(),
            client,
        }
    }

    /// A client that is signed in to the console.
    pub async fn signed_in(&self, stack: &Stack) -> Client {
        let body = json!({ "email": self.email, "password": PASSWORD });
        let reply = stack.anonymous().post("/api/auth/login", &body).await;
        let token = reply.data()["token"].as_str();
        let token = token.unwrap_or_else(|| panic!("not signed in: {reply:?}"));
        stack
            .anonymous()
            .header("authorization", &format!("Bearer {token}"))
    }

    /// An instance that was never linked.
    pub async fn instance(&self, stack: &Stack) -> Instance {
        let workspace = Workspace::personal(self.user);
        let order = NewInstance {
            actor: Actor::new(workspace, self.user),
            name: "Shop".to_owned(),
            cap: None,
        };
        let made = stack.server().backend().provision.create(order).await;
        made.expect("the instance is made")
    }

    /// An instance with a simulated phone linked to it.
    pub async fn connected(&self, stack: &Stack) -> Instance {
        let instance = self.instance(stack).await;
        self.link(stack, &instance, "33611112222").await;
        instance
    }

    /// Links a simulated phone and waits until the server knows.
    pub async fn link(&self, stack: &Stack, instance: &Instance, number: &str) {
        let provision = &stack.server().backend().provision;
        let actor = Actor::owner_of(instance.account);
        eventually("a pairing code", async || {
            let pairing = provision.connect(&actor, instance.id, None).await;
            matches!(pairing.expect("the gateway answers"), Pairing::Code { .. }).then_some(())
        })
        .await;
        stack.scan(&instance.session, number).await;
        self.wait_status(stack, instance.id, "connected").await;
    }

    /// Waits until an instance has a state, as stored.
    pub async fn wait_status(&self, _stack: &Stack, id: InstanceId, status: &str) {
        eventually(&format!("the instance becomes {status}"), async || {
            let reply = self.client.get(&format!("/api/v1/instances/{id}")).await;
            (reply.json["data"]["status"] == status).then_some(())
        })
        .await;
    }

    /// Waits until a message has a state and answers it.
    pub async fn wait_message(&self, id: &str, status: &str) -> serde_json::Value {
        let path = format!("/api/v1/messages/{id}");
        until(PATIENCE, &format!("it becomes {status}"), async || {
            let last = self.client.get(&path).await.json["data"].take();
            if last["status"] == status {
                Ok(last)
            } else {
                Err(last)
            }
        })
        .await
    }
}
