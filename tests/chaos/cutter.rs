//! A way to the database whose connections can be cut.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use blackbox::Dice;
use tokio::net::{TcpListener, UnixStream};
use tokio::task::{AbortHandle, JoinHandle};

/// Forwards connections on a port to the socket of a database.
pub(crate) struct Cutter {
    url: String,
    open: Arc<Mutex<Vec<AbortHandle>>>,
    flow: JoinHandle<()>,
}

impl Cutter {
    /// One before the server with this URL, which names the folder of its socket as the host.
    pub(crate) async fn before(url: &str) -> Self {
        let (user, rest) = url.split_once('@').expect("a user");
        let (host, rest) = rest.split_once('/').expect("a database");
        let folder = host.replace("%2F", "/");
        let database = rest.split('?').next().unwrap_or(rest);
        let socket = PathBuf::from(folder).join(".s.PGSQL.5432");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let open = Arc::new(Mutex::new(Vec::<AbortHandle>::new()));
        let handles = Arc::clone(&open);
        let flow = tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let socket = socket.clone();
                let pipe = tokio::spawn(async move {
                    if let Ok(mut far) = UnixStream::connect(&socket).await {
                        let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                    }
                });
                let mut handles = handles.lock().expect("unpoisoned");
                handles.retain(|handle| !handle.is_finished());
                handles.push(pipe.abort_handle());
            }
        });
        Self {
            url: format!("{user}@{address}/{database}?sslmode=disable"),
            open,
            flow,
        }
    }

    /// Where the processes connect.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Cuts about every other connection; answers how many.
    pub(crate) fn cut(&self, dice: &mut Dice) -> usize {
        let open = self.open.lock().expect("unpoisoned");
        let mut cut = 0;
        for handle in open.iter().filter(|handle| !handle.is_finished()) {
            if dice.roll(2) == 0 {
                handle.abort();
                cut += 1;
            }
        }
        cut
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        self.flow.abort();
    }
}
