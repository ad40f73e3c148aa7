//! A handle on a client's connection, to cut it without an answer, or to answer what no server would.

use std::any::Any;
use std::io::Write as _;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd as _;
use std::sync::Arc;

use actix_web::dev::Extensions;

/// The client's socket.
#[derive(Clone)]
pub(crate) struct Connection(Arc<TcpStream>);

impl Connection {
    /// Ends the connection in both directions.
    pub(crate) fn cut(&self) {
        let _ = self.0.shutdown(Shutdown::Both); // It may be gone already.
    }

    /// Writes these bytes, all at once: they are few, and nothing waits to be sent.
    pub(crate) fn say(&self, bytes: &[u8]) {
        let _ = (&*self.0).write_all(bytes); // It may be gone already.
    }
}

/// Remembers the socket of every new connection.
pub(crate) fn remember(io: &dyn Any, extensions: &mut Extensions) {
    if let Some(stream) = io.downcast_ref::<actix_web::rt::net::TcpStream>()
        && let Ok(copy) = stream.as_fd().try_clone_to_owned()
    {
        extensions.insert(Connection(Arc::new(TcpStream::from(copy))));
    }
}
