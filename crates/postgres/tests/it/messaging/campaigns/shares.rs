//! What an audience's people did with a number.

use msgflash_messaging::campaign::ports::{AudienceReader as _, AudienceShare};
use msgflash_messaging::{InstanceId, Message, MessageStatus};
use serde_json::{Map, Value};

use super::*;
use crate::messaging::sample::{insert, instance_of, message};

/// A message between an instance and somebody.
fn exchanged(scene: &Scene, with: InstanceId, n: u32, status: MessageStatus) -> Message {
    let inbound = status == MessageStatus::Received;
    Message {
        inbound,
        status,
        ..message(scene.workspace, with, phone(n))
    }
}

/// A message to somebody that failed for this reason.
fn failed(scene: &Scene, n: u32, code: &str) -> Message {
    Message {
        meta: Map::from_iter([("code".to_owned(), Value::from(code))]),
        ..exchanged(scene, scene.instance.id, n, MessageStatus::Failed)
    }
}

#[tokio::test]
async fn people_are_warm_cold_unknown_or_blocked_by_what_passed_between_them() {
    use MessageStatus::{Cancelled, Delivered, Queued, Received, Sent};
    let scene = Scene::new().await;
    let people = scene.contacts(0..10).await;
    let here = scene.instance.id;
    let there = instance_of(&scene.stage, scene.workspace).await.id;
    let old = |it: Message| Message {
        created_at: NOW - Duration::days(31),
        ..it
    };
    let with = |n, status| exchanged(&scene, here, n, status);
    let unreachable = |n| failed(&scene, n, "INVALID_DESTINATION");
    insert(
        scene.postgres(),
        &[
            // 0 wrote; 1 wrote long ago; 2 wrote to another number.
            with(0, Received),
            old(with(1, Received)),
            exchanged(&scene, there, 2, Received),
            // 3 was written to; 4 will be; 5 would have been.
            with(3, Delivered),
            with(4, Queued),
            with(5, Cancelled),
            // The last two to 6 failed; those to 7 not both; only one to 8.
            with(6, Sent),
            unreachable(6),
            unreachable(6),
            unreachable(7),
            unreachable(7),
            with(7, Sent),
            unreachable(8),
            // And 9 wrote after two failures.
            unreachable(9),
            unreachable(9),
            with(9, Received),
        ],
    )
    .await;
    let share = async |audience: Audience| {
        let asked = scene.postgres();
        let share = asked.share(scene.workspace.id, here, &audience, NOW).await;
        share.expect("read")
    };
    let expected = AudienceShare {
        total: 10,
        warm: 2,
        cold: 4,
        unknown: 3,
        blocked: 1,
    };
    assert_eq!(share(Audience::All).await, expected);
    scene.tag("some", &people[..4]).await;
    scene.tag("more", &people[2..6]).await;
    let tags = Audience::Tags(vec!["some".into(), "more".into()]);
    let some = AudienceShare {
        total: 6,
        warm: 1,
        cold: 4,
        unknown: 1,
        blocked: 0,
    };
    assert_eq!(share(tags).await, some);
    let explicit = Audience::Explicit(ids(&[people[6], people[0], people[6]]));
    let two = AudienceShare {
        total: 2,
        warm: 1,
        blocked: 1,
        ..AudienceShare::default()
    };
    assert_eq!(share(explicit).await, two);
    let group = Audience::Group(Id::new(scene.group(&people[8..]).await));
    let last = AudienceShare {
        total: 2,
        warm: 1,
        unknown: 1,
        ..AudienceShare::default()
    };
    assert_eq!(share(group).await, last);
}

#[tokio::test]
async fn a_failure_that_says_nothing_of_the_recipient_does_not_count() {
    let scene = Scene::new().await;
    scene.contacts(0..4).await;
    let with = |n, code| failed(&scene, n, code);
    let here = scene.instance.id;
    insert(
        scene.postgres(),
        &[
            // Nothing ever left for 0 and 1: they are strangers.
            with(0, "TEMPLATE_VARIABLES_MISSING"),
            with(0, "TEMPLATE_VARIABLES_MISSING"),
            with(1, "INSTANCE_NOT_CONNECTED"),
            with(1, "INSTANCE_NOT_CONNECTED"),
            // 2 was written to before; 3 has no WhatsApp, whatever failed since.
            exchanged(&scene, here, 2, MessageStatus::Delivered),
            with(2, "PROVIDER_UNAVAILABLE"),
            with(2, "MONTHLY_OUTBOUND_QUOTA_EXCEEDED"),
            with(3, "INVALID_DESTINATION"),
            with(3, "INVALID_DESTINATION"),
            with(3, "INSTANCE_NOT_CONNECTED"),
        ],
    )
    .await;
    let share = scene
        .postgres()
        .share(scene.workspace.id, here, &Audience::All, NOW)
        .await;
    let expected = AudienceShare {
        total: 4,
        warm: 0,
        cold: 2,
        unknown: 1,
        blocked: 1,
    };
    assert_eq!(share.expect("read"), expected);
}

#[tokio::test]
async fn a_large_audience_is_judged_by_some_and_the_classes_add_up() {
    const PEOPLE: u32 = 12_000;
    let scene = Scene::new().await;
    scene.contacts(0..PEOPLE).await;
    let wrote: Vec<_> = (0..PEOPLE / 2)
        .map(|n| exchanged(&scene, scene.instance.id, n, MessageStatus::Received))
        .collect();
    insert(scene.postgres(), &wrote).await;
    let (workspace, instance) = (scene.workspace.id, scene.instance.id);
    let share = scene
        .postgres()
        .share(workspace, instance, &Audience::All, NOW)
        .await;
    let share = share.expect("read");
    assert_eq!(share.total, u64::from(PEOPLE));
    let classes = share.warm + share.cold + share.unknown + share.blocked;
    assert_eq!(classes, share.total);
    let half = share.total / 2;
    assert!(share.warm.abs_diff(half) < half / 5, "{share:?}");
}
