//! What can go wrong.

use msgflash_testkit::RedisServer;

use crate::faults::{Fault, tampering};
use crate::stage::{SHARED_LIMIT, Shape};

/// One thing that goes wrong, and where.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) fault: Fault,
    pub(crate) shape: Shape,
    /// By their names in `msgflash.toml`.
    pub(crate) settings: &'static [(&'static str, &'static str)],
    /// Whether connections to the database pass where they can be cut.
    pub(crate) is_proxied: bool,
    /// Whether it is nothing without a Redis. Several processes share one where there is one.
    pub(crate) has_redis: bool,
    /// Whether no client may notice.
    pub(crate) is_seamless: bool,
}

impl Scenario {
    /// What this machine lacks for it.
    pub(crate) fn lack(&self) -> Option<&'static str> {
        if self.has_redis && !RedisServer::is_here() {
            return Some("there is no Redis or Valkey here");
        }
        let needs = matches!(self.fault, Fault::Clock | Fault::DiskFull);
        (needs && tampering().is_none())
            .then_some("it needs the library that ./run chaos builds, and a C compiler for that")
    }
}

const ONE: Shape = Shape {
    apis: 1,
    workers: 1,
};
const MANY: Shape = Shape {
    apis: 3,
    workers: 2,
};

const PLAIN: Scenario = Scenario {
    name: "calm",
    about: "nothing goes wrong",
    fault: Fault::Nothing,
    shape: ONE,
    settings: &[],
    is_proxied: false,
    has_redis: false,
    is_seamless: true,
};

/// One where clients notice.
const ROUGH: Scenario = Scenario {
    is_seamless: false,
    ..PLAIN
};

pub(crate) const SCENARIOS: &[Scenario] = &[
    PLAIN,
    Scenario {
        name: "kill-api",
        about: "SIGKILL of the API at random moments",
        fault: Fault::Kill {
            api: true,
            worker: false,
        },
        ..ROUGH
    },
    Scenario {
        name: "kill-worker",
        about: "SIGKILL of the worker at random moments",
        fault: Fault::Kill {
            api: false,
            worker: true,
        },
        ..ROUGH
    },
    Scenario {
        name: "kill-both",
        about: "SIGKILL of both at random moments",
        fault: Fault::Kill {
            api: true,
            worker: true,
        },
        ..ROUGH
    },
    Scenario {
        name: "kill-any-of-many",
        about: "three API processes and two workers; any of them is killed",
        fault: Fault::Kill {
            api: true,
            worker: true,
        },
        shape: MANY,
        ..ROUGH
    },
    Scenario {
        name: "kill-with-redis",
        about: "the same, and so is the Redis they share their rate windows in",
        fault: Fault::KillWithRedis,
        shape: MANY,
        settings: &[("rate_limit_per_second", SHARED_LIMIT.1)],
        has_redis: true,
        ..ROUGH
    },
    Scenario {
        name: "terminate",
        about: "SIGTERM in the middle, of one process after the other",
        fault: Fault::Terminate,
        ..ROUGH
    },
    Scenario {
        name: "rolling-restart",
        about: "three API processes and two workers are replaced; no request fails",
        fault: Fault::Rolling,
        shape: MANY,
        is_seamless: true,
        ..ROUGH
    },
    Scenario {
        name: "database-crash",
        about: "PostgreSQL stops as by `pg_ctl stop -m immediate` and starts again",
        fault: Fault::DatabaseCrash,
        ..ROUGH
    },
    Scenario {
        name: "database-pause",
        about: "PostgreSQL answers nothing for 30 s",
        fault: Fault::DatabasePause,
        ..ROUGH
    },
    Scenario {
        name: "database-cuts",
        about: "connections to PostgreSQL are cut, every other one again and again",
        fault: Fault::DatabaseCuts,
        is_proxied: true,
        ..ROUGH
    },
    Scenario {
        name: "pool-exhausted",
        about: "each process has two connections to PostgreSQL",
        fault: Fault::PoolExhausted,
        settings: &[("database_pool", "2")],
        ..ROUGH
    },
    Scenario {
        name: "disk-full",
        about: "PostgreSQL cannot write: no space left on device",
        fault: Fault::DiskFull,
        ..ROUGH
    },
    Scenario {
        name: "gateway-away",
        about: "the gateway refuses connections, comes back cold, restarts",
        fault: Fault::GatewayAway,
        ..ROUGH
    },
    Scenario {
        name: "gateway-ill",
        about: "the gateway hangs, answers late or twice, cuts, says 500, 503 and what is not true",
        fault: Fault::GatewayIll,
        ..ROUGH
    },
    Scenario {
        name: "receipts",
        about: "receipts come twice, in any order, and before the answer",
        fault: Fault::Receipts,
        ..ROUGH
    },
    Scenario {
        name: "clock",
        about: "the clocks of the processes are set forward and back",
        fault: Fault::Clock,
        ..ROUGH
    },
    Scenario {
        name: "receivers",
        about: "webhook receivers are dead, slow, redirect, say 410, send much, never close",
        fault: Fault::Receivers,
        ..ROUGH
    },
];
