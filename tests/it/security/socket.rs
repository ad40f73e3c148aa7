//! Bytes on a socket, and everything that comes back.

use std::time::Duration;

use blackbox::Stack;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Within this the server has said all it has to say about bytes that are all there.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn connect(stack: &Stack) -> TcpStream {
    let address = stack.base.trim_start_matches("http://");
    let socket = TcpStream::connect(address).await;
    socket.expect("the server reading")
}

/// Sends bytes and nothing after them, and answers all that comes back until the server closes.
pub(super) async fn talk(stack: &Stack, bytes: &[u8]) -> String {
    let (mut reader, mut writer) = connect(stack).await.into_split();
    let writing = async {
        // The server may close before it has read everything, which is its right.
        let _ = writer.write_all(bytes).await;
        let _ = writer.shutdown().await;
    };
    let mut heard = Vec::new();
    // A reset ends it too: what came before counts.
    let reading = async { drop(reader.read_to_end(&mut heard).await) };
    let both = async { tokio::join!(writing, reading) };
    let ended = tokio::time::timeout(PATIENCE, both).await;
    assert!(ended.is_ok(), "the server does not close");
    String::from_utf8_lossy(&heard).into_owned()
}

/// The status of each answer.
pub(super) fn statuses(heard: &str) -> Vec<&str> {
    let answers = heard.split("HTTP/1.1 ").skip(1);
    answers
        .map(|it| it.split([' ', '\r']).next().unwrap_or_default())
        .collect()
}
