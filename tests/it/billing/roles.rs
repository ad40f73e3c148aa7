//! Who may see and change what a team's owner pays.

use blackbox::{Crew, Person, Stack};
use serde_json::{Value, json};

use super::{CANCEL, CHECKOUT, DOWNGRADE, KEEP, PAYMENTS, SUBSCRIPTION, plan_of, wants};

const MUTATION: (u16, &str) = (403, "BILLING_TEAM_MUTATION_FORBIDDEN");

/// Every change with a body that is fine.
fn changes() -> [(&'static str, Value); 4] {
    [
        (CHECKOUT, wants("max")),
        (DOWNGRADE, json!({ "plan": "pro" })),
        (CANCEL, json!({})),
        (KEEP, json!({})),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_reads_what_the_owner_holds_and_a_collaborator_does_not() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    for path in [SUBSCRIPTION, "/api/billing/usage"] {
        let owner = crew.owner.console.get(path).await;
        let admin = crew.admin.within(&crew.team).get(path).await;
        assert_eq!(admin.status, 200, "{admin:?}");
        for member in ["subscription", "plan", "limits"] {
            assert_eq!(
                admin.data()[member],
                owner.data()[member],
                "{path} {member}"
            );
        }
        let denied = crew.collaborator.within(&crew.team).get(path).await;
        assert_eq!(denied.outcome(), (403, "TEAM_ACCESS_DENIED"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_are_for_the_owner_alone() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let owner = crew.owner.within(&crew.team).get(PAYMENTS).await;
    assert_eq!(owner.status, 200, "{owner:?}");
    for person in [&crew.admin, &crew.collaborator] {
        let refused = person.within(&crew.team).get(PAYMENTS).await;
        assert_eq!(refused.outcome(), (403, "BILLING_PAYMENTS_TEAM_OWNER_ONLY"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_the_owner_changes_the_plan_of_a_team() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    for person in [&crew.admin, &crew.collaborator] {
        for (path, body) in changes() {
            let refused = person.within(&crew.team).post(path, &body).await;
            assert_eq!(refused.outcome(), MUTATION, "{path}");
        }
    }
    assert_eq!(plan_of(&crew.owner.console).await, "pro");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_changes_it_from_within_the_team() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let there = crew.owner.within(&crew.team);
    let begun = there.post(CHECKOUT, &wants("max")).await;
    assert_eq!(
        (begun.status, &begun.data()["planCode"]),
        (200, &json!("max"))
    );
    let waiting = "SELECT count(*) FROM billing_checkouts WHERE account_id = $1";
    let owner = crew.owner.account.user.uuid();
    assert_eq!(stack.count(waiting, &[&owner]).await, 1);
}

/// The fourteenth of the published scenarios.
#[tokio::test(flavor = "multi_thread")]
async fn an_admin_has_a_plan_of_their_own_outside_the_team() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let there = crew.admin.within(&crew.team);
    assert_eq!(
        there.post(CHECKOUT, &wants("pro")).await.outcome(),
        MUTATION
    );
    let refused = there.get(PAYMENTS).await;
    assert_eq!(refused.outcome(), (403, "BILLING_PAYMENTS_TEAM_OWNER_ONLY"));
    let begun = crew.admin.console.post(CHECKOUT, &wants("pro")).await;
    assert_eq!(begun.status, 200, "{begun:?}");
    let own = crew.admin.console.get(PAYMENTS).await;
    assert_eq!((own.status, &own.data()["total"]), (200, &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_learns_of_no_team() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let stranger = Person::on(&stack, "free").await;
    for (path, body) in changes() {
        let refused = stranger.within(&crew.team).post(path, &body).await;
        assert_eq!(refused.outcome(), (404, "TEAM_NOT_FOUND"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_changes_no_plan() {
    let stack = Stack::for_people(&[]).await;
    let person = Person::on(&stack, "pro").await;
    for (path, body) in changes() {
        let refused = person.account.client.post(path, &body).await;
        assert_eq!(refused.outcome(), (401, "UNAUTHORIZED"), "{path}");
    }
}
