//! Sends over HTTP: as fast as the answers come, or at fixed moments whatever comes back.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use tokio::sync::Semaphore;

use crate::http::{Connection, find};
use crate::scene;
use crate::stats::Dice;

/// Whom to call, and as whom.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// The API.
    pub(crate) address: SocketAddr,
    /// How many tenants take turns.
    pub(crate) tenants: u32,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Fired {
    /// Messages accepted in all, the warm-up included.
    pub(crate) accepted: u64,
    /// Messages accepted per second, the warm-up excluded.
    pub(crate) per_second: f64,
    /// From the intended start to the answer in microseconds, the warm-up excluded.
    pub(crate) latencies: Vec<u64>,
    /// The same with their moments.
    pub(crate) timed: Vec<Timed>,
}

/// One message that was accepted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timed {
    /// Its intended start, in microseconds behind the warm-up.
    pub(crate) at: u64,
    /// From then to the answer, in microseconds.
    pub(crate) took: u64,
}

/// Writes the request of message `n`; every one has an idempotency key of its own.
pub(crate) fn request(buffer: &mut Vec<u8>, target: &Target, n: u64, tenant: u32) -> Result<()> {
    let instance = scene::instance(tenant);
    let body_length = BODY.len() + instance.len() + NUMBER_LENGTH;
    buffer.clear();
    write!(
        buffer,
        "POST /api/v1/messages/send HTTP/1.1\r\nHost: {}\r\nx-api-key: {}\r\n\
         Idempotency-Key: bench-{n:012}\r\nContent-Type: application/json\r\n\
         Content-Length: {body_length}\r\n\r\n\
         {{\"instanceId\":\"{instance}\",\"to\":\"+336{:08}\",\"type\":\"text\",\
         \"text\":\"Your parcel is ready.\"}}",
        target.address,
        scene::key(tenant),
        n % 100_000_000,
    )?;
    Ok(())
}

/// The body without its two varying parts.
const BODY: &str = r#"{"instanceId":"","to":"","type":"text","text":"Your parcel is ready."}"#;
/// `+336` and eight digits.
const NUMBER_LENGTH: usize = 12;

/// `connections` clients, each sending its next message when the last one was answered.
pub(crate) async fn closed(
    target: Target,
    connections: usize,
    warm: Duration,
    length: Duration,
) -> Result<Fired> {
    on_own_thread(move || async move {
        let next = Arc::new(AtomicU64::new(0));
        let begun = Instant::now() + warm;
        let end = begun + length;
        let clients = (0..connections).map(|client| {
            let (target, next) = (target.clone(), Arc::clone(&next));
            tokio::spawn(async move {
                let mut connection = Connection::open(target.address).await?;
                let mut dice = Dice::new(client as u64 + 1);
                let (mut buffer, mut counted) = (Vec::with_capacity(1024), Vec::new());
                let mut accepted = 0;
                loop {
                    let start = Instant::now();
                    if start >= end {
                        return anyhow::Ok((accepted, counted));
                    }
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    send(&mut connection, &mut buffer, &target, n, &mut dice).await?;
                    accepted += 1;
                    let now = Instant::now();
                    // What was answered within the window counts, wherever it began.
                    if now >= begun && now < end {
                        counted.push(Timed {
                            at: micros(start.saturating_duration_since(begun)),
                            took: micros(now - start),
                        });
                    }
                }
            })
        });
        gather(clients, length).await
    })
    .await
}

