//! A way to the simulator that can be shut: connections are then refused, as by a dead host.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// Forwards connections while it is open.
pub struct Tap {
    address: SocketAddr,
    flow: Option<JoinHandle<()>>,
}

impl Tap {
    /// One that is shut, on a port of its own.
    pub async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        Self {
            address,
            flow: None,
        }
    }

    /// Where it is reached.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Lets connections through to an address such as `http://127.0.0.1:8080`.
    pub async fn open(&mut self, target: &str) {
        let target = target
            .trim_start_matches("http://")
            .trim_end_matches('/')
            .to_owned();
        let listener = TcpListener::bind(self.address)
            .await
            .expect("the port is still free");
        self.flow = Some(tokio::spawn(async move {
            // Dropped with this task, and its connections with it.
            let mut connections = JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                let target = target.clone();
                connections.spawn(async move {
                    if let Ok(mut far) = TcpStream::connect(&target).await {
                        let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                    }
                });
            }
        }));
    }

    /// Cuts every connection and refuses new ones.
    pub async fn shut(&mut self) {
        if let Some(flow) = self.flow.take() {
            flow.abort();
            let _ = flow.await;
        }
    }
}
