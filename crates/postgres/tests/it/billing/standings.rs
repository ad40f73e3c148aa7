//! How accounts stand.

use msgflash_billing::{
    BillingProvider, BillingUnits, ScheduledAction, SubscriptionStatus, TeamLoad,
};
use time::Duration;
use tokio::time::timeout;

use super::books::{Books, account, month};
use crate::stage::{NOW, SOON, fresh, key_order};

#[tokio::test]
async fn a_standing_is_the_subscription_with_its_plan_and_its_current_agreement() {
    let books = Books::new().await;
    let before = books.standing().await;
    assert_eq!(
        (before.plan.code.as_str(), before.agreement),
        ("free", None)
    );
    let agreement = books.agreement("sub_1").await;
    books.save(&agreement).await;
    assert_eq!(books.standing().await.agreement, Some(agreement));
    let mut unit = books.unit().await;
    let nobody = unit.standings().lock(fresh()).await.expect("looked up");
    assert_eq!(nobody, None);
}

#[tokio::test]
async fn everything_about_a_subscription_is_kept_with_when_time_changes_it_next() {
    let books = Books::new().await;
    let mut changed = books.standing().await.subscription;
    changed.plan = books.plan("max").await.id;
    changed.status = SubscriptionStatus::Active;
    changed.provider = BillingProvider::Stripe;
    changed.period_end = Some(month(0).end);
    changed.cancel_at_period_end = true;
    changed.scheduled_plan = Some("free".to_owned());
    changed.scheduled_at = changed.period_end;
    changed.scheduled_action = Some(ScheduledAction::Cancel);
    let mut unit = books.unit().await;
    unit.standings().save(&changed).await.expect("saved");
    unit.commit().await.expect("committed");
    assert_eq!(books.standing().await.subscription, changed);
    assert_eq!(due(&books).await, changed.due_at());

    changed.period_end = None;
    changed.scheduled_plan = None;
    changed.scheduled_at = None;
    changed.scheduled_action = None;
    let mut unit = books.unit().await;
    unit.standings().save(&changed).await.expect("saved");
    unit.commit().await.expect("committed");
    assert_eq!(books.standing().await.subscription, changed);
    assert_eq!(due(&books).await, None);
}

async fn due(books: &Books) -> Option<time::OffsetDateTime> {
    let session = books.stage.session().await;
    let query = "SELECT due_at FROM subscriptions";
    session.query_one(query, &[]).await.expect("one").get(0)
}

#[tokio::test]
async fn plans_are_found_that_nobody_sells_any_more() {
    let books = Books::new().await;
    let retired = books.plan("starter").await;
    assert!(!retired.is_active);
    let mut unit = books.unit().await;
    let by_id = unit.standings().plan(retired.id).await.expect("read");
    assert_eq!(by_id, Some(retired));
    let unknown = unit.standings().newest_plan("gold").await.expect("read");
    assert_eq!(unknown, None);
    let unknown = unit.standings().plan(fresh()).await.expect("read");
    assert_eq!(unknown, None);
}

#[tokio::test]
async fn teams_count_members_and_those_who_are_still_asked() {
    let books = Books::new().await;
    let other = account(&books.stage, "max@shop.test").await;
    let statements = format!(
        "INSERT INTO teams (id, owner_id, name, created_at, updated_at, deleted_at) \
           SELECT gen_random_uuid(), '{owner}', name, now(), now(), gone FROM (VALUES \
             ('Desk', NULL), ('Gone', now())) v (name, gone); \
         INSERT INTO teams (id, owner_id, name, created_at, updated_at) \
           VALUES (gen_random_uuid(), '{other}', 'Theirs', now(), now()); \
         INSERT INTO team_members (id, team_id, user_id, role, joined_at, ended_at, ended_for, \
             ended_by) \
           SELECT gen_random_uuid(), t.id, v.user_id, v.role, now(), v.gone, v.why, v.who \
           FROM teams t, (VALUES ('{owner}'::uuid, 'owner', NULL, NULL, NULL::uuid), \
             ('{other}', 'admin', now(), 'left', '{other}')) v (user_id, role, gone, why, who); \
         INSERT INTO team_invitations (id, team_id, email, role, token_hash, invited_by, \
             created_at, expires_at, ended_at, ended_for) \
           SELECT gen_random_uuid(), t.id, v.email, 'admin', decode(md5(v.email || t.id), 'hex'), \
             '{owner}', now(), v.expires, v.gone, v.why \
           FROM teams t, (VALUES \
             ('open@shop.test', '2026-05-21'::timestamptz, NULL::timestamptz, NULL), \
             ('late@shop.test', '2026-05-20 10:00Z', NULL, NULL), \
             ('said-no@shop.test', '2026-05-21', now(), 'declined')) v (email, expires, gone, why)",
        owner = books.account,
    );
    books.run(&statements).await;
    let mut unit = books.unit().await;
    let teams = unit.standings().teams(books.account, NOW).await;
    let [TeamLoad { seats: 2, .. }] = teams.expect("read")[..] else {
        panic!("one team, with its owner and one who is asked");
    };
}

#[tokio::test]
async fn nobody_takes_a_place_while_a_standing_is_held() {
    let books = Books::new().await;
    let workspace = msgflash_kernel::Workspace::personal(fresh_owner(&books));
    let mut unit = books.unit().await;
    unit.standings().lock(books.account).await.expect("locked");
    let create = books.stage.create_key();
    let order = key_order(workspace, Some(1));
    let create = tokio::spawn(async move { create.create(order).await });
    books.stage.until_somebody_waits().await;
    unit.commit().await.expect("committed");
    let made = timeout(SOON, create).await.expect("soon");
    made.expect("no panic").expect("a key");
}

fn fresh_owner(books: &Books) -> msgflash_kernel::UserId {
    msgflash_kernel::Id::new(books.account.uuid())
}

#[tokio::test]
async fn a_dropped_unit_changes_nothing() {
    let books = Books::new().await;
    let before = books.standing().await;
    let mut unit = BillingUnits::begin(books.postgres()).await.expect("a unit");
    let standing = unit.standings().lock(books.account).await;
    let mut changed = standing.expect("locked").expect("there").subscription;
    changed.period_end = Some(NOW + Duration::DAY);
    unit.standings().save(&changed).await.expect("saved");
    drop(unit);
    assert_eq!(books.standing().await, before);
}
