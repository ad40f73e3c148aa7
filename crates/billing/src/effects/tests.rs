use time::Duration;
use uuid::Uuid;

use super::*;
use crate::catalogue::Catalogue;
use crate::sample;

fn id<T>(n: u128) -> Id<T> {
    Id::new(Uuid::from_u128(n))
}

fn day(n: u128) -> OffsetDateTime {
    let days = i64::try_from(n).expect("few");
    OffsetDateTime::UNIX_EPOCH + Duration::days(days)
}

/// Things of these states, the first the oldest, numbered from 1.
fn instances(states: &[InstanceState]) -> Holdings {
    let numbered = (1..).zip(states);
    let instances = numbered.map(|(n, state)| HeldInstance {
        id: id(n),
        state: *state,
        created_at: day(n),
    });
    Holdings {
        instances: instances.collect(),
        ..Holdings::default()
    }
}

fn endpoints(states: &[EndpointState]) -> Holdings {
    let numbered = (1..).zip(states);
    let endpoints = numbered.map(|(n, state)| HeldEndpoint {
        id: id(n),
        state: *state,
        created_at: day(n),
    });
    Holdings {
        endpoints: endpoints.collect(),
        ..Holdings::default()
    }
}

fn plan(change: impl FnOnce(&mut Plan)) -> Plan {
    let mut plan = sample::plan(&Catalogue::default(), "free");
    change(&mut plan);
    plan
}

fn ids<T>(numbers: &[u128]) -> Vec<Id<T>> {
    numbers.iter().map(|n| id(*n)).collect()
}

#[test]
fn connected_instances_stay_then_the_oldest() {
    use InstanceState::{Connected, Loose};
    let held = instances(&[Loose, Loose, Connected, Loose, Connected]);
    let two = Effects::of(&plan(|it| it.limits.max_instances = Some(3)), &held);
    assert_eq!(two.suspend, ids(&[4, 2]));
    let one = Effects::of(&plan(|it| it.limits.max_instances = Some(1)), &held);
    assert_eq!(
        one.suspend,
        ids(&[4, 2, 1, 5]),
        "the newest first, connected ones last"
    );
    let all = Effects::of(&plan(|it| it.limits.max_instances = None), &held);
    assert!(all.is_empty());
}

#[test]
fn an_upgrade_frees_what_a_plan_suspended_and_nothing_else() {
    use InstanceState::{Connected, SuspendedByOperator, SuspendedByPlan};
    let held = instances(&[
        Connected,
        SuspendedByPlan,
        SuspendedByOperator,
        SuspendedByPlan,
    ]);
    let it = Effects::of(&plan(|it| it.limits.max_instances = Some(2)), &held);
    assert_eq!((it.release, it.suspend), (ids(&[2]), vec![]));
    let it = Effects::of(&plan(|it| it.limits.max_instances = Some(9)), &held);
    assert_eq!(it.release, ids(&[2, 4]));
}

#[test]
fn the_newest_keys_are_revoked() {
    let keys = [3, 1, 2].map(|n| HeldKey {
        id: id(n),
        created_at: day(n),
    });
    let held = Holdings {
        keys: keys.to_vec(),
        ..Holdings::default()
    };
    let it = Effects::of(&plan(|it| it.limits.max_api_keys = Some(1)), &held);
    assert_eq!(it.revoke, ids(&[3, 2]));
    let it = Effects::of(&plan(|it| it.limits.max_api_keys = Some(0)), &held);
    assert_eq!(it.revoke.len(), 3);
}

#[test]
fn endpoints_go_and_come_back_unless_they_were_off_for_another_reason() {
    use EndpointState::{Active, Off, OffByPlan};
    let held = endpoints(&[Off, Active, Active, OffByPlan]);
    let it = Effects::of(&plan(|it| it.limits.max_webhook_endpoints = Some(1)), &held);
    assert_eq!((it.disable, it.enable), (ids(&[3]), vec![]));
    let it = Effects::of(&plan(|it| it.limits.max_webhook_endpoints = Some(3)), &held);
    assert_eq!((it.disable, it.enable), (vec![], ids(&[4])));
    let it = Effects::of(&plan(|it| it.features.webhooks = false), &held);
    assert_eq!(it.disable, ids(&[3, 2]));
}

#[test]
fn campaigns_pause_on_a_plan_without_them() {
    let held = Holdings::default();
    assert!(Effects::of(&plan(|it| it.features.campaigns = false), &held).pause_campaigns);
    assert!(!Effects::of(&plan(|_| ()), &held).pause_campaigns);
}

#[test]
fn done_once_nothing_is_left_to_do() {
    use InstanceState::{Connected, Loose, SuspendedByPlan};
    let two = plan(|it| it.limits.max_instances = Some(2));
    let mut held = instances(&[Loose, Connected, Loose, Connected, SuspendedByPlan]);
    let first = Effects::of(&two, &held);
    for it in &mut held.instances {
        if first.suspend.contains(&it.id) {
            it.state = SuspendedByPlan;
        }
    }
    assert!(Effects::of(&two, &held).is_empty());
}
