//! A lower plan has to host the teams that are there.

use blackbox::calendar::now;
use blackbox::team::invite;
use blackbox::{Brand, Person, Reply, Stack, TEAMS, id_of};
use serde_json::{Value, json};

use super::{CANCEL, CHECKOUT, DOWNGRADE, Shop, held, until_on, wants};

const BLOCKED: (u16, &str) = (409, "PLAN_CHANGE_BLOCKED_ACTIVE_TEAMS");

/// Makes teams with one person asked in, and answers their ids in order.
async fn found(owner: &Person, names: &[&str]) -> Vec<String> {
    let mut ids = Vec::new();
    for name in names {
        ids.push(id_of(&owner.found(name, &[("a@b.test", "admin")]).await));
    }
    ids.sort();
    ids
}

/// The teams that stand in the way, sorted.
fn in_the_way(refused: &Reply) -> Vec<String> {
    assert_eq!(refused.outcome(), BLOCKED, "{refused:?}");
    let details = &refused.json["error"]["details"];
    let named = details.as_object().expect("an object").keys();
    assert_eq!(named.collect::<Vec<_>>(), ["teamIds"]);
    let ids = details["teamIds"].as_array().expect("a list").iter();
    let ids = ids.map(|it| it.as_str().expect("an id").to_owned());
    let mut ids: Vec<_> = ids.collect();
    ids.sort();
    ids
}

/// Tries to ask one more person into a team.
async fn asks_one_more(owner: &Person, team: &str) -> Reply {
    let path = format!("{TEAMS}/{team}/invitations");
    let guest = invite("late@b.test", "collaborator");
    owner.console.post(&path, &guest).await
}

/// The fifteenth of the published scenarios.
#[tokio::test(flavor = "multi_thread")]
async fn three_teams_are_too_many_for_pro_and_two_are_not() {
    let stack = Stack::for_people(&[]).await;
    let owner = Person::on(&stack, "max").await;
    let teams = found(&owner, &["One", "Two", "Three"]).await;
    let lower = json!({ "plan": "pro" });
    let refused = owner.console.post(DOWNGRADE, &lower).await;
    assert_eq!(
        in_the_way(&refused),
        teams,
        "any of them may be the one to go"
    );
    let before = held(&owner.console).await;
    assert_eq!(before["scheduledAction"], Value::Null, "nothing was kept");
    assert_eq!(before["plan"]["code"], "max");
    let gone = owner.console.delete(&format!("{TEAMS}/{}", teams[0])).await;
    assert_eq!(gone.status, 204, "{gone:?}");
    let lowered = owner.console.post(DOWNGRADE, &lower).await;
    assert_eq!(lowered.status, 200, "{lowered:?}");
}

