//! Root and ordinary users alike.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::Path,
    process::Command,
};

use msgflash_local_postgres::Cluster;

use crate::kit::{options, programs};

const DIR: &str = "LOCAL_POSTGRES_ORDINARY_DIR";
/// `nobody`, on every Linux system.
const NOBODY: u32 = 65534;

/// Not a test: what the test below runs as another user.
#[test]
#[ignore = "run by another test as another user"]
fn ordinary() {
    let Some(dir) = std::env::var_os(DIR) else {
        return;
    };
    let dir = Path::new(&dir);
    let cluster = Cluster::start(&options(dir)).unwrap();
    assert!(cluster.is_owner());
    assert_eq!(
        fs::metadata(dir.join("cluster/data")).unwrap().uid(),
        NOBODY
    );
    cluster.stop();
    fs::write(dir.join("done"), "").unwrap();
}

#[test]
fn an_ordinary_user_starts_one_too() {
    let dir = tempfile::tempdir().unwrap();
    if fs::metadata(dir.path()).unwrap().uid() != 0 {
        return; // Every other test of this binary has shown it.
    }
    // A copy, because the way to the target directory may be closed to others.
    let open = fs::Permissions::from_mode(0o755);
    fs::set_permissions(dir.path(), open.clone()).unwrap();
    let program = dir.path().join("test");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    fs::set_permissions(&program, open).unwrap();
    let home = dir.path().join("home");
    fs::create_dir(&home).unwrap();
    chown(&home, Some(NOBODY), Some(NOBODY)).unwrap();

    let as_nobody = |program: &Path| {
        let id = NOBODY.to_string();
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid", &id, "--regid", &id, "--clear-groups"])
            .arg(program);
        command.current_dir("/");
        command
    };
    let bin = programs().bin().to_owned();
    let is_open = as_nobody(&bin.join("postgres")).arg("--version").output();
    if !is_open.is_ok_and(|output| output.status.success()) {
        eprintln!(
            "skipped: no setpriv here, or {} is closed to other users",
            bin.display()
        );
        return;
    }
    let output = as_nobody(&program)
        .args(["--exact", "user::ordinary", "--ignored"])
        .env(DIR, &home)
        .env("PG_BIN", &bin)
        .output()
        .unwrap();

    assert!(
        home.join("done").exists(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}
