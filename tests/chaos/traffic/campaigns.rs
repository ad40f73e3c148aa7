//! Campaigns that are paused, resumed and cancelled.

use std::sync::Arc;
use std::time::Duration;

use blackbox::{Client, Dice, Reply, id_of, moment_in};
use reqwest::Method;
use serde_json::json;

use super::{TRIES, goes_on};
use crate::history::{Ban, Banned, STOPPED, now};
use crate::stage::World;

const CAMPAIGNS: &str = "/api/v1/campaigns";

pub(super) async fn run(world: Arc<World>, mut dice: Dice) {
    let mut n = 0;
    while goes_on(&world, &mut dice).await || (n < TRIES && world.is_untold(STOPPED)) {
        n += 1;
        let words = format!("campaign {n}");
        let body = json!({
            "name": words, "instanceId": world.campaigner.id.to_string(),
            "schedule": moment_in(Duration::ZERO), "recipients": { "type": "all" },
            "type": "text", "body": words,
        });
        let client = Client::new(world.base(), Some(&world.shop.key));
        let with_key = client.header("Idempotency-Key", &words);
        let made = world
            .insist(&with_key, Method::POST, CAMPAIGNS, Some(&body))
            .await;
        if made.status != 201 {
            world.note(|history| history.wrong(format!("{words}: {made:?}")));
            return;
        }
        let campaign = Campaign {
            id: id_of(made.data()),
            words,
        };
        let both = (campaign.id.clone(), campaign.words.clone());
        world.note(|history| history.campaigns.push(both));
        wait(&mut dice, 2000).await;
        if campaign.stop(&world, &client, "pause", "paused").await {
            wait(&mut dice, 2000).await;
            let asked = now();
            world.note(|history| history.lift(&campaign.words, asked));
            campaign.tell(&world, &client, "resume").await;
            wait(&mut dice, 1500).await;
        }
        if dice.roll(2) == 0 {
            campaign.stop(&world, &client, "cancel", "cancelled").await;
        }
    }
}

async fn wait(dice: &mut Dice, up_to: u64) {
    tokio::time::sleep(Duration::from_millis(500 + dice.roll(up_to))).await;
}

struct Campaign {
    id: String,
    words: String,
}

impl Campaign {
    /// Pauses or cancels; whether that is what became of it. From the answer on nothing may be sent.
    async fn stop(&self, world: &World, client: &Client, what: &str, becomes: &str) -> bool {
        let told = self.tell(world, client, what).await;
        let mut from = now();
        let mut state = told.data()["status"].clone();
        if told.status != 200 {
            // It may have ended, or an answer that was lost said yes.
            let path = format!("{CAMPAIGNS}/{}", self.id);
            let seen = world.insist(client, Method::GET, &path, None).await;
            from = now();
            state = seen.data()["status"].clone();
        }
        let is_stopped = state == becomes;
        if is_stopped {
            let ban = Ban {
                why: STOPPED,
                what: Banned::Words(self.words.clone()),
                from,
                until: None,
            };
            world.note(|history| history.bans.push(ban));
        }
        is_stopped
    }

    async fn tell(&self, world: &World, client: &Client, what: &str) -> Reply {
        let path = format!("{CAMPAIGNS}/{}/{what}", self.id);
        let told = world.insist(client, Method::POST, &path, None).await;
        if !matches!(told.status, 200 | 400) {
            world.note(|history| history.wrong(format!("{what}: {told:?}")));
        }
        told
    }
}
