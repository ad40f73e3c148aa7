//! Endpoints, fan-out and deliveries.

use std::sync::Arc;

use msgflash_kernel::{
    Actor, CountingRandom, Event, EventId, FixedClock, Outcome, RandomIds, TeamId, Tick, Workspace,
};
use msgflash_messaging::message::ports::SettleUnits;
use msgflash_postgres::Postgres;
use msgflash_webhooks::delivery::{Attempt, Next};
use msgflash_webhooks::ports::DeliveryQueue;
use msgflash_webhooks::{
    ChangeEndpoint, CreateEndpoint, DeleteEndpoint, DueDelivery, Endpoint, EndpointOrder, FanOut,
    Recorded, Recorder,
};
use serde_json::json;
use time::{Duration, OffsetDateTime};

use crate::stage::{NOW, Stage, clock, fresh};

mod delivering;
mod endpoints;
mod fanning_out;
mod keeping;
mod trouble;

/// How long a claim lasts here.
const LEASE: Duration = Duration::seconds(30);

fn create(postgres: &Postgres) -> CreateEndpoint {
    let units = Arc::new(postgres.clone());
    let random = Arc::new(CountingRandom::default());
    CreateEndpoint::new(units, random, clock(), Arc::new(RandomIds), false)
}

fn change(postgres: &Postgres) -> ChangeEndpoint {
    let units = Arc::new(postgres.clone());
    let random = Arc::new(CountingRandom::default());
    ChangeEndpoint::new(units, random, clock(), Duration::hours(24), false)
}

fn delete(postgres: &Postgres) -> DeleteEndpoint {
    DeleteEndpoint::new(Arc::new(postgres.clone()))
}

fn order(workspace: Workspace, events: &[&str], cap: Option<u32>) -> EndpointOrder {
    EndpointOrder {
        actor: Actor::new(workspace, workspace.owner()),
        url: "https://hooks.example.com/in".to_owned(),
        events: events.iter().map(|name| (*name).to_owned()).collect(),
        cap,
    }
}

pub(crate) async fn endpoint(stage: &Stage, workspace: Workspace, events: &[&str]) -> Endpoint {
    let made = create(&stage.postgres)
        .create(order(workspace, events, None), None)
        .await;
    let Ok(Outcome::Done(endpoint)) = made else {
        panic!("{made:?}")
    };
    endpoint
}

/// A workspace whose plan has many webhooks.
async fn workspace(stage: &Stage) -> Workspace {
    let workspace = Workspace::personal(stage.user("lea@shop.test").await.id);
    stage.everybody_on("max").await;
    workspace
}

pub(crate) async fn raise(
    stage: &Stage,
    workspace: Workspace,
    name: &'static str,
    count: usize,
) -> Vec<EventId> {
    let events: Vec<_> = (0..count)
        .map(|number| Event {
            id: fresh(),
            workspace: workspace.id,
            account: workspace.account,
            name,
            payload: json!({ "event": name, "number": number, "text": "Où ça ?" }),
            request: Some(format!("req-{number}")),
            at: NOW,
        })
        .collect();
    let mut unit = SettleUnits::begin(&stage.postgres).await.expect("a unit");
    unit.outbox().append(&events).await.expect("appended");
    unit.commit().await.expect("committed");
    events.into_iter().map(|event| event.id).collect()
}

pub(crate) fn fan_out(postgres: &Postgres) -> FanOut {
    FanOut::new(Arc::new(postgres.clone()), clock())
}

/// Events of an endpoint alone, ready to be claimed.
async fn waiting(stage: &Stage, workspace: Workspace, count: usize) -> Vec<EventId> {
    let events = raise(stage, workspace, "message.sent", count).await;
    let done = fan_out(&stage.postgres).tick().await.expect("fanned out");
    assert_eq!(done, Tick::Did(count));
    events
}

pub(crate) async fn claim(
    postgres: &Postgres,
    now: OffsetDateTime,
    limit: u32,
    per_endpoint: u32,
) -> Vec<DueDelivery> {
    let claimed = postgres
        .claim(now, now + LEASE, limit, &[], per_endpoint)
        .await;
    claimed.expect("claimed")
}

pub(crate) fn attempt(due: &DueDelivery, next: Next) -> Attempt {
    let is_delivered = next == Next::Delivered;
    Attempt {
        id: due.id,
        endpoint: due.endpoint,
        attempts: due.attempts + 1,
        response_status: Some(if is_delivered { 200 } else { 500 }),
        excerpt: Some("a\0b".to_owned()),
        error: (!is_delivered).then(|| "HTTP 500".to_owned()),
        asked: None,
        posted: true,
        next,
    }
}

fn recorder(postgres: &Postgres, now: OffsetDateTime) -> Recorder {
    let units = Arc::new(postgres.clone());
    let clock = Arc::new(FixedClock::at(now));
    Recorder::new(units, clock, Arc::new(RandomIds), Duration::days(5))
}

/// Records attempts and expects that all of them are kept.
pub(crate) async fn settle(stage: &Stage, attempts: &[Attempt], now: OffsetDateTime) {
    for recorded in recorder(&stage.postgres, now).record(attempts).await {
        assert!(!matches!(recorded, Recorded::Lost(_)), "{recorded:?}");
    }
}

/// One row of text per delivery: its state, its attempts, its status code and its error.
async fn log(stage: &Stage, due: &DueDelivery) -> String {
    let query = "SELECT concat_ws(' ', status, attempts, response_status, error) \
                 FROM deliveries WHERE id = $1::text::uuid";
    let row = stage
        .session()
        .await
        .query_one(query, &[&due.id.to_string()])
        .await;
    row.expect("the delivery").get(0)
}

pub(crate) async fn count(stage: &Stage, what: &str) -> i64 {
    let query = format!("SELECT count(*) FROM {what}");
    let row = stage.session().await.query_one(&query, &[]).await;
    row.expect("a count").get(0)
}

pub(crate) async fn run(stage: &Stage, sql: &str) {
    stage
        .session()
        .await
        .batch_execute(sql)
        .await
        .expect("done");
}

/// A team's workspace of the same account.
async fn team_of(stage: &Stage, workspace: Workspace) -> Workspace {
    let team: TeamId = fresh();
    let sql = format!(
        "INSERT INTO teams (id, owner_id, name, created_at, updated_at) \
         VALUES ('{team}', '{}', 'Desk', now(), now())",
        workspace.owner(),
    );
    run(stage, &sql).await;
    Workspace::team(team, workspace.owner())
}
