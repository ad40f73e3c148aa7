//! What is left when the owner dies without a word.

use std::{
    fs,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Command, Stdio},
};

use msgflash_local_postgres::Cluster;

use crate::kit::{eventually, options, servers_in};

const DIR: &str = "LOCAL_POSTGRES_VICTIM_DIR";

/// Not a test: the process that the test below kills. It runs this binary with `--ignored`.
#[test]
#[ignore = "the victim of another test"]
fn victim() {
    let Some(dir) = std::env::var_os(DIR) else {
        return;
    };
    let dir = Path::new(&dir);
    let _cluster = Cluster::start(&options(dir)).unwrap();
    fs::write(dir.join("ready"), "").unwrap();
    loop {
        std::thread::park();
    }
}

/// Killed even when a claim about it fails.
struct Owner(Child);

impl Owner {
    fn kill(&mut self) {
        // Twice is no error worth telling.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.kill();
    }
}

#[test]
fn killing_the_owner_leaves_no_server_and_clean_data() {
    let dir = tempfile::tempdir().unwrap();
    let owner = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "orphan::victim", "--ignored"])
        .env(DIR, dir.path())
        .stdout(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    let mut owner = Owner(owner);
    eventually("the victim's server is ready", || {
        dir.path().join("ready").exists()
    });
    assert!(!servers_in(dir.path()).is_empty());

    owner.kill();

    eventually("no server is left", || servers_in(dir.path()).is_empty());
    let cluster = Cluster::start(&options(dir.path())).unwrap();
    assert!(cluster.is_owner());
    let log = fs::read_to_string(dir.path().join("cluster/server.log")).unwrap();
    assert!(!log.contains("was not properly shut down"), "{log}");
}
