//! How a simulator starts.

use std::net::{Ipv4Addr, SocketAddr};

use crate::gateway::Version;

/// What can be chosen at the start. Most of it can be changed later through the control API.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; port 0 picks a free one.
    pub bind: SocketAddr,
    /// Where the control API listens besides; port 0 picks a free one. With it the gateway's own
    /// port is really closed while the gateway is down; without it, connections are cut.
    pub control_bind: Option<SocketAddr>,
    /// The global key.
    pub api_key: String,
    /// Multiplies every simulated delay; 0 switches delays off.
    pub time_scale: f64,
    /// QR codes are scanned by themselves after 1-3 simulated seconds.
    pub auto_scan: bool,
    /// Where random ids and delays come from: one seed, one sequence.
    pub seed: u64,
    /// Which release to imitate.
    pub version: Version,
    /// Whether the numbers of [`crate::SPECIAL_NUMBERS`] fail by themselves.
    pub special_numbers: bool,
    /// Threads that answer requests.
    pub workers: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            control_bind: None,
            api_key: "simulator-key".to_owned(),
            time_scale: 1.0,
            auto_scan: false,
            seed: 1,
            version: Version::Stable,
            special_numbers: true,
            workers: 2,
        }
    }
}
