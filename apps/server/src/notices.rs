//! What the processes of one installation tell each other, so that nobody waits for the next look.
//!
//! A process that works rings its own bells. One that does not works none of what it accepts, so
//! it tells those that do.

use std::sync::Arc;
use std::time::Duration;

use msgflash_kernel::{AccountId, Nudge as _};
use msgflash_postgres::{CHANGED, Heard, Listening, Postgres};
use tracing::{Instrument as _, debug, info_span};

use crate::config::Roles;
use crate::principals::Principals;
use crate::workers::{Bell, Bells, Yard};

/// At most one note of one topic in this time, however much is accepted.
const GAP: Duration = Duration::from_millis(50);

/// The topic of the lanes' bell.
pub(crate) const LANES: &str = "msgflash_lanes";

/// Each bell with the topic it is rung by.
fn topics(bells: &Bells) -> [(&'static str, &Arc<Bell>); 13] {
    [
        (LANES, &bells.lanes),
        ("msgflash_receipts", &bells.receipts),
        ("msgflash_inbox", &bells.inbox),
        ("msgflash_events", &bells.events),
        ("msgflash_posts", &bells.posts),
        ("msgflash_contact_jobs", &bells.contact_jobs),
        ("msgflash_contact_imports", &bells.contact_imports),
        ("msgflash_lookups", &bells.lookups),
        ("msgflash_campaigns", &bells.campaigns),
        ("msgflash_mail_requests", &bells.mail_requests),
        ("msgflash_mails", &bells.mails),
        ("msgflash_remains", &bells.remains),
        ("msgflash_billing", &bells.billing),
    ]
}

/// Listens to what a process with these roles needs to hear.
pub(crate) fn listen(
    roles: Roles,
    postgres: &Postgres,
    bells: &Bells,
    principals: &Principals,
) -> Listening {
    let mut wanted = Vec::new();
    if roles.api {
        wanted.push(CHANGED);
    }
    if roles.worker {
        wanted.extend(topics(bells).map(|(topic, _)| topic));
    }
    let (bells, principals) = (bells.clone(), principals.clone());
    postgres.listen(&wanted, move |heard| hear(heard, &bells, &principals))
}

fn hear(heard: Heard<'_>, bells: &Bells, principals: &Principals) {
    match heard {
        Heard::Note {
            topic: CHANGED,
            payload,
        } => match AccountId::parse(payload) {
            Some(account) => principals.forget(account),
            // A change of something all share, such as a plan.
            None => principals.forget_all(),
        },
        Heard::Note { topic, .. } => {
            for (name, bell) in topics(bells) {
                if name == topic {
                    bell.nudge();
                }
            }
        }
        Heard::Gap => {
            principals.forget_all();
            for (_, bell) in topics(bells) {
                bell.nudge();
            }
        }
    }
}

/// Passes every ring of these bells on to the processes that work.
pub(crate) fn pass_on(yard: &Yard, postgres: &Postgres, bells: &Bells) {
    for (topic, bell) in topics(bells) {
        let (postgres, bell) = (postgres.clone(), Arc::clone(bell));
        let work = pass_on_each(bell, move || {
            let postgres = postgres.clone();
            async move {
                if let Err(cause) = postgres.notify(topic, "").await {
                    debug!(%cause, topic, "others were not told; they look by themselves");
                }
            }
        });
        yard.spawn_until_stopped(work.instrument(info_span!("notices", topic)));
    }
}

/// Rings during the pause after a note are one more note, at its end.
async fn pass_on_each<W: Future<Output = ()>>(bell: Arc<Bell>, tell: impl Fn() -> W) {
    loop {
        bell.heard().await;
        tell().await;
        tokio::time::sleep(GAP).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures_util::FutureExt as _;
    use msgflash_kernel::Id;
    use uuid::Uuid;

    use super::*;

    fn rung(bell: &Bell) -> bool {
        bell.heard().now_or_never().is_some()
    }

    #[test]
    fn a_note_rings_its_own_bell_alone() {
        let (bells, principals) = (Bells::default(), Principals::default());
        for (topic, _) in topics(&bells) {
            hear(Heard::Note { topic, payload: "" }, &bells, &principals);
            for (name, bell) in topics(&bells) {
                assert_eq!(rung(bell), name == topic, "{name} at {topic}");
            }
        }
        let account: AccountId = Id::new(Uuid::from_u128(1));
        let payload = account.to_string();
        let payload = payload.as_str();
        hear(
            Heard::Note {
                topic: CHANGED,
                payload,
            },
            &bells,
            &principals,
        );
        assert!(topics(&bells).iter().all(|(_, bell)| !rung(bell)));
    }

    #[test]
    fn after_a_gap_every_bell_rings() {
        let (bells, principals) = (Bells::default(), Principals::default());
        hear(Heard::Gap, &bells, &principals);
        assert!(topics(&bells).iter().all(|(_, bell)| rung(bell)));
    }

    #[tokio::test]
    async fn many_rings_are_few_notes_and_none_is_lost() {
        let (bell, told) = (Bell::new(), Arc::new(AtomicU32::new(0)));
        let counted = Arc::clone(&told);
        let passing = tokio::spawn(pass_on_each(Arc::clone(&bell), move || {
            counted.fetch_add(1, Ordering::Relaxed);
            async {}
        }));
        let begun = std::time::Instant::now();
        let mut rings = 0;
        while told.load(Ordering::Relaxed) < 3 {
            bell.nudge();
            rings += 1;
            tokio::task::yield_now().await;
        }
        // Three notes have two pauses between them.
        assert!(begun.elapsed() >= GAP * 2);
        assert!(rings > 3);
        passing.abort();
    }
}
