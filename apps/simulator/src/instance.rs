//! One `WhatsApp` instance: what the gateway's database and memory hold about it.

use std::collections::HashSet;
use std::sync::Mutex;

use serde_json::{Map, Value};
use time::OffsetDateTime;
use tokio::sync::{Notify, watch};

use crate::book::Book;
use crate::lock;

/// A connection state, in the words of the live answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Live {
    Close,
    Connecting,
    Open,
}

impl Live {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Close => "close",
            Self::Connecting => "connecting",
            Self::Open => "open",
        }
    }
}

/// An instance. What never changes is plain; the rest sits behind two short locks.
pub(crate) struct Instance {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) token: String,
    /// The number given at creation: not necessarily the one that scans.
    pub(crate) number: Option<String>,
    pub(crate) settings: Settings,
    pub(crate) setting_id: String,
    pub(crate) created_at: String,
    state: Mutex<State>,
    book: Mutex<Book>,
    /// Ends the life of the QR code on show.
    pub(crate) next_qr: Notify,
    /// Counts changes of state, for those who wait for one.
    pub(crate) changed: watch::Sender<u64>,
}

/// The settings a create may give.
#[derive(Clone, Debug)]
pub(crate) struct Settings(pub(crate) Map<String, Value>);

/// What changes.
pub(crate) struct State {
    /// `None` while the instance is in the database but not in memory.
    pub(crate) live: Option<Live>,
    pub(crate) stored: Live,
    /// A socket object exists, connected or not.
    pub(crate) has_socket: bool,
    /// The socket is broken although the state says open.
    pub(crate) is_dead: bool,
    /// `WhatsApp` credentials are stored: no QR code is needed to connect.
    pub(crate) is_registered: bool,
    /// Which socket is the current one; a task of an older one gives up.
    pub(crate) session: u64,
    pub(crate) qr: Qr,
    pub(crate) owner: Option<Owner>,
    pub(crate) disconnection: Option<Disconnection>,
    pub(crate) webhook: Option<Webhook>,
    pub(crate) updated_at: String,
    /// Addresses the gateway need not ask `WhatsApp` about again.
    pub(crate) known: HashSet<String>,
    /// Addresses that wrote first.
    pub(crate) contacts: HashSet<String>,
}

/// The QR code on show.
#[derive(Clone, Debug, Default)]
pub(crate) struct Qr {
    pub(crate) count: u32,
    pub(crate) code: String,
    pub(crate) base64: String,
    pub(crate) pairing_code: Option<String>,
    /// The number a pairing code is wanted for.
    pub(crate) number: Option<String>,
}

/// The account that scanned.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    pub(crate) jid: String,
    pub(crate) name: String,
    pub(crate) picture: String,
}

/// The last final disconnect.
#[derive(Clone, Debug)]
pub(crate) struct Disconnection {
    pub(crate) code: u16,
    pub(crate) object: String,
    pub(crate) at: String,
}

/// The webhook row.
#[derive(Clone, Debug)]
pub(crate) struct Webhook {
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) headers: Option<Map<String, Value>>,
    pub(crate) enabled: bool,
    pub(crate) events: Vec<String>,
    pub(crate) by_events: bool,
    pub(crate) base64: bool,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
}

/// What an instance is born with.
pub(crate) struct Birth {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) number: Option<String>,
    pub(crate) settings: Settings,
    pub(crate) setting_id: String,
    pub(crate) webhook: Option<Webhook>,
    pub(crate) at: OffsetDateTime,
}

impl Instance {
    pub(crate) fn new(birth: Birth) -> Self {
        let at = crate::clock::iso(birth.at);
        Self {
            name: birth.name,
            id: birth.id,
            token: birth.token,
            number: birth.number,
            settings: birth.settings,
            setting_id: birth.setting_id,
            created_at: at.clone(),
            state: Mutex::new(State {
                live: Some(Live::Close),
                stored: Live::Close,
                has_socket: false,
                is_dead: false,
                is_registered: false,
                session: 0,
                qr: Qr::default(),
                owner: None,
                disconnection: None,
                webhook: birth.webhook,
                updated_at: at,
                known: HashSet::new(),
                contacts: HashSet::new(),
            }),
            book: Mutex::new(Book::default()),
            next_qr: Notify::new(),
            changed: watch::Sender::new(0),
        }
    }

    /// Looks at or changes the state. Never waits inside.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut lock(&self.state))
    }

    /// Changes the state and tells those who wait for a change.
    pub(crate) fn change<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let answer = self.with(|state| {
            state.updated_at = crate::clock::iso(crate::clock::now());
            work(state)
        });
        self.changed.send_modify(|count| *count += 1);
        answer
    }

    /// Looks at or changes the message book. Never waits inside.
    pub(crate) fn book<T>(&self, work: impl FnOnce(&mut Book) -> T) -> T {
        work(&mut lock(&self.book))
    }

    pub(crate) fn live(&self) -> Option<Live> {
        self.with(|state| state.live)
    }

    /// Waits until the state satisfies the condition.
    pub(crate) async fn until(&self, condition: impl Fn(&State) -> bool) {
        let mut changes = self.changed.subscribe();
        loop {
            changes.mark_unchanged();
            if self.with(|state| condition(state)) || changes.changed().await.is_err() {
                return;
            }
        }
    }
}
