//! What lists keep and how they are read.

use msgflash_contacts::suppression::ports::{SuppressionReader as _, SuppressionUnits};
use msgflash_contacts::suppression::{OptOutChange, Source, SuppressionFilter};
use msgflash_contacts::{OptOutSettings, Suppression};
use time::Duration;

use super::{add, since, unwilling};
use crate::messaging::sample::{phone, workspace};
use crate::stage::{NOW, Stage, fresh};

#[tokio::test]
async fn a_number_is_on_a_list_once_and_stays_as_it_came() {
    let stage = Stage::new().await;
    let ours = workspace();
    let first = add(&stage.postgres, ours, &[unwilling(1), unwilling(2)]).await;
    assert_eq!(first.len(), 2);
    let later = Suppression {
        source: Source::StopWord,
        instance: Some(fresh::<()>().uuid()),
        reason: None,
        ..since(phone(1), NOW + Duration::HOUR)
    };
    let again = [later.clone(), unwilling(3), unwilling(3)];
    assert_eq!(add(&stage.postgres, ours, &again).await, [phone(3)]);
    let mut unit = SuppressionUnits::begin(&stage.postgres)
        .await
        .expect("a unit");
    for it in [
        &later,
        &Suppression {
            phone: phone(4),
            ..later.clone()
        },
    ] {
        let held = unit.suppressions().hold(ours.id, it).await;
        held.expect("held");
    }
    unit.commit().await.expect("committed");
    let find = async |n| stage.postgres.find(ours.id, phone(n)).await.expect("read");
    assert_eq!(find(1).await, Some(unwilling(1)));
    let heard = find(4).await.expect("on the list");
    assert_eq!(
        (heard.source, heard.instance),
        (later.source, later.instance)
    );
}

#[tokio::test]
async fn pages_go_on_within_thousands_of_one_moment() {
    let stage = Stage::new().await;
    let ours = workspace();
    let all: Vec<_> = (0..2500).map(unwilling).collect();
    let newer = since(phone(9000), NOW + Duration::SECOND);
    let mut heard = since(phone(9001), NOW - Duration::SECOND);
    heard.source = Source::StopWord;
    add(&stage.postgres, ours, &all).await;
    add(&stage.postgres, ours, &[heard.clone(), newer.clone()]).await;
    let page = async |filter: &SuppressionFilter, after, limit| {
        let page = stage.postgres.page(ours.id, filter, after, limit).await;
        page.expect("read")
    };
    let any = SuppressionFilter::default();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let part = page(&any, after, 1000).await;
        after = part.last().map(|it| (it.created_at, it.phone));
        seen.extend(part);
        if seen.len() >= 2502 || after.is_none() {
            break;
        }
    }
    assert_eq!((&seen[0], seen.last()), (&newer, Some(&heard)));
    let mut numbers: Vec<_> = seen.iter().map(|it| it.phone.to_i64()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 2502, "each once");
    let words = SuppressionFilter {
        source: Some(Source::StopWord),
        ..SuppressionFilter::default()
    };
    assert_eq!(page(&words, None, 10).await, [heard.clone()]);
    let both = SuppressionFilter {
        phone: Some(phone(1)),
        ..words
    };
    assert_eq!(page(&both, None, 10).await, []);
    let walked = stage.postgres.walk(ours.id, Some(phone(8999)), 10).await;
    assert_eq!(walked.expect("read"), [newer, heard]);
}

#[tokio::test]
async fn lists_of_workspaces_know_nothing_of_each_other() {
    let stage = Stage::new().await;
    let (ours, theirs) = (workspace(), workspace());
    add(&stage.postgres, ours, &[unwilling(1)]).await;
    let find = async |it| stage.postgres.find(it, phone(1)).await.expect("read");
    assert_eq!(find(theirs.id).await, None);
    let remove = async |workspace| {
        let mut unit = SuppressionUnits::begin(&stage.postgres)
            .await
            .expect("a unit");
        let removed = unit.suppressions().remove(workspace, phone(1)).await;
        unit.commit().await.expect("committed");
        removed.expect("asked")
    };
    assert!(!remove(theirs.id).await);
    assert!(find(ours.id).await.is_some());
    assert!(remove(ours.id).await);
    assert!(!remove(ours.id).await, "it is gone");
}

#[tokio::test]
async fn what_is_left_out_of_a_change_stays_whoever_changes_it() {
    let stage = Stage::new().await;
    let ours = workspace();
    let change = async |change: OptOutChange| {
        let mut unit = SuppressionUnits::begin(&stage.postgres)
            .await
            .expect("a unit");
        let set = unit.suppressions();
        let set = set.set_settings(ours.id, &change, NOW).await;
        unit.commit().await.expect("committed");
        set.expect("set")
    };
    assert_eq!(stage.postgres.settings(ours.id).await.expect("read"), None);
    let confirming = change(OptOutChange {
        confirmation: Some(Some("Bye".into())),
        ..OptOutChange::default()
    })
    .await;
    let usual = OptOutSettings::default();
    assert_eq!(confirming.stop_words, usual.stop_words);
    let worded = change(OptOutChange {
        stop_words: Some(vec![]),
        ..OptOutChange::default()
    })
    .await;
    let expected = OptOutSettings {
        stop_words: vec![],
        confirmation: Some("Bye".into()),
    };
    assert_eq!(worded, expected);
    let silent = change(OptOutChange {
        confirmation: Some(None),
        ..OptOutChange::default()
    })
    .await;
    assert_eq!(silent.confirmation, None);
    let read = stage.postgres.settings(ours.id).await;
    assert_eq!(read.expect("read"), Some(silent));
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_that_are_given_in_opposite_orders_do_not_wait_in_a_circle() {
    let stage = Stage::new().await;
    let ours = workspace();
    for round in 0..5 {
        let all: Vec<_> = (round * 300..(round + 1) * 300).map(unwilling).collect();
        let reversed: Vec<_> = all.iter().rev().cloned().collect();
        let (one, other) = tokio::join!(
            add(&stage.postgres, ours, &all),
            add(&stage.postgres, ours, &reversed),
        );
        assert_eq!(one.len() + other.len(), 300, "each is new to one of them");
    }
}
