//! A keep-alive HTTP/1.1 client that costs next to nothing: it shares two cores with what it
//! measures. It knows exactly as much of HTTP as our own server answers with.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// One connection, used for one request after the other.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What came back. The body borrows the connection's buffer.
pub(crate) struct Answer<'a> {
    /// HTTP status.
    pub(crate) status: u16,
    /// The headers as they came.
    pub(crate) head: &'a [u8],
    /// The body.
    pub(crate) body: &'a [u8],
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(4096),
        })
    }

    /// Sends a complete request and reads the complete answer.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let head = loop {
            ensure!(
                self.stream.read_buf(&mut self.buffer).await? > 0,
                "the server closed the connection"
            );
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break end + 4;
            }
        };
        let (status, length) = parse(&self.buffer[..head])?;
        let end = head + length;
        while self.buffer.len() < end {
            ensure!(
                self.stream.read_buf(&mut self.buffer).await? > 0,
                "the answer ended early"
            );
        }
        Ok(Answer {
            status,
            head: &self.buffer[..head],
            body: &self.buffer[head..end],
        })
    }

    /// Whether the server has kept it open, as far as can be seen without waiting.
    pub(crate) fn is_open(&self) -> bool {
        let mut byte = [0];
        match self.stream.try_read(&mut byte) {
            Ok(_) => false,
            Err(error) => error.kind() == std::io::ErrorKind::WouldBlock,
        }
    }
}

/// Status and body length of an answer's head.
fn parse(head: &[u8]) -> Result<(u16, usize)> {
    let text = std::str::from_utf8(head).context("the answer's head is no text")?;
    let mut lines = text.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .and_then(|word| word.parse().ok())
        .context("the answer has no status")?;
    for line in lines {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            return Ok((status, value.trim().parse()?));
        }
    }
    bail!("the answer does not tell its length")
}

/// Where `needle` begins.
pub(crate) fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len()).position(|part| part == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_tells_status_and_length_whatever_the_capitals() {
        let head = b"HTTP/1.1 201 Created\r\nX-A: b\r\nContent-LENGTH: 12\r\n\r\n";
        assert_eq!(parse(head).unwrap(), (201, 12));
        assert!(parse(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
