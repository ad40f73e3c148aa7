//! How fast it is. Run it alone:
//! `cargo test --release -p evolution-simulator --test it bench -- --ignored --nocapture`

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use serde_json::json;

use crate::stage::{KEY, Stage};

const SENDS: usize = 20_000;
const AT_ONCE: usize = 32;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, not a claim"]
async fn bench_sends_per_second() {
    for with_webhook in [false, true] {
        let mut stage = Stage::instant();
        stage.open("one").await;
        if !with_webhook {
            let url = stage.hooks.url.clone();
            let silent = json!({ "webhook": { "enabled": false, "url": url, "events": [] } });
            stage.post("/webhook/set/one", silent).await;
        }
        let url = format!("{}/message/sendText/one", stage.simulator.url());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let next = Arc::new(AtomicUsize::new(0));
        let begun = Instant::now();
        let senders: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                let (client, next, url) = (client.clone(), Arc::clone(&next), url.clone());
                tokio::spawn(async move {
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        if at >= SENDS {
                            return;
                        }
                        let body = json!({ "number": format!("336{at:08}"), "text": "x" });
                        let request = client.post(&url).header("apikey", KEY).json(&body);
                        let answer = request.send().await.unwrap();
                        assert_eq!(answer.status(), 201);
                        answer.bytes().await.unwrap();
                    }
                })
            })
            .collect();
        for sender in senders {
            sender.await.unwrap();
        }
        let seconds = begun.elapsed().as_secs_f64();
        let mut events = 0;
        while with_webhook && events < SENDS * 4 {
            stage
                .hooks
                .until(|hook| hook.event() != "connection.update")
                .await;
            events += stage.hooks.seen().len();
            stage.hooks.forget();
        }
        let all = begun.elapsed().as_secs_f64();
        let rate = f64::from(u32::try_from(SENDS).unwrap()) / seconds;
        eprintln!("webhook {with_webhook}: {rate:.0} sends/s; all events after {all:.1} s");
    }
}
