//! The product's API, as one of its clients calls it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::http::Connection;
use crate::scene;

/// The server closes a connection that was silent for five seconds.
const SILENT: Duration = Duration::from_secs(2);

/// One caller on one connection.
pub(crate) struct Api {
    address: SocketAddr,
    connection: Connection,
    used: Instant,
}

impl Api {
    /// Connects.
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let connection = Connection::open(address).await?;
        Ok(Self {
            address,
            connection,
            used: Instant::now(),
        })
    }

    /// Opens the connection anew after a while in which SQL was counting.
    async fn keep_open(&mut self) -> Result<()> {
        if self.used.elapsed() > SILENT {
            self.connection = Connection::open(self.address).await?;
        }
        self.used = Instant::now();
        Ok(())
    }

    /// Asks; answers the body and how many milliseconds it took.
    pub(crate) async fn get(&mut self, tenant: u32, path: &str) -> Result<(Vec<u8>, f64)> {
        self.keep_open().await?;
        let request = self.request("GET", tenant, path, "");
        let begun = Instant::now();
        let answer = self.connection.exchange(request.as_bytes()).await?;
        let took = begun.elapsed().as_secs_f64() * 1_000.0;
        let text = String::from_utf8_lossy(answer.body);
        ensure!(
            answer.status == 200,
            "{path} answered {}: {text}",
            answer.status
        );
        Ok((answer.body.to_vec(), took))
    }

    /// Makes or does something; answers the body.
    pub(crate) async fn post(&mut self, tenant: u32, path: &str, body: &str) -> Result<Vec<u8>> {
        self.keep_open().await?;
        let request = self.request("POST", tenant, path, body);
        let answer = self.connection.exchange(request.as_bytes()).await?;
        let text = String::from_utf8_lossy(answer.body);
        ensure!(
            matches!(answer.status, 200 | 201),
            "{path} answered {}: {text}",
            answer.status
        );
        Ok(answer.body.to_vec())
    }

    fn request(&self, verb: &str, tenant: u32, path: &str, body: &str) -> String {
        format!(
            "{verb} {path} HTTP/1.1\r\nHost: {}\r\nx-api-key: {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            scene::key(tenant),
            body.len()
        )
    }
}