/// The sixteenth of them.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_a_team_does_not_cancel() {
    let stack = Stack::for_people(&[]).await;
    let owner = Person::on(&stack, "pro").await;
    let teams = found(&owner, &["One"]).await;
    let refused = owner.console.post_empty(CANCEL).await;
    assert_eq!(in_the_way(&refused), teams);
    assert_eq!(held(&owner.console).await["cancelAtPeriodEnd"], false);
    let gone = owner.console.delete(&format!("{TEAMS}/{}", teams[0])).await;
    assert_eq!(gone.status, 204, "{gone:?}");
    assert_eq!(owner.console.post_empty(CANCEL).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_with_too_many_seats_is_named_alone() {
    let stack = Stack::for_people(&[]).await;
    let owner = Person::on(&stack, "max").await;
    found(&owner, &["Small"]).await;
    let guests = ["a@b.test", "b@b.test", "c@b.test", "d@b.test"];
    let guests = guests.map(|it| (it, "collaborator"));
    // Four who are asked, and the owner: one seat more than the plan has.
    let large = owner.found("Large", &guests).await;
    let lower = json!({ "plan": "pro" });
    let refused = owner.console.post(DOWNGRADE, &lower).await;
    assert_eq!(in_the_way(&refused), [id_of(&large)]);
    let pending = id_of(&large["pendingInvitations"][0]);
    let path = format!("{TEAMS}/{}/invitations/{pending}", id_of(&large));
    let freed = owner.console.delete(&path).await;
    assert_eq!(freed.status, 204, "{freed:?}");
    let lowered = owner.console.post(DOWNGRADE, &lower).await;
    assert_eq!(lowered.status, 200, "{lowered:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_that_ran_out_takes_no_seat() {
    let stack = Stack::for_people(&[]).await;
    let owner = Person::on(&stack, "max").await;
    let guests = ["a@b.test", "b@b.test", "c@b.test", "d@b.test"];
    let guests = guests.map(|it| (it, "collaborator"));
    owner.found("Large", &guests).await;
    let old = "UPDATE team_invitations SET created_at = created_at - interval '25 hours', \
         expires_at = expires_at - interval '25 hours'";
    assert_eq!(stack.sql(old, &[]).await, 4);
    let lowered = owner
        .console
        .post(DOWNGRADE, &json!({ "plan": "pro" }))
        .await;
    assert_eq!(lowered.status, 200, "{lowered:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn teams_of_others_stand_in_nobodys_way() {
    let stack = Stack::for_people(&[]).await;
    let crew = blackbox::Crew::gather(&stack, "max").await;
    let guest = Person::on(&stack, "pro").await;
    crew.owner.invites(&crew.team, guest.email(), "admin").await;
    guest.accepts(&stack).await;
    let cancelled = guest.console.post_empty(CANCEL).await;
    assert_eq!(cancelled.status, 200, "{cancelled:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_back_to_less_has_to_have_room_for_their_teams() {
    let stack = Stack::for_people(&[]).await;
    let owner = Person::on(&stack, "max").await;
    let teams = found(&owner, &["One", "Two", "Three"]).await;
    let over = "UPDATE subscriptions SET status = 'expired' WHERE account_id = $1";
    stack.sql(over, &[&owner.account.user.uuid()]).await;
    let refused = owner.console.post(CHECKOUT, &wants("pro")).await;
    assert_eq!(in_the_way(&refused), teams);
    let same = owner.console.post(CHECKOUT, &wants("max")).await;
    assert_eq!(same.status, 200, "{same:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn teams_made_after_a_downgrade_was_scheduled_stay_and_take_nobody_more() {
    let shop = Shop::at(Brand::Dodo).await;
    let (owner, _) = shop.buyer("max").await;
    let mut teams = found(&owner, &["One", "Two"]).await;
    let lower = json!({ "plan": "pro" });
    let lowered = owner.console.post(DOWNGRADE, &lower).await;
    assert_eq!(lowered.status, 200, "{lowered:?}");
    let guests = ["a@b.test", "b@b.test", "c@b.test", "d@b.test"];
    let guests = guests.map(|it| (it, "collaborator"));
    // One team and one seat more than the plan to come has.
    let late = id_of(&owner.found("Late", &guests).await);
    teams.push(late.clone());
    shop.age(&owner, 30.1).await;
    until_on(&owner.console, "pro").await;
    for team in &teams {
        assert_eq!(owner.sees(team).await["id"], json!(team));
        let inside = owner.within(team).get("/api/contacts").await;
        assert_eq!(inside.status, 200, "{inside:?}");
    }
    let body = json!({ "name": "More", "invites": [invite("a@b.test", "admin")] });
    let refused = owner.console.post(TEAMS, &body).await;
    assert_eq!(refused.outcome(), (403, "TEAM_LIMIT_REACHED"));
    let refused = asks_one_more(&owner, &late).await;
    assert_eq!(refused.outcome(), (403, "TEAM_SEAT_LIMIT_REACHED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn teams_of_a_plan_that_its_provider_ended_stay_and_take_nobody_more() {
    let shop = Shop::at(Brand::Stripe).await;
    let (owner, sale) = shop.buyer("pro").await;
    let teams = found(&owner, &["One"]).await;
    shop.tells(&[sale.ended(now())]).await;
    shop.age(&owner, 30.1).await;
    until_on(&owner.console, "free").await;
    assert_eq!(owner.sees(&teams[0]).await["name"], "One");
    let refused = asks_one_more(&owner, &teams[0]).await;
    assert_eq!(refused.outcome(), (403, "TEAM_FEATURE_UNAVAILABLE"));
}
