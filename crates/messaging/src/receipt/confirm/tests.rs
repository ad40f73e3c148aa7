//! What is asked for, what becomes of the answers, and where a look goes on.

use std::sync::Mutex;

use msgflash_kernel::{FixedClock, SequentialIds};

use super::*;
use crate::provider::MockWhatsAppProvider;
use crate::receipt::ports::{MockInbox, MockUnconfirmedStore};
use crate::testing::{NOW, instance};

/// Counts how often it was rung.
#[derive(Default)]
struct Bell(Mutex<usize>);

impl Nudge for Bell {
    fn nudge(&self) {
        *self.0.lock().expect("whole") += 1;
    }
}

fn sent(key_id: &str) -> Unconfirmed {
    Unconfirmed {
        instance: instance().id,
        session: "mf-1".into(),
        key_id: key_id.into(),
        sent_at: NOW - Duration::minutes(20),
    }
}

/// A store whose first look finds these and whose later ones are somebody else's.
fn store(found: Vec<Unconfirmed>) -> MockUnconfirmedStore {
    let mut store = MockUnconfirmedStore::new();
    store
        .expect_claim()
        .returning(move |look, until, _, now, _| {
            let ages = [10, 60, 24 * 60].map(Duration::minutes);
            assert_eq!(now - until, ages[usize::try_from(look).expect("small")]);
            Ok((look == 0).then(|| found.clone()))
        });
    store
}

async fn tick(
    store: MockUnconfirmedStore,
    provider: MockWhatsAppProvider,
    inbox: MockInbox,
) -> (Tick, usize) {
    let bell = Arc::new(Bell::default());
    let ports = ConfirmPorts {
        unconfirmed: Arc::new(store),
        provider: Arc::new(provider),
        inbox: Arc::new(inbox),
        receipts: bell.clone(),
        clock: Arc::new(FixedClock::at(NOW)),
        ids: Arc::new(SequentialIds::default()),
    };
    let ask = AskForReceipts::new(ports, Duration::minutes(10));
    let ticked = ask.tick().await.expect("the store works");
    let rung = *bell.0.lock().expect("whole");
    (ticked, rung)
}

#[tokio::test]
async fn what_the_provider_stored_comes_in_like_any_receipt_and_the_rest_stays() {
    let mut store = store(vec![sent("READ"), sent("NOTHING"), sent("GONE")]);
    let until = NOW - Duration::minutes(10);
    store
        .expect_finish()
        .times(1)
        .withf(move |look, at| (*look, *at) == (0, until))
        .returning(|_, _| Ok(()));
    let mut provider = MockWhatsAppProvider::new();
    provider
        .expect_receipts_of()
        .times(3)
        .returning(|session, key| match (session, key) {
            ("mf-1", "READ") => Ok(Some(ReceiptRank::Read)),
            ("mf-1", "GONE") => Err(ProviderError::UnknownSession),
            _ => Ok(None),
        });
    let mut inbox = MockInbox::new();
    inbox
        .expect_store()
        .times(1)
        .withf(|items| {
            let [InboxItem::Receipt(it)] = items else {
                return false;
            };
            (it.key_id.as_str(), it.rank) == ("READ", ReceiptRank::Read)
        })
        .returning(|_| Ok(()));
    assert_eq!(tick(store, provider, inbox).await, (Tick::Idle, 1));
}

#[tokio::test]
async fn a_provider_that_is_away_is_left_alone_and_nothing_is_passed_over() {
    let mut store = store(vec![sent("A"), sent("B"), sent("C")]);
    store
        .expect_resume()
        .times(1)
        .withf(|look, last, at| *look == 0 && *last == Some(sent("A")) && *at > NOW)
        .returning(|_, _, _| Ok(()));
    let mut provider = MockWhatsAppProvider::new();
    provider
        .expect_receipts_of()
        .times(2)
        .returning(|_, key| match key {
            "A" => Ok(None),
            _ => Err(ProviderError::Unavailable),
        });
    assert_eq!(
        tick(store, provider, MockInbox::new()).await,
        (Tick::Idle, 0)
    );
}

#[tokio::test]
async fn a_full_look_goes_on_at_once_behind_its_last() {
    let all: Vec<_> = (0..AT_ONCE).map(|n| sent(&format!("{n:03}"))).collect();
    let last = all.last().cloned();
    let mut store = store(all);
    store
        .expect_resume()
        .times(1)
        .withf(move |_, it, at| *it == last && *at == NOW)
        .returning(|_, _, _| Ok(()));
    let mut provider = MockWhatsAppProvider::new();
    provider.expect_receipts_of().returning(|_, _| Ok(None));
    let (ticked, _) = tick(store, provider, MockInbox::new()).await;
    assert_eq!(ticked, Tick::Did(AT_ONCE as usize));
}