/// Messages at moments drawn beforehand, `rate` each second on average and independent of each
/// other, as pgbench draws them. A message that no client is free for is late, and counts as late.
pub(crate) async fn open(
    target: Target,
    connections: usize,
    rate: f64,
    warm: Duration,
    length: Duration,
) -> Result<Fired> {
    let moments = Arc::new(moments(rate, (warm + length).as_secs_f64()));
    on_own_thread(move || async move {
        let due = Arc::new(Semaphore::new(0));
        let next = Arc::new(AtomicUsize::new(0));
        // Clients connect before the schedule begins.
        let begun = Instant::now() + Duration::from_millis(300);
        let clients: Vec<_> = (0..connections)
            .map(|client| {
                let (target, due, next) = (target.clone(), Arc::clone(&due), Arc::clone(&next));
                let moments = Arc::clone(&moments);
                tokio::spawn(async move {
                    let mut connection = Connection::open(target.address).await?;
                    let mut dice = Dice::new(client as u64 + 1);
                    let (mut buffer, mut counted) = (Vec::with_capacity(1024), Vec::new());
                    let mut accepted = 0;
                    loop {
                        due.acquire().await?.forget();
                        let turn = next.fetch_add(1, Ordering::Relaxed);
                        let Some(moment) = moments.get(turn) else {
                            return anyhow::Ok((accepted, counted));
                        };
                        let intended = begun + *moment;
                        send(
                            &mut connection,
                            &mut buffer,
                            &target,
                            turn as u64,
                            &mut dice,
                        )
                        .await?;
                        accepted += 1;
                        if *moment >= warm {
                            counted.push(Timed {
                                at: micros(moment.saturating_sub(warm)),
                                took: micros(intended.elapsed()),
                            });
                        }
                    }
                })
            })
            .collect();
        // A thread of its own: timers of the runtime are too coarse for a schedule like this.
        let pacer = thread::spawn(move || {
            for moment in moments.iter() {
                thread::sleep((begun + *moment).saturating_duration_since(Instant::now()));
                due.add_permits(1);
            }
            due.add_permits(connections);
        });
        let fired = gather(clients.into_iter(), length).await;
        // It ends with its schedule; a panic in it would have left the clients waiting.
        drop(pacer);
        fired
    })
    .await
}

fn moments(rate: f64, seconds: f64) -> Vec<Duration> {
    let mut dice = Dice::new(20_260_501);
    let mut at = 0.0;
    let mut moments = Vec::new();
    loop {
        at += dice.gap(1.0 / rate);
        if at >= seconds {
            return moments;
        }
        moments.push(Duration::from_secs_f64(at));
    }
}

async fn send(
    connection: &mut Connection,
    buffer: &mut Vec<u8>,
    target: &Target,
    n: u64,
    dice: &mut Dice,
) -> Result<()> {
    let tenant = u32::try_from(dice.below(u64::from(target.tenants)))?;
    request(buffer, target, n, tenant)?;
    let answer = connection.exchange(buffer).await?;
    if answer.status != 201 {
        let body = String::from_utf8_lossy(answer.body).into_owned();
        bail!("a message was answered with {}: {body}", answer.status);
    }
    Ok(())
}

/// Sends one message twice; fails unless the second answer is the first one again.
pub(crate) async fn prove_replay(target: &Target, n: u64) -> Result<()> {
    let mut connection = Connection::open(target.address).await?;
    let mut buffer = Vec::new();
    request(&mut buffer, target, n, 0)?;
    let first = connection.exchange(&buffer).await?;
    ensure!(first.status == 201, "the first answer is {}", first.status);
    let body = first.body.to_vec();
    let again = connection.exchange(&buffer).await?;
    let is_marked = find(&again.head.to_ascii_lowercase(), b"idempotent-replayed").is_some();
    ensure!(
        again.status == 201 && again.body == body && is_marked,
        "a repeated message was not answered with the first answer"
    );
    Ok(())
}

type Client = tokio::task::JoinHandle<Result<(u64, Vec<Timed>)>>;

async fn gather(clients: impl Iterator<Item = Client>, length: Duration) -> Result<Fired> {
    let clients: Vec<Client> = clients.collect();
    let (mut accepted, mut timed) = (0, Vec::new());
    for client in clients {
        let (count, counted) = client.await??;
        accepted += count;
        timed.extend(counted);
    }
    Ok(Fired {
        accepted,
        per_second: timed.len() as f64 / length.as_secs_f64(),
        latencies: timed.iter().map(|one| one.took).collect(),
        timed,
    })
}

/// One thread for all clients, so that they take no more than they need from what they measure.
async fn on_own_thread<F, W>(work: F) -> Result<Fired>
where
    F: FnOnce() -> W + Send + 'static,
    W: Future<Output = Result<Fired>>,
{
    tokio::task::spawn_blocking(move || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(work())
    })
    .await?
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_announces_the_length_it_has() {
        let target = Target {
            address: "127.0.0.1:4080".parse().unwrap(),
            tenants: 1000,
        };
        for (n, tenant) in [(0, 0), (123_456_789_012, 999)] {
            let mut buffer = Vec::new();
            request(&mut buffer, &target, n, tenant).unwrap();
            let text = String::from_utf8(buffer).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(
                head.ends_with(&format!("Content-Length: {}", body.len())),
                "{text}"
            );
            assert!(
                serde_json::from_str::<serde_json::Value>(body).is_ok(),
                "{body}"
            );
        }
    }

    #[test]
    fn a_schedule_has_the_rate_that_was_asked_for() {
        let count = moments(2_000.0, 10.0).len();
        assert!((19_400..20_600).contains(&count), "{count}");
    }
}
