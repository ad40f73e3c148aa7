//! People in teams: signed in, invited, and in by the link of their mail.

use serde_json::{Value, json};

use crate::account::PASSWORD;
use crate::{Account, Client, Stack, eventually, id_of};

/// Where teams live.
pub const TEAMS: &str = "/api/teams";

/// An answer's data, when it is this status.
#[track_caller]
pub fn made(reply: &crate::Reply, status: u16) -> Value {
    assert_eq!(reply.status, status, "{reply:?}");
    reply.data().clone()
}

/// A body that invites somebody.
pub fn invite(email: &str, role: &str) -> Value {
    json!({ "email": email, "role": role })
}

/// Somebody who is signed in to the console.
pub struct Person {
    /// Their account, with a personal key.
    pub account: Account,
    /// Their session, in their personal workspace.
    pub console: Client,
}

impl Person {
    /// Somebody new, on a plan.
    pub async fn on(stack: &Stack, plan: &str) -> Self {
        let account = stack.account(plan).await;
        let console = stack.signed_in(&account.email, PASSWORD).await;
        Self { account, console }
    }

    /// Their id.
    pub fn id(&self) -> String {
        self.account.user.to_string()
    }

    /// Their address.
    pub fn email(&self) -> &str {
        &self.account.email
    }

    /// Their session in a team.
    pub fn within(&self, team: &str) -> Client {
        self.console.header("x-team-id", team)
    }

    /// Makes a team, asks people in, and answers the team.
    pub async fn found(&self, name: &str, invites: &[(&str, &str)]) -> Value {
        let invites: Vec<_> = invites.iter().map(|(to, role)| invite(to, role)).collect();
        let body = json!({ "name": name, "invites": invites });
        made(&self.console.post(TEAMS, &body).await, 201)
    }

    /// Asks somebody into a team, and answers the invitation.
    pub async fn invites(&self, team: &str, email: &str, role: &str) -> Value {
        let path = format!("{TEAMS}/{team}/invitations");
        made(&self.console.post(&path, &invite(email, role)).await, 201)
    }

    /// Follows the link of the newest invitation they got.
    pub async fn accepts(&self, stack: &Stack) {
        let token = stack.invitation(self.email()).await;
        let body = json!({ "token": token });
        let path = format!("{TEAMS}/invitations/accept");
        made(&self.console.post(&path, &body).await, 200);
    }

    /// A team as they see it.
    pub async fn sees(&self, team: &str) -> Value {
        made(&self.console.get(&format!("{TEAMS}/{team}")).await, 200)
    }

    /// Makes an API key of a team, and answers it with its secret.
    pub async fn team_key(&self, team: &str) -> Value {
        let body = json!({ "name": "Team" });
        made(&self.within(team).post("/api/api-keys", &body).await, 201)
    }
}

/// A team with one person in each role.
pub struct Crew {
    /// Its id.
    pub team: String,
    /// Who pays.
    pub owner: Person,
    /// Who may do most things.
    pub admin: Person,
    /// Who works there.
    pub collaborator: Person,
}

impl Crew {
    /// A team whose owner is on a plan; the others are on Free.
    pub async fn gather(stack: &Stack, plan: &str) -> Self {
        let owner = Person::on(stack, plan).await;
        let admin = Person::on(stack, "free").await;
        let collaborator = Person::on(stack, "free").await;
        let roles = [
            (admin.email(), "admin"),
            (collaborator.email(), "collaborator"),
        ];
        let team = id_of(&owner.found("Support desk", &roles).await);
        admin.accepts(stack).await;
        collaborator.accepts(stack).await;
        Self {
            team,
            owner,
            admin,
            collaborator,
        }
    }

    /// A path below the team.
    pub fn path(&self, rest: &str) -> String {
        format!("{TEAMS}/{}{rest}", self.team)
    }

    /// Another member.
    pub async fn joined(&self, stack: &Stack, role: &str) -> Person {
        let person = Person::on(stack, "free").await;
        self.owner.invites(&self.team, person.email(), role).await;
        person.accepts(stack).await;
        person
    }

    /// Gives the collaborator an instance.
    pub async fn assign(&self, instance: &str) {
        let body = json!({ "instanceId": instance, "memberUserId": self.collaborator.id() });
        let path = self.path("/instance-assignments");
        made(&self.owner.console.post(&path, &body).await, 204);
    }

    /// Takes it away again.
    pub async fn unassign(&self, instance: &str) {
        let query = format!(
            "/instance-assignments?instanceId={instance}&memberUserId={}",
            self.collaborator.id()
        );
        made(&self.owner.console.delete(&self.path(&query)).await, 204);
    }

    /// Sends somebody away.
    pub async fn remove(&self, person: &Person) {
        let path = self.path(&format!("/members/{}", person.id()));
        made(&self.owner.console.delete(&path).await, 204);
    }

    /// A client with a new key of the team.
    pub async fn program(&self, stack: &Stack) -> Client {
        let key = self.owner.team_key(&self.team).await;
        let secret = key["secret"].as_str().expect("shown once");
        stack.client(secret).header("x-team-id", &self.team)
    }
}

impl Stack {
    /// A stack for people: its mail can be read, and they may ask as fast as a test does.
    pub async fn for_people(settings: &[(&str, &str)]) -> Self {
        let usual = [
            ("dev_mode", "true"),
            ("console_rate_limit_per_second", "10000"),
            ("portal_url", "https://app.shop.test"),
        ];
        Self::with(&[&usual, settings].concat()).await
    }

    /// A session of somebody with this address. All people of a test come from one address, and each is
    /// let in as if they had come alone.
    pub async fn signed_in(&self, email: &str, password: &str) -> Client {
        let forget = "DELETE FROM sign_in_tries";
        let connection = self.connection().await;
        connection.execute(forget, &[]).await.expect("it runs");
        let body = json!({ "email": email, "password": password });
        let reply = self.anonymous().post("/api/auth/login", &body).await;
        let token = reply.data()["token"].as_str();
        let token = token.unwrap_or_else(|| panic!("not signed in: {reply:?}"));
        self.anonymous()
            .header("authorization", &format!("Bearer {token}"))
    }

    /// The mails of a kind to an address, newest first.
    pub async fn mails(&self, to: &str, kind: &str) -> Vec<Value> {
        let reply = self.anonymous().get("/dev/mailbox").await;
        let mut mails = reply.json["data"].as_array().cloned().unwrap_or_default();
        let same = |it: &Value| it["to"].as_str().map(str::to_lowercase) == Some(to.to_lowercase());
        mails.retain(|it| it["kind"] == kind && same(it));
        mails
    }

    /// The newest mail of a kind to an address, once there is one.
    pub async fn mail(&self, to: &str, kind: &str) -> Value {
        eventually(&format!("a mail {kind} to {to}"), async || {
            self.mails(to, kind).await.into_iter().next()
        })
        .await
    }

    /// What the link of the newest invitation to an address carries.
    pub async fn invitation(&self, to: &str) -> String {
        let mail = self.mail(to, "team_invitation").await;
        token_in(&mail)
    }
}

/// What the link in a mail carries.
pub fn token_in(mail: &Value) -> String {
    let text = mail["text"].as_str().expect("text");
    let at = text.find("?token=").expect("a link") + "?token=".len();
    let token = text[at..].split_whitespace().next().expect("a token");
    assert!(mail["html"].as_str().expect("html").contains(token));
    token.to_owned()
}
