//! Posting as many messages to the simulated gateway, with nothing around it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use reqwest::Client;
use serde_json::json;

use crate::campaign::TEXT;
use crate::gateway::{Gateway, with};
use crate::receiver::Receiver;
use crate::scene;

/// Posts under way at once, as many as the product makes of a number without a pace.
pub(super) const AT_ONCE: usize = 128;
/// What the gateway tells of each message: that it left, that WhatsApp took it, that it was delivered,
/// and that it was read.
const TOLD: u64 = 4;
/// A run that takes longer than this has stopped moving.
const PATIENCE: Duration = Duration::from_mins(30);
/// How often the end of a run is looked for.
const GLANCE: Duration = Duration::from_millis(5);

/// Posts them, and answers what the gateway tells with `200`; the seconds from the first post to the
/// last answer.
pub(super) async fn run(count: u32) -> Result<f64> {
    let gateway = Gateway::start()?;
    let receiver = Receiver::start(1).await?;
    let name = scene::session(0);
    gateway.open(&name, scene::number(0)).await?;
    gateway.tell(&name, &receiver.urls[0], "secret").await?;
    let client = Client::builder().no_proxy().build();
    let client = client.context("an HTTP client")?;
    let url = format!("{}/message/sendText/{name}", gateway.url());
    let next = Arc::new(AtomicU32::new(0));
    let begun = Instant::now();
    let loops: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let (client, url, next) = (client.clone(), url.clone(), Arc::clone(&next));
            tokio::spawn(async move { post_all(&client, &url, &next, count).await })
        })
        .collect();
    for task in loops {
        task.await??;
    }
    let told = u64::from(count) * TOLD;
    while receiver.received.posts.load(Ordering::Relaxed) < told {
        ensure!(
            begun.elapsed() < PATIENCE,
            "the gateway told less than {told} things in {PATIENCE:?}"
        );
        tokio::time::sleep(GLANCE).await;
    }
    let took = begun.elapsed().as_secs_f64();
    let mut left = gateway.left(&name, TEXT).await?;
    gateway.stop().await;
    left.sort_unstable();
    left.dedup();
    let posts = receiver.received.posts.load(Ordering::Relaxed);
    ensure!(
        left.len() == count as usize && posts == told,
        "the line does not count: {} of {count} numbers were reached and {posts} of {told} things told",
        left.len()
    );
    Ok(took)
}

async fn post_all(client: &Client, url: &str, next: &AtomicU32, count: u32) -> Result<()> {
    loop {
        let turn = next.fetch_add(1, Ordering::Relaxed);
        if turn >= count {
            return Ok(());
        }
        let body =
            json!({ "number": (33_600_000_000 + i64::from(turn)).to_string(), "text": TEXT });
        let answer = with(client.post(url), &body).send().await?;
        let status = answer.status();
        let text = answer.bytes().await?;
        ensure!(
            status.as_u16() == 201,
            "the gateway answered {status}: {}",
            String::from_utf8_lossy(&text)
        );
    }
}
