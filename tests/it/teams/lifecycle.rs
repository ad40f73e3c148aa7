//! Making teams, reading, renaming and deleting them.

mod making;

use blackbox::{Crew, Person, Stack, TEAMS, id_of};
use serde_json::{Value, json};

use super::{INVITATION, NOBODY, each, invitations, is_moment, members, seats};

#[tokio::test(flavor = "multi_thread")]
async fn a_team_is_told_as_documented_to_everybody_in_it() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let asked = "third@shop.test";
    crew.admin.invites(&crew.team, asked, "collaborator").await;
    let instance = crew.owner.account.connected(&stack).await;
    crew.assign(&instance.id.to_string()).await;
    let roles = [
        (&crew.owner, "owner"),
        (&crew.admin, "admin"),
        (&crew.collaborator, "collaborator"),
    ];
    for (person, role) in roles {
        let team = person.sees(&crew.team).await;
        let told = [
            "createdAt",
            "id",
            "instanceAssignments",
            "isOwner",
            "members",
            "name",
            "ownerUserId",
            "pendingInvitations",
            "role",
            "seats",
        ];
        assert_eq!(members(&team), told);
        assert_eq!(team["id"], crew.team);
        assert_eq!(team["name"], "Support desk");
        assert_eq!(team["ownerUserId"], crew.owner.id());
        assert_eq!(
            (&team["role"], &team["isOwner"]),
            (&json!(role), &json!(role == "owner"))
        );
        assert!(is_moment(&team["createdAt"]), "{team}");
        assert_eq!(
            team["seats"],
            json!({ "limit": 4, "active": 3, "pending": 1, "used": 4, "available": 0 })
        );
        whole(&team, &crew, &instance.id.to_string());
        assert_eq!(team["pendingInvitations"][0]["email"], asked);
    }
    let path = crew.path("/instance-assignments");
    let listed = crew.collaborator.console.get(&path).await;
    let team = crew.owner.sees(&crew.team).await;
    assert_eq!(*listed.data(), team["instanceAssignments"]);
}

