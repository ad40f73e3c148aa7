//! Teams: who is in them, who pays, and what each of them may do.

mod audit;
mod data;
mod invitations;
mod lifecycle;
mod matrix;
mod members;
mod order;
mod races;
mod scenarios;
mod tenancy;

use blackbox::{Client, Reply, Stack, TEAMS};
use serde_json::{Value, json};

/// An id nobody has.
const NOBODY: &str = "0197b3c0-1111-7000-8000-00000000dead";
const ACCEPT: &str = "/api/teams/invitations/accept";
const DECLINE: &str = "/api/teams/invitations/decline";
const MINE: &str = "/api/teams/invitations/mine";

/// What is told of an invitation to those in the team.
const INVITATION: [&str; 7] = [
    "createdAt",
    "email",
    "expiresAt",
    "id",
    "invitedBy",
    "role",
    "status",
];

/// The names of an object's members, sorted.
fn members(object: &Value) -> Vec<&str> {
    let object = object.as_object();
    let object = object.unwrap_or_else(|| panic!("not an object: {object:?}"));
    let mut names: Vec<_> = object.keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

/// Whether it is a time as the API writes times.
fn is_moment(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    let shape = text.bytes().map(|byte| match byte {
        b'0'..=b'9' => '0',
        other => char::from(other),
    });
    shape.collect::<String>() == "0000-00-00T00:00:00.000Z"
}

/// The counts of a team's seats: limit, active, pending, used, available.
fn seats(team: &Value) -> [u64; 5] {
    let names = ["limit", "active", "pending", "used", "available"];
    names.map(|name| {
        let seats = &team["seats"];
        let count = seats[name].as_u64();
        count.unwrap_or_else(|| panic!("no {name} in {seats}"))
    })
}

/// The texts of a member of each item.
fn each<'a>(list: &'a Value, name: &str) -> Vec<&'a str> {
    let list = list.as_array();
    let list = list
        .unwrap_or_else(|| panic!("not a list: {list:?}"))
        .iter();
    list.map(|it| it[name].as_str().expect("text")).collect()
}

/// Asks to accept by the link.
async fn accept(client: &Client, token: &str) -> Reply {
    client.post(ACCEPT, &json!({ "token": token })).await
}

/// Puts the time of an invitation back.
async fn age(stack: &Stack, invitation: &str, seconds: f64) {
    let id: uuid::Uuid = invitation.parse().expect("an id");
    let back = "UPDATE team_invitations SET created_at = created_at - make_interval(secs => $2), \
         expires_at = expires_at - make_interval(secs => $2) WHERE id = $1";
    assert_eq!(stack.sql(back, &[&id, &seconds]).await, 1);
}

/// A path of invitations below a team.
fn invitations(team: &str, rest: &str) -> String {
    format!("{TEAMS}/{team}/invitations{rest}")
}
