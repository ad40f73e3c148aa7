//! The gateway's port: listened on, or closed and still ours.

use std::io;
use std::net::{SocketAddr, TcpListener};

use tokio::net::TcpSocket;

/// An address that stays taken while nobody listens on it, so that connections are refused and no
/// other program moves in.
pub(crate) struct Door {
    address: SocketAddr,
    /// Bound and never listening. `None` where the system allows one socket per address only:
    /// there the port is free while it is closed.
    _place: Option<TcpSocket>,
}

impl Door {
    /// Takes an address and listens on it.
    pub(crate) fn open(bind: SocketAddr) -> io::Result<(Self, TcpListener)> {
        let place = if bind.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        // Without this the listener beside it would be refused.
        place.set_reuseaddr(true)?;
        place.bind(bind)?;
        let address = place.local_addr()?;
        let (place, listener) = if let Ok(listener) = TcpListener::bind(address) {
            (Some(place), listener)
        } else {
            drop(place);
            (None, TcpListener::bind(address)?)
        };
        let door = Self {
            address,
            _place: place,
        };
        Ok((door, listener))
    }

    /// Listens again after the last listener was closed.
    pub(crate) fn reopen(&self) -> io::Result<TcpListener> {
        TcpListener::bind(self.address)
    }
}
