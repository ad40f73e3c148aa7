//! `/api/workspace/current` in a team: what it says somebody may do is what they may do.

use blackbox::{Crew, Stack};
use serde_json::{Value, json};

use super::super::members;
use super::table::TABLE;
use super::{ROLES, Right};

/// A capability, and an operation that it is about.
const ABOUT: [(&str, &str, &str); 6] = [
    (
        "canManageMembers",
        "POST",
        "/api/teams/{teamId}/invitations",
    ),
    ("canManageInstances", "POST", "/api/instances"),
    ("canManageApiKeys", "POST", "/api/api-keys"),
    ("canManageWebhooks", "POST", "/api/webhooks"),
    ("canManageTemplates", "POST", "/api/templates"),
    ("canViewPayments", "GET", "/api/billing/payments"),
];

fn right(method: &str, path: &str, role: usize) -> Right {
    let mut rows = TABLE.iter();
    let row = rows.find(|it| (it.0, it.1) == (method, path));
    row.unwrap_or_else(|| panic!("no row for {method} {path}"))
        .2[role]
}

#[tokio::test(flavor = "multi_thread")]
async fn capabilities_agree_with_the_matrix_and_the_owners_plan() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let people = [&crew.owner, &crew.admin, &crew.collaborator];
    for (at, person) in people.into_iter().enumerate() {
        let here = person
            .within(&crew.team)
            .get("/api/workspace/current")
            .await;
        let may = &here.data()["capabilities"];
        for (capability, method, path) in ABOUT {
            let allowed = right(method, path, at) == Right::Allowed;
            assert_eq!(may[capability], allowed, "{} {capability}", ROLES[at]);
        }
        assert_eq!(may["canMutateBilling"], ROLES[at] == "owner");
        let restricted = ROLES[at] == "collaborator";
        assert_eq!(may["isRestrictedCollaborator"], restricted);
        // These are the plan's: Pro has them all, whatever the person's own plan.
        for able in [
            "canSendMessages",
            "canCreateCampaigns",
            "canPublishStatuses",
            "canUseWebhooks",
            "canUseNumberLookups",
        ] {
            assert_eq!(may[able], true, "{} {able}", ROLES[at]);
        }
        assert_eq!(members(may).len(), 13);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_of_a_team_is_told_as_documented() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let people = [&crew.owner, &crew.admin, &crew.collaborator];
    for (person, role) in people.into_iter().zip(ROLES) {
        let here = person
            .within(&crew.team)
            .get("/api/workspace/current")
            .await;
        let data = here.data();
        assert_eq!(data["kind"], "team");
        assert_eq!(data["viewer"]["id"], person.id());
        assert_eq!(data["owner"]["id"], crew.owner.id());
        assert_eq!(data["plan"], json!({ "code": "pro", "name": "Pro" }));
        assert_eq!(data["limits"]["maxApiKeys"], 5);
        let team = &data["team"];
        let told = ["createdAt", "id", "isOwner", "name", "role", "seats"];
        assert_eq!(members(team), told);
        assert_eq!(
            (&team["id"], &team["role"]),
            (&json!(crew.team), &json!(role))
        );
        assert_eq!(team["isOwner"], role == "owner");
        let seats = json!({ "limit": 4, "active": 3, "pending": 0, "used": 3, "available": 1 });
        assert_eq!(team["seats"], seats);
        let told = data["subscription"] == Value::Null;
        assert_eq!(told, role == "collaborator", "{data}");
        let own = person.console.get("/api/workspace/current").await;
        assert_eq!(own.data()["kind"], "personal");
        assert_eq!(own.data()["team"], Value::Null);
        let plan = if role == "owner" { "pro" } else { "free" };
        assert_eq!(own.data()["plan"]["code"], plan);
    }
}
