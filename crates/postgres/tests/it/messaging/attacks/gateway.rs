//! A gateway that can be dead, away or odd.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use msgflash_messaging::provider::{
    Accepted, Address, Echo, FoundSent, LinkState, MockWhatsAppProvider, SendFailure, SentRecord,
};

use crate::stage::NOW;

/// A gateway that takes everything and counts.
pub(super) struct Gateway {
    pub(super) dead: AtomicBool,
    pub(super) down: AtomicBool,
    sent: AtomicUsize,
    key: Box<dyn Fn(usize) -> String + Send + Sync>,
}

impl Gateway {
    pub(super) fn new(key: impl Fn(usize) -> String + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            dead: AtomicBool::new(false),
            down: AtomicBool::new(false),
            sent: AtomicUsize::new(0),
            key: Box::new(key),
        })
    }

    pub(super) fn sent(&self) -> usize {
        self.sent.load(Ordering::SeqCst)
    }

    /// What a call comes to.
    fn take(&self) -> Result<Accepted, SendFailure> {
        if self.down.load(Ordering::SeqCst) {
            return Err(SendFailure::GatewayDown("refused".into()));
        }
        if self.dead.load(Ordering::SeqCst) {
            return Err(SendFailure::NotConnected("400 Connection Closed".into()));
        }
        let n = self.sent.fetch_add(1, Ordering::SeqCst);
        Ok(Accepted {
            key_id: Some((self.key)(n)),
            address: None,
        })
    }

    /// It as the engine sees it, with what sending and looking up call for.
    pub(super) fn provider(self: &Arc<Self>) -> Arc<MockWhatsAppProvider> {
        let mut provider = MockWhatsAppProvider::new();
        provider.expect_state().returning(|_| Ok(LinkState::Open));
        provider.expect_restart().returning(|_| Ok(()));
        let gateway = Arc::clone(self);
        provider.expect_send().returning(move |_, _| gateway.take());
        provider
            .expect_expected_echo()
            .returning(|_| text(Some("Hello")));
        // What is still under way is not stored yet.
        provider.expect_find_sent().returning(|_, _, _, _| {
            Ok(FoundSent {
                records: vec![],
                is_whole: true,
            })
        });
        provider.expect_find_by_key().returning(|_, key| {
            Ok(Some(SentRecord {
                key_id: key.to_owned(),
                address: Address::Other,
                echo: text(None),
                at: NOW,
                receipt: None,
            }))
        });
        Arc::new(provider)
    }
}

fn text(of: Option<&str>) -> Echo {
    Echo {
        kind: "text",
        text: of.map(str::to_owned),
    }
}
