//! A proxy would resolve and connect for us, unchecked.

use std::process::Command;

use super::*;

/// Where nobody listens: whoever asks it gets no answer.
const NOWHERE: &str = "http://127.0.0.1:9";

#[test]
fn a_proxy_of_the_environment_is_not_asked() {
    let mut child = Command::new(std::env::current_exe().expect("this program"));
    child.args(["--exact", "proxy::behind_a_proxy", "--ignored"]);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        child.env(name, NOWHERE).env(name.to_lowercase(), NOWHERE);
    }
    for name in ["NO_PROXY", "no_proxy", "REQUEST_METHOD"] {
        child.env_remove(name);
    }
    let done = child.output().expect("it runs");
    let told = String::from_utf8_lossy(&done.stdout);
    assert!(
        done.status.success() && told.contains("1 passed"),
        "{told}{}",
        String::from_utf8_lossy(&done.stderr)
    );
}

#[tokio::test]
#[ignore = "runs in a process of its own, whose environment names proxies"]
async fn behind_a_proxy() {
    let (port, seen) = receiver(OK, true).await;
    let url = format!("http://hooks.example.com:{port}/");
    let answer = sender(true, &["127.0.0.1"]).post(&request(&url)).await;
    assert_eq!(answer.map(|it| it.status), Ok(200));
    assert_eq!(seen.load(Ordering::SeqCst), 1);
}
