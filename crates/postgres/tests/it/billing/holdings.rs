//! What plans cap, as it is counted.

use msgflash_billing::{EndpointState, InstanceState};
use msgflash_kernel::{Id, Workspace};
use msgflash_webhooks::ports::EndpointUnits;
use uuid::Uuid;

use super::books::{Books, account};
use super::places::{add_team, endpoint, instance, keys, personal};

#[tokio::test]
async fn what_an_account_has_is_seen_over_all_its_workspaces() {
    let books = Books::new().await;
    let owner = Id::new(books.account.uuid());
    let (mine, other) = (
        personal(books.account),
        account(&books.stage, "max@shop.test").await,
    );
    let desk = add_team(&books, books.account, false).await;
    let gone = add_team(&books, books.account, true).await;
    let states = [
        instance(&books, books.account, 4, "connected").await,
        instance(&books, books.account, 3, "connecting").await,
        instance(&books, books.account, 2, "suspended").await,
        instance(&books, books.account, 1, "suspended").await,
        instance(&books, books.account, 0, "disconnected").await,
    ];
    books
        .run(&format!(
            "UPDATE instances SET suspended_for = 'plan' WHERE id = '{}'; \
             UPDATE instances SET deleted_at = now() WHERE id = '{}'",
            states[3].id, states[4].id
        ))
        .await;
    instance(&books, other, 0, "connected").await;
    let team = |id| Workspace::team(id, owner);
    let kept = [
        keys(&books, mine, 1).await,
        keys(&books, team(desk), 1).await,
    ]
    .concat();
    keys(&books, team(gone), 1).await;
    keys(&books, personal(other), 1).await;
    let revoked = keys(&books, mine, 1).await;
    books
        .run(&format!(
            "UPDATE api_keys SET revoked_at = now() WHERE id = '{}'",
            revoked[0]
        ))
        .await;
    let active = endpoint(&books, mine, 2, true).await;
    let by_plan = endpoint(&books, team(desk), 1, false).await;
    let off = endpoint(&books, mine, 0, false).await;
    books
        .run(&format!(
            "UPDATE webhook_endpoints SET disabled_by_plan = true WHERE id = '{by_plan}'"
        ))
        .await;
    endpoint(&books, team(gone), 0, true).await;
    endpoint(&books, personal(other), 0, true).await;

    let mut unit = books.unit().await;
    let mut held = unit.holdings().held(books.account).await.expect("read");
    held.instances.sort_by_key(|it| it.created_at);
    let found: Vec<_> = held.instances.iter().map(|it| it.state).collect();
    assert_eq!(
        found,
        [
            InstanceState::Connected,
            InstanceState::Loose,
            InstanceState::SuspendedByOperator,
            InstanceState::SuspendedByPlan,
        ]
    );
    let mut found: Vec<Uuid> = held.keys.iter().map(|it| it.id.uuid()).collect();
    found.sort_unstable();
    assert_eq!(found, kept, "ids follow time");
    held.endpoints.sort_by_key(|it| it.created_at);
    let found: Vec<_> = held
        .endpoints
        .iter()
        .map(|it| (it.id.uuid(), it.state))
        .collect();
    assert_eq!(
        found,
        [
            (active, EndpointState::Active),
            (by_plan, EndpointState::OffByPlan),
            (off, EndpointState::Off),
        ]
    );
}

#[tokio::test]
async fn an_endpoint_that_was_switched_on_by_hand_is_off_by_hand_after_that() {
    let books = Books::new().await;
    let mine = personal(books.account);
    let id = endpoint(&books, mine, 0, false).await;
    books
        .run("UPDATE webhook_endpoints SET disabled_by_plan = true")
        .await;
    for active in [true, false] {
        let mut unit = EndpointUnits::begin(books.postgres())
            .await
            .expect("a unit");
        let locked = unit.endpoints().lock(mine.id, Id::new(id)).await;
        let mut it = locked.expect("locked").expect("there");
        it.active = active;
        unit.endpoints().update(&it).await.expect("kept");
        unit.commit().await.expect("committed");
    }
    let mut unit = books.unit().await;
    let held = unit.holdings().held(books.account).await.expect("read");
    assert_eq!(held.endpoints[0].state, EndpointState::Off);
}
