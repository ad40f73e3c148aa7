//! The gateway as a whole: its instances, its switches, its sources of time and chance.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, RwLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use crate::chance::Chance;
use crate::fault::{Faults, Injection, Phase};
use crate::instance::Instance;
use crate::log::{Log, Posted, Received};
use crate::pace::Pace;
use crate::recipient::Recipients;
use crate::{Options, lock, read, special, write};

/// Webhook posts in flight at once.
const POSTS_AT_ONCE: usize = 512;

/// Which release the simulator imitates.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Version {
    /// The stable release everything is recorded from.
    #[serde(rename = "2.3.7")]
    Stable,
    /// The release candidate with the licence gate.
    #[serde(rename = "2.4.0-rc2")]
    Next,
}

impl Version {
    /// As `GET /` says it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Stable => "2.3.7",
            Self::Next => "2.4.0-rc2",
        }
    }
}

/// The switches of the gateway.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches, not states"
)]
pub(crate) struct Mode {
    pub(crate) version: Version,
    /// Only asked in the next version.
    pub(crate) is_licensed: bool,
    /// Whether the host has a route to `WhatsApp`.
    pub(crate) is_reachable: bool,
    pub(crate) auto_scan: bool,
    pub(crate) special_numbers: bool,
    /// The share of recipients who let read receipts through.
    pub(crate) read_share: f64,
    /// How many QR codes until the gateway gives up.
    pub(crate) qr_limit: u32,
}

impl Mode {
    pub(crate) fn is_next(self) -> bool {
        self.version == Version::Next
    }
}

/// Everything the handlers and the background tasks share.
pub(crate) struct Gateway {
    pub(crate) api_key: String,
    pub(crate) pace: Pace,
    pub(crate) chance: Chance,
    pub(crate) faults: Faults,
    pub(crate) recipients: Recipients,
    pub(crate) requests: Log<Received>,
    pub(crate) deliveries: Log<Posted>,
    pub(crate) http: reqwest::Client,
    /// Where background work runs: not on the workers that answer requests.
    pub(crate) tasks: Handle,
    pub(crate) posts: Semaphore,
    /// Whether the process is up; false for a moment during a simulated restart.
    pub(crate) up: watch::Sender<bool>,
    /// Whether connections are refused while it is down; they are cut otherwise.
    pub(crate) refuses: bool,
    /// Whether the gateway's port is listened on.
    pub(crate) listening: watch::Sender<bool>,
    url: OnceLock<String>,
    mode: RwLock<Mode>,
    instances: RwLock<HashMap<String, Arc<Instance>>>,
    life: Mutex<CancellationToken>,
}

impl Gateway {
    pub(crate) fn new(options: &Options, tasks: Handle) -> Result<Self, reqwest::Error> {
        // Another part of the program may have installed it: either is fine.
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(30))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self {
            api_key: options.api_key.clone(),
            pace: Pace::new(options.time_scale),
            chance: Chance::new(options.seed),
            faults: Faults::default(),
            recipients: Recipients::default(),
            requests: Log::default(),
            deliveries: Log::default(),
            http,
            tasks,
            posts: Semaphore::new(POSTS_AT_ONCE),
            up: watch::Sender::new(true),
            refuses: options.control_bind.is_some(),
            listening: watch::Sender::new(false),
            url: OnceLock::new(),
            mode: RwLock::new(Mode {
                version: options.version,
                is_licensed: true,
                is_reachable: true,
                auto_scan: options.auto_scan,
                special_numbers: options.special_numbers,
                read_share: 1.0,
                qr_limit: 30,
            }),
            instances: RwLock::default(),
            life: Mutex::default(),
        })
    }

    /// Where the gateway says it is reached.
    pub(crate) fn url(&self) -> &str {
        self.url.get().map_or("", String::as_str)
    }

    pub(crate) fn set_url(&self, url: String) {
        let _ = self.url.set(url);
    }

    pub(crate) fn mode(&self) -> Mode {
        *read(&self.mode)
    }

    pub(crate) fn change_mode(&self, change: impl FnOnce(&mut Mode)) {
        change(&mut write(&self.mode));
    }

    /// Cancelled when the simulated process ends.
    pub(crate) fn life(&self) -> CancellationToken {
        lock(&self.life).clone()
    }

    /// Does this unless that life has ended, which it cannot do meanwhile.
    pub(crate) fn within<T>(
        &self,
        life: &CancellationToken,
        work: impl FnOnce() -> T,
    ) -> Option<T> {
        let _current = lock(&self.life);
        (!life.is_cancelled()).then(work)
    }

    /// Ends the simulated process's life: everything it held in memory only is gone.
    pub(crate) fn end_life(&self) {
        std::mem::take(&mut *lock(&self.life)).cancel();
    }

    pub(crate) fn is_up(&self) -> bool {
        *self.up.borrow()
    }

    /// Waits until the simulated process is up.
    pub(crate) async fn until_up(&self) {
        if !self.is_up() {
            let _ = self.up.subscribe().wait_for(|up| *up).await;
        }
    }

    /// Ends the simulated process, and waits until its port is closed if that is how it ends.
    pub(crate) async fn go_down(&self) {
        self.end_life();
        self.up.send_replace(false);
        self.until_listening(false).await;
    }

    /// Lets the process begin anew, with what is in its database.
    pub(crate) async fn come_up(&self) {
        self.up.send_replace(true);
        self.until_listening(true).await;
    }

    async fn until_listening(&self, wanted: bool) {
        if self.refuses {
            let mut changes = self.listening.subscribe();
            let _ = changes.wait_for(|listening| *listening == wanted).await;
        }
    }

    /// Waits until the simulated process is down.
    pub(crate) async fn until_down(&self) {
        let _ = self.up.subscribe().wait_for(|up| !*up).await;
    }

    pub(crate) fn instance(&self, name: &str) -> Option<Arc<Instance>> {
        read(&self.instances).get(name).cloned()
    }

    pub(crate) fn has_instances(&self) -> bool {
        !read(&self.instances).is_empty()
    }

    /// Every instance, in the order of names.
    pub(crate) fn instances(&self) -> Vec<Arc<Instance>> {
        let mut all: Vec<_> = read(&self.instances).values().cloned().collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all
    }

    /// Keeps a new instance; `false` when the name is taken.
    pub(crate) fn insert(&self, instance: &Arc<Instance>) -> bool {
        let mut instances = write(&self.instances);
        if instances.contains_key(&instance.name) {
            return false;
        }
        instances.insert(instance.name.clone(), Arc::clone(instance));
        true
    }

    pub(crate) fn remove(&self, name: &str) -> Option<Arc<Instance>> {
        write(&self.instances).remove(name)
    }

    /// The failure that applies now, injected or carried by a special number.
    pub(crate) fn fault(
        &self,
        phase: Phase,
        instance: &str,
        address: Option<&str>,
    ) -> Option<Injection> {
        self.faults.take(phase, instance, address).or_else(|| {
            let address = address.filter(|_| self.mode().special_numbers)?;
            special::fault(phase, address)
        })
    }
}
