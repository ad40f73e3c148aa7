//! Somebody who asks for more than their plan has.

use std::sync::Arc;

use blackbox::{Client, Dice, id_of, text};
use reqwest::Method;

use super::goes_on;
use crate::history::Accepted;
use crate::stage::{QUOTA, World};

pub(super) async fn spend(world: Arc<World>, mut dice: Dice, who: u64) {
    let mut n = 0;
    let is_unmet = || world.note(|history| history.capped == 0);
    while goes_on(&world, &mut dice).await || (n < 2 * QUOTA && is_unmet()) {
        n += 1;
        let words = format!("spend {who}-{n}");
        let to = format!("+336{:02}{n:06}", 60 + who);
        let body = text(&world.capped_lane, &to, &words);
        let client = Client::new(world.base(), Some(&world.capped.key));
        let client = client.header("Idempotency-Key", &words);
        let path = "/api/v1/messages/send";
        let reply = world.insist(&client, Method::POST, path, Some(&body)).await;
        world.note(|history| match (reply.status, reply.code()) {
            (201, _) => {
                let message = Accepted { words };
                history.accepted.insert(id_of(reply.data()), message);
            }
            (429, "MONTHLY_OUTBOUND_QUOTA_EXCEEDED") => history.capped += 1,
            _ => history.wrong(format!("{words}: {reply:?}")),
        });
    }
}
