//! Stop words, and what is answered.

use msgflash_contacts::OptOutSettings;
use msgflash_contacts::suppression::Source;
use msgflash_quotas::Allowance;

use super::*;
use crate::instance::{Instance, InstanceStatus};
use crate::message::{Message, MessageKind};
use crate::receipt::opt_out::Said;
use crate::testing::{message, phone};

const BYE: &str = "You will not hear from us any more.";

fn said(text: &str) -> Said {
    let message = Message {
        inbound: true,
        body: Some(text.into()),
        ..message()
    };
    Said::of(&message, &instance()).expect("short")
}

/// A unit over a workspace that confirms, and expects so many opt-outs.
fn hearing(opt_outs: usize) -> Events {
    let mut unit = Events::default();
    unit.suppressions.expect_settings().times(1).returning(|_| {
        Ok(Some(OptOutSettings {
            confirmation: Some(BYE.into()),
            ..OptOutSettings::default()
        }))
    });
    unit.suppressions
        .expect_hold()
        .times(opt_outs)
        .returning(|of, it| {
            assert_eq!(of, workspace().id);
            assert_eq!((it.phone, it.source), (phone(), Source::StopWord));
            assert_eq!(it.instance, Some(instance().id.uuid()));
            Ok(())
        });
    unit
}

fn allowance(usable: bool) -> MockAllowanceReader {
    let mut allowances = MockAllowanceReader::new();
    allowances.expect_allowances().returning(move |all, _| {
        let one = Allowance {
            campaigns: true,
            usable,
            outbound: Some(10),
        };
        Ok(vec![one; all.len()])
    });
    allowances
}

async fn hear(mut unit: Events, texts: &[&str], allowances: MockAllowanceReader) -> usize {
    let said = texts.iter().map(|text| said(text)).collect();
    let apply = applying_with(Vec::new(), allowances);
    let lanes = apply.opt_out(&mut unit, said, NOW).await;
    lanes.expect("heard").len()
}

#[tokio::test]
async fn a_stop_word_is_noted_and_confirmed_to_somebody_on_the_list() {
    let mut unit = hearing(1);
    unit.rest
        .messages
        .expect_confirmed_since()
        .with(eq(workspace().id), eq(phone()), eq(NOW - Duration::DAY))
        .returning(|_, _, _| Ok(false));
    unit.rest.ledger.expect_reserve().returning(|_| Ok(vec![1]));
    unit.rest
        .messages
        .expect_insert()
        .times(1)
        .returning(|all| {
            assert_eq!(all[0].body.as_deref(), Some(BYE));
            assert_eq!(all[0].peer, Some(phone()));
            Ok(())
        });
    unit.rest.queue.expect_push().times(1).returning(|all| {
        assert!(all[0].ignores_suppression && all[0].period.is_some());
        Ok(())
    });
    assert_eq!(hear(unit, &["Stop!", "thanks"], allowance(true)).await, 1);
}

#[tokio::test]
async fn a_confirmation_is_not_repeated_and_not_sent_without_an_allowance() {
    for (lately, usable, granted) in [(true, true, 1), (false, false, 1), (false, true, 0)] {
        let mut unit = hearing(1);
        unit.rest
            .messages
            .expect_confirmed_since()
            .returning(move |_, _, _| Ok(lately));
        unit.rest
            .ledger
            .expect_reserve()
            .returning(move |_| Ok(vec![granted]));
        assert_eq!(hear(unit, &["stop"], allowance(usable)).await, 0);
    }
}

#[tokio::test]
async fn what_is_no_stop_word_changes_nothing() {
    let unit = hearing(0);
    assert_eq!(hear(unit, &["stop that", "ok"], allowance(true)).await, 0);
    let long = Message {
        body: Some("stop ".repeat(100)),
        ..message()
    };
    let captioned = Message {
        kind: MessageKind::Image,
        ..message()
    };
    for it in [long, captioned] {
        assert!(Said::of(&it, &instance()).is_none());
    }
}

#[tokio::test]
async fn a_stop_word_of_somebody_unknown_puts_nobody_on_the_list() {
    let mut unit = hearing(0);
    let stop = Message {
        peer: None,
        body: Some("stop".into()),
        ..message()
    };
    let said = Said::of(&stop, &instance()).expect("short");
    let apply = applying_with(Vec::new(), MockAllowanceReader::new());
    let lanes = apply.opt_out(&mut unit, vec![said], NOW).await;
    assert!(lanes.expect("heard").is_empty());
}

#[tokio::test]
async fn a_suspended_instance_hears_and_does_not_answer() {
    let unit = hearing(1);
    let suspended = Instance {
        status: InstanceStatus::Suspended,
        ..instance()
    };
    let stop = Message {
        body: Some("stop".into()),
        ..message()
    };
    let said = Said::of(&stop, &suspended).expect("short");
    let apply = applying_with(Vec::new(), MockAllowanceReader::new());
    let mut unit = unit;
    let lanes = apply.opt_out(&mut unit, vec![said], NOW).await;
    assert!(lanes.expect("heard").is_empty());
}
