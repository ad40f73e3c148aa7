//! An account with a linked instance, and what its tests look at.

use blackbox::stack::{GATEWAY_KEY, Stack};
use blackbox::work::Ledger;
use blackbox::{Account, Client};
use msgflash_messaging::Instance;
use serde_json::{Value, json};

/// What most of these tests begin with.
pub(crate) struct Scene {
    pub(crate) stack: Stack,
    pub(crate) account: Account,
    pub(crate) instance: Instance,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::with(&[]).await
    }

    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        let stack = Stack::with(settings).await;
        let account = stack.account("pro").await;
        let instance = account.connected(&stack).await;
        Self {
            stack,
            account,
            instance,
        }
    }

    /// Sends a text to a number and answers the message's id.
    pub(crate) async fn text(&self, to: &str) -> String {
        self.account.client.text(&self.instance, to, "Hello").await
    }

    pub(crate) async fn wait(&self, id: &str, status: &str) -> Value {
        self.account.client.wait_message(id, status).await
    }

    /// Sends a text through the same lane and waits until it went all the way: whatever the lane
    /// had to do before is done, and so is what the gateway told before.
    pub(crate) async fn flush(&self) {
        let id = self.text("+33600000042").await;
        self.wait(&id, "read").await;
    }

    /// Takes the instance's webhook away: the gateway still stores everything and tells nobody.
    pub(crate) async fn be_silent(&self) {
        let hook = json!({ "webhook": { "enabled": false, "url": self.stack.base, "events": [] } });
        let gateway = Client::new(&self.stack.simulator.url(), None).header("apikey", GATEWAY_KEY);
        let path = format!("/webhook/set/{}", self.instance.session);
        assert_eq!(gateway.post(&path, &hook).await.status, 201);
    }

    /// Nothing is promised any more, and this was used and given back.
    pub(crate) async fn assert_ledger(&self, used: i64, released: i64) {
        let ledger = self.stack.ledger(&self.account).await;
        assert_eq!(
            ledger,
            Ledger {
                used,
                reserved: 0,
                released
            }
        );
    }

    /// How often each event of the life of a message was told.
    pub(crate) async fn told(&self, id: &str) -> [i64; 4] {
        let mut counts = [0; 4];
        let names = [
            "message.sent",
            "message.delivered",
            "message.read",
            "message.failed",
        ];
        for (count, name) in counts.iter_mut().zip(names) {
            *count = self.stack.told(name, id).await;
        }
        counts
    }
}