/// The rows of a team have what is documented, and nothing else.
fn whole(team: &Value, crew: &Crew, instance: &str) {
    let roles: Vec<_> = each(&team["members"], "role");
    assert_eq!(roles, ["owner", "admin", "collaborator"]);
    for (member, person) in team["members"].as_array().into_iter().flatten().zip([
        &crew.owner,
        &crew.admin,
        &crew.collaborator,
    ]) {
        let told = ["email", "fullName", "id", "joinedAt", "role"];
        assert_eq!(members(member), told);
        assert_eq!(member["id"], person.id());
        assert_eq!(member["email"], person.email());
        assert_eq!(member["fullName"], "Test User");
        assert!(is_moment(&member["joinedAt"]), "{member}");
    }
    let invitation = &team["pendingInvitations"][0];
    assert_eq!(members(invitation), INVITATION);
    assert_eq!(invitation["status"], "pending");
    assert_eq!(
        invitation["invitedBy"],
        json!({ "id": crew.admin.id(), "fullName": "Test User", "email": crew.admin.email() })
    );
    assert!(is_moment(&invitation["expiresAt"]) && is_moment(&invitation["createdAt"]));
    let assignment = &team["instanceAssignments"][0];
    let told = [
        "assignedByUserId",
        "createdAt",
        "instance",
        "instanceId",
        "teamId",
        "userId",
    ];
    assert_eq!(members(assignment), told);
    assert_eq!(assignment["teamId"], crew.team);
    assert_eq!(assignment["instanceId"], instance);
    assert_eq!(assignment["userId"], crew.collaborator.id());
    assert_eq!(assignment["assignedByUserId"], crew.owner.id());
    assert!(is_moment(&assignment["createdAt"]), "{assignment}");
    assert_eq!(
        assignment["instance"],
        json!({ "id": instance, "name": "Shop", "waNumber": "+33611112222", "status": "connected" })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_show_owned_and_joined_teams_newest_first() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let host = Person::on(&stack, "max").await;
    let other = id_of(
        &host
            .found("B", &[(crew.owner.email(), "collaborator")])
            .await,
    );
    crew.owner.accepts(&stack).await;
    let own = id_of(&crew.owner.found("C", &[("a@b.test", "admin")]).await);
    let list = crew.owner.console.get(TEAMS).await;
    let list = list.data();
    assert_eq!(each(list, "id"), [&own, &other, &crew.team]);
    assert_eq!(each(list, "role"), ["owner", "collaborator", "owner"]);
    let row = &list[1];
    let told = [
        "createdAt",
        "id",
        "isOwner",
        "joinedAt",
        "name",
        "ownerUserId",
        "role",
        "seats",
    ];
    assert_eq!(members(row), told);
    assert_eq!(
        (&row["name"], &row["isOwner"]),
        (&json!("B"), &json!(false))
    );
    assert_eq!(row["ownerUserId"], host.id());
    assert_eq!(seats(row), [8, 2, 0, 2, 6]);
    assert_eq!(seats(&list[2]), [4, 3, 0, 3, 1]);
    assert!(is_moment(&row["joinedAt"]) && is_moment(&row["createdAt"]));
    assert!(row["joinedAt"].as_str() > row["createdAt"].as_str());
    let me = crew.owner.console.get("/api/auth/me").await;
    let mut mine = me.data()["teams"].as_array().cloned().expect("a list");
    mine.sort_by_key(|it| it["name"].to_string());
    assert_eq!(
        mine,
        [
            json!({ "id": other, "name": "B", "role": "collaborator", "isOwner": false }),
            json!({ "id": own, "name": "C", "role": "owner", "isOwner": true }),
            json!({ "id": crew.team, "name": "Support desk", "role": "owner", "isOwner": true }),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_listed_by_role_and_then_by_when_they_came() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "max").await;
    let second = crew.joined(&stack, "collaborator").await;
    let third = crew.joined(&stack, "admin").await;
    let team = crew.owner.sees(&crew.team).await;
    let order = [
        &crew.owner,
        &crew.admin,
        &third,
        &crew.collaborator,
        &second,
    ];
    let order: Vec<_> = order.iter().map(|it| it.id()).collect();
    assert_eq!(each(&team["members"], "id"), order);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_is_renamed_by_those_who_run_it_with_a_name_that_is_one() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let path = crew.path("");
    for (person, name) in [(&crew.owner, " Desk "), (&crew.admin, &*"x".repeat(80))] {
        let renamed = person.console.patch(&path, &json!({ "name": name })).await;
        assert_eq!(renamed.status, 200, "{renamed:?}");
        assert_eq!(renamed.data()["name"], name.trim());
        assert_eq!(*renamed.data(), person.sees(&crew.team).await);
    }
    let long = "x".repeat(81);
    for name in [json!(""), json!("  "), json!(long), json!(7), json!(null)] {
        let refused = crew
            .owner
            .console
            .patch(&path, &json!({ "name": name }))
            .await;
        assert_eq!(refused.outcome(), (400, "VALIDATION_ERROR"), "{name}");
        assert_eq!(refused.fields(), ["name"], "{name}");
    }
    assert_eq!(crew.owner.sees(&crew.team).await["name"], "x".repeat(80));
}

#[tokio::test(flavor = "multi_thread")]
async fn teams_that_are_not_ones_own_are_unknown_ones() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let other = Person::on(&stack, "pro").await;
    let unknown = other.console.get(&format!("{TEAMS}/{NOBODY}")).await;
    assert_eq!(unknown.outcome(), (404, "TEAM_NOT_FOUND"));
    let foreign = other.console.get(&crew.path("")).await;
    assert_eq!(foreign.text, unknown.text);
    let malformed = other.console.get(&format!("{TEAMS}/nonsense")).await;
    assert_eq!(malformed.outcome(), (404, "NOT_FOUND"));
    let inside = invitations(&crew.team, "/nonsense");
    let malformed = crew.owner.console.delete(&inside).await;
    assert_eq!(malformed.outcome(), (404, "NOT_FOUND"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_header_is_nothing_below_teams_and_about_oneself() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let own = crew.owner.console.get(TEAMS).await;
    for named in [NOBODY, "nonsense", &crew.team] {
        let client = crew.owner.within(named);
        assert_eq!(client.get(TEAMS).await.data(), own.data(), "{named}");
        assert_eq!(client.get(&crew.path("")).await.status, 200, "{named}");
        assert_eq!(client.get("/api/auth/me").await.status, 200, "{named}");
    }
    // Everywhere else it chooses, whatever its capitals.
    for (named, status) in [
        (NOBODY, 404),
        ("nonsense", 404),
        ("", 404),
        (&crew.team, 200),
    ] {
        let client = crew.owner.console.header("X-TEAM-ID", named);
        let reply = client.get("/api/workspace/current").await;
        assert_eq!(reply.status, status, "{named}: {reply:?}");
    }
    let capitals = crew.owner.within(&crew.team.to_uppercase());
    assert_eq!(capitals.get("/api/workspace/current").await.status, 200);
}
