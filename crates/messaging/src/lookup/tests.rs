use msgflash_kernel::Fault as _;
use time::Duration;

use super::testing::*;
use super::*;
use crate::InstanceStatus;
use crate::provider::{Address, ProviderError};
use crate::testing::NOW;

mod run;

#[tokio::test]
async fn a_short_list_is_answered_in_the_order_given_and_every_number_is_asked_about_once() {
    let mut scene = Scene::default().unit(|store| {
        store
            .expect_remember()
            .times(1)
            .returning(|_, verdicts, _| {
                assert_eq!(verdicts.len(), 4);
                Ok(())
            });
        store
            .expect_insert_done()
            .times(1)
            .returning(|lookup, verdicts, invalid| {
                assert_eq!((lookup.requested, lookup.processed), (7, 7));
                assert_eq!((verdicts.len(), invalid.len()), (4, 2));
                Ok(())
            });
    });
    let brazil = phone("553187654321");
    let lid = Address::Lid("1234@lid".into());
    scene.answers = [
        (phone("5531987654321"), Some(Address::Phone(brazil))),
        (phone("33612345678"), None),
        (phone("33612345679"), Some(lid)),
    ]
    .into();
    let told = scene.told();
    let given = [
        "+5531987654321",
        "0612",
        "+33 6 12 34 56 78",
        "0033612345678",
        "+33612345679",
        "Lina",
        "351912345678",
    ];
    let started = scene.start().start(order(&given)).await.expect("done");
    let results = started.results;
    let lusitano = phone("351912345678");
    assert_eq!(
        results.on_whatsapp,
        [
            (phone("5531987654321"), brazil),
            // Known by an opaque address alone: it is reached by the number that was asked.
            (phone("33612345679"), phone("33612345679")),
            (lusitano, lusitano),
        ]
    );
    assert_eq!(results.not_on_whatsapp, [phone("33612345678")]);
    assert_eq!(results.invalid, ["0612", "Lina"]);
    assert_eq!(started.lookup.status, LookupStatus::Completed);
    assert_eq!(started.lookup.progress(), 100);
    let told = lock(&told);
    assert_eq!(
        (told.asked.len(), told.asked[0].len(), told.commits),
        (1, 4, 1)
    );
}

#[tokio::test]
async fn what_is_known_is_not_asked_about_again() {
    let mut scene = Scene::default().unit(|store| {
        store
            .expect_insert_done()
            .times(1)
            .returning(|_, _, _| Ok(()));
    });
    scene.known = vec![
        Verdict {
            asked: phone("33612345678"),
            found: None,
        },
        Verdict {
            asked: phone("33612345679"),
            found: Some(phone("33612345679")),
        },
    ];
    let told = scene.told();
    let given = order(&["+33612345679", "+33612345678"]);
    let started = scene.start().start(given).await.expect("done");
    assert_eq!(started.results.on_whatsapp.len(), 1);
    assert_eq!(started.results.not_on_whatsapp.len(), 1);
    assert!(lock(&told).asked.is_empty());
}

#[tokio::test]
async fn a_provider_that_fails_leaves_no_lookup_and_what_it_said_before_is_remembered() {
    let mut scene = Scene::default().unit(|store| {
        store
            .expect_remember()
            .times(1)
            .returning(|_, verdicts, _| {
                assert_eq!(verdicts.len(), 1);
                Ok(())
            });
    });
    scene.silent = vec![phone("33612345678")];
    let told = scene.told();
    let given = order(&["+33612345678", "+33612345679"]);
    let refused = scene.start().start(given).await.expect_err("no answer");
    assert_eq!(refused.code(), "PROVIDER_ERROR");
    assert_eq!(lock(&told).commits, 1);

    let mut scene = Scene::default().unit(|_| {});
    scene.failure = Some(ProviderError::Timeout);
    let refused = scene.start().start(order(&["+33612345678"])).await;
    assert_eq!(refused.expect_err("away").code(), "PROVIDER_TIMEOUT");
}

#[tokio::test]
async fn nobody_waits_longer_for_answers_than_a_request_may_take() {
    let scene = Scene::default().unit(|store| {
        store
            .expect_remember()
            .times(1)
            .returning(|_, verdicts, _| {
                assert_eq!(verdicts.len(), 2 * PART);
                Ok(())
            });
    });
    let told = scene.told();
    let slow = std::sync::Arc::new(SlowClock(scene.told()));
    let given = many(500);
    let given: Vec<_> = given.iter().map(String::as_str).collect();
    let refused = scene.start_by(slow).start(order(&given)).await;
    assert_eq!(refused.expect_err("too slow").code(), "PROVIDER_TIMEOUT");
    assert_eq!(lock(&told).asked.len(), 2);
}

#[tokio::test]
async fn a_thousand_numbers_are_accepted_and_one_less_is_done_at_once() {
    let scene = Scene::default().unit(|store| {
        store.expect_insert().times(1).returning(|lookup, numbers| {
            assert_eq!((lookup.requested, lookup.processed), (1000, 1));
            assert_eq!((numbers.phones.len(), numbers.invalid.len()), (999, 1));
            Ok(())
        });
    });
    let told = scene.told();
    let mut given = many(999);
    given.push("nonsense".to_owned());
    let given: Vec<_> = given.iter().map(String::as_str).collect();
    let started = scene.start().start(order(&given)).await.expect("accepted");
    assert_eq!(started.lookup.status, LookupStatus::Pending);
    assert_eq!(started.results.invalid, ["nonsense"]);
    assert!(lock(&told).asked.is_empty());

    let scene = Scene::default().unit(|store| {
        store.expect_remember().returning(|_, _, _| Ok(()));
        store
            .expect_insert_done()
            .times(1)
            .returning(|_, _, _| Ok(()));
    });
    let told = scene.told();
    let started = scene.start().start(order(&given[..999])).await;
    assert_eq!(
        started.expect("done").lookup.status,
        LookupStatus::Completed
    );
    let told = lock(&told);
    assert!(told.asked.iter().all(|part| part.len() <= PART));
    assert_eq!(told.asked.len(), 10);
}

#[tokio::test]
async fn an_instance_that_cannot_ask_is_refused_before_anybody_is_asked() {
    for (status, code) in [
        (InstanceStatus::Suspended, "FORBIDDEN"),
        (InstanceStatus::Disconnected, "BAD_REQUEST"),
        (InstanceStatus::Connecting, "BAD_REQUEST"),
    ] {
        let scene = Scene::default().with_status(status);
        let refused = scene.start().start(order(&["+33612345678"])).await;
        assert_eq!(refused.expect_err("refused").code(), code, "{status:?}");
    }
    let scene = Scene {
        instance: None,
        ..Scene::default()
    };
    let refused = scene.start().start(order(&["+33612345678"])).await;
    assert_eq!(refused.expect_err("nobody's").code(), "NOT_FOUND");
}

#[test]
fn a_yes_is_believed_for_a_week_and_a_no_for_a_day() {
    let asked = phone("33612345678");
    let until = |found| Verdict { asked, found }.lasts_until(NOW);
    assert_eq!(until(Some(asked)), NOW + Duration::days(7));
    assert_eq!(until(None), NOW + Duration::days(1));
}

#[test]
fn words_read_back() {
    for status in LookupStatus::ALL {
        assert_eq!(LookupStatus::parse(status.as_str()), Some(status));
    }
    assert_eq!(LookupStatus::parse("done"), None);
}
