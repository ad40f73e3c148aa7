//! What the tests of this crate share.

use std::{
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use msgflash_local_postgres::{Options, Programs};

/// The programs `./run` has found or fetched.
pub(crate) fn programs() -> Programs {
    let wish = std::env::var_os("PG_BIN").map(PathBuf::from);
    let local = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.local/pg");
    Programs::find(wish.as_deref(), &local).expect("these tests need PostgreSQL")
}

/// A cluster nobody will miss.
pub(crate) fn options(dir: &Path) -> Options {
    let mut options = Options::new(programs(), dir.join("cluster"));
    options.durable = false;
    options.max_connections = 10;
    options
}

/// The servers whose data directory is below `dir`, the unfinished ones too.
pub(crate) fn servers_in(dir: &Path) -> Vec<u32> {
    let dir = dir.canonicalize().expect("the directory exists");
    Path::new("/proc")
        .read_dir()
        .expect("Linux")
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let place = entry.path().join("cwd").read_link().ok()?;
            (place.starts_with(&dir) && pid != std::process::id()).then_some(pid)
        })
        .collect()
}

/// Waits for something the kernel or another process will do; not for a while.
pub(crate) fn eventually(claim: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "not within 30 s: {claim}"
        );
        thread::sleep(Duration::from_millis(5));
    }
}
