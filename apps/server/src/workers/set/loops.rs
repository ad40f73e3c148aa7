//! The loops of a worker process, each with what wakes it and what it wakes.

use std::sync::Arc;
use std::time::Duration;

use msgflash_kernel::Tick;

use super::{Bells, Work};
use crate::workers::audit::{self, Audit};
use crate::workers::comparing;
use crate::workers::sampler;
use crate::workers::{Bell, POLL, Yard};

impl Work {
    /// Starts every loop.
    pub(super) fn start(self, yard: &Yard, bells: &Bells) {
        let events = || vec![Arc::clone(&bells.events)];
        yard.run(
            "scheduler",
            Bell::new(),
            POLL,
            vec![bells.lanes.clone(), bells.events.clone()],
            each(self.scheduler, |it| async move { it.tick().await }),
        );
        yard.run_lanes(
            Arc::clone(&self.dispatcher),
            Arc::clone(&self.clock),
            bells.lanes.clone(),
            bells.woken.clone(),
            bells.events.clone(),
            self.postgres.clone(),
        );
        yard.run(
            "leases",
            Bell::new(),
            POLL,
            vec![],
            each(Arc::clone(&self.reconciler), |it| async move {
                it.expire().await
            }),
        );
        yard.run(
            "reconciler",
            Bell::new(),
            POLL,
            events(),
            each(self.reconciler, |it| async move { it.tick().await }),
        );
        yard.run(
            "receipts",
            bells.receipts.clone(),
            POLL,
            events(),
            each(self.receipts, |it| async move { it.tick().await }),
        );
        yard.run(
            "confirm",
            Bell::new(),
            self.confirm_every,
            vec![],
            each(self.confirm, |it| async move { it.tick().await }),
        );
        yard.run(
            "inbox",
            bells.inbox.clone(),
            POLL,
            events(),
            each(self.apply, |it| async move { it.tick().await }),
        );
        yard.run(
            "connections",
            Bell::new(),
            POLL * 5,
            events(),
            each(self.watch, |it| async move { it.tick().await }),
        );
        if self.has_gateway {
            yard.run(
                "comparing",
                Bell::new(),
                comparing::LOOK,
                events(),
                each(self.comparing, |it| async move { it.tick().await }),
            );
            yard.run(
                "removing",
                Bell::new(),
                POLL * 5,
                vec![],
                each(self.removing, |it| async move { it.tick().await }),
            );
        }
        yard.run(
            "fan-out",
            bells.events.clone(),
            POLL,
            vec![bells.posts.clone()],
            each(self.fan_out, |it| async move { it.tick().await }),
        );
        yard.run(
            "given-up",
            Bell::new(),
            POLL,
            vec![],
            each(Arc::clone(&self.deliverer), |it| async move {
                it.give_up().await.map(Tick::of)
            }),
        );
        yard.run_posts(self.deliverer, self.recorder, bells.posts.clone());
        yard.run(
            "contact-jobs",
            bells.contact_jobs.clone(),
            POLL,
            vec![],
            each(self.contact_jobs, |it| async move { it.tick().await }),
        );
        yard.run(
            "mail-requests",
            bells.mail_requests.clone(),
            POLL,
            vec![bells.mails.clone()],
            each(self.answer_requests, |it| async move { it.tick().await }),
        );
        if let Some(it) = self.send_mails {
            let tick = each(it, |it| async move { it.tick().await });
            yard.run("mails", bells.mails.clone(), POLL, vec![], tick);
        }
        if let Some(it) = self.forget_media {
            let tick = each(it, |it| async move { it.tick().await });
            yard.run("media", Bell::new(), POLL * 60, vec![], tick);
        }
        yard.run(
            "contact-imports",
            bells.contact_imports.clone(),
            POLL,
            vec![],
            each(self.contact_imports, |it| async move { it.tick().await }),
        );
        yard.run(
            "lookups",
            bells.lookups.clone(),
            POLL,
            vec![],
            each(self.lookups, |it| async move { it.tick().await }),
        );
        yard.run(
            "statuses",
            Bell::new(),
            POLL,
            vec![],
            each(self.statuses, |it| async move { it.tick().await }),
        );
        yard.run(
            "campaigns",
            bells.campaigns.clone(),
            self.campaigns_every,
            events(),
            each(self.campaigns, |it| async move { it.tick().await }),
        );
        yard.run(
            "remains",
            bells.remains.clone(),
            POLL * 5,
            vec![],
            each(self.remains, |it| async move { it.tick().await }),
        );
        self.billing.start(yard, bells);
        yard.run(
            "sampler",
            Bell::new(),
            sampler::EVERY,
            vec![],
            each(self.sampler, |it| async move { it.tick().await }),
        );
        yard.run("ledger", Bell::new(), audit::EVERY, vec![], {
            let (ledger, clock) = (self.postgres.clone(), Arc::clone(&self.clock));
            let it = Arc::new(Audit::new(Arc::new(ledger), clock));
            each(it, |it| async move { it.tick().await })
        });
        yard.run("sweeper", Bell::new(), Duration::from_mins(10), vec![], {
            let (it, clock) = (self.postgres, self.clock);
            move || {
                let (it, now) = (it.clone(), clock.now());
                async move { it.sweep(now).await.map(Tick::of) }
            }
        });
    }
}

/// Work that is done step by step, each with a share of what does it.
pub(super) fn each<T, W>(
    it: Arc<T>,
    step: impl Fn(Arc<T>) -> W + Send + 'static,
) -> impl Fn() -> W + Send + 'static
where
    T: Send + Sync + 'static,
{
    move || step(Arc::clone(&it))
}
