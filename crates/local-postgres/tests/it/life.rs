//! Starts, attachments and ends.

use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, net::UnixStream},
    path::Path,
    thread,
};

use msgflash_local_postgres::{Cluster, ClusterError};

use crate::kit::{eventually, options, servers_in};

fn socket(dir: &Path) -> std::path::PathBuf {
    dir.join("cluster/.s.PGSQL.5432")
}

#[test]
fn starts_fresh_listens_on_its_socket_alone_and_leaves_no_process() {
    let dir = tempfile::tempdir().unwrap();

    let cluster = Cluster::start(&options(dir.path())).unwrap();

    assert!(cluster.is_owner());
    assert!(
        cluster.url().starts_with("postgresql://msgflash@%2F"),
        "{}",
        cluster.url()
    );
    assert!(cluster.url().ends_with("/msgflash"), "{}", cluster.url());
    UnixStream::connect(socket(dir.path())).unwrap();
    let log = fs::read_to_string(dir.path().join("cluster/server.log")).unwrap();
    assert!(
        log.contains("listening on Unix socket") && !log.contains("port 5432\n"),
        "{log}"
    );
    let mode = fs::metadata(dir.path().join("cluster"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);

    cluster.stop();
    assert_eq!(servers_in(dir.path()), Vec::<u32>::new());
    assert!(!socket(dir.path()).exists());
}

#[test]
fn starts_again_on_the_same_data() {
    let dir = tempfile::tempdir().unwrap();
    drop(Cluster::start(&options(dir.path())).unwrap());
    let version = dir.path().join("cluster/data/PG_VERSION");
    let made = fs::metadata(&version).unwrap().modified().unwrap();

    let cluster = Cluster::start(&options(dir.path())).unwrap();

    assert!(cluster.is_owner());
    assert_eq!(fs::metadata(&version).unwrap().modified().unwrap(), made);
}

#[test]
fn a_durable_cluster_with_settings_of_the_caller_starts() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = options(dir.path());
    options.durable = true;
    options
        .settings
        .push(("no_such_setting".to_owned(), "on".to_owned()));
    let refused = Cluster::start(&options).unwrap_err();
    assert!(matches!(refused, ClusterError::Exited { .. }), "{refused}");
    assert!(refused.to_string().contains("no_such_setting"), "{refused}");

    options.settings = vec![("work_mem".to_owned(), "8MB".to_owned())];
    Cluster::start(&options).unwrap().stop();
}

#[test]
fn a_second_start_attaches_and_its_end_stops_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let owner = Cluster::start(&options(dir.path())).unwrap();

    let guest = Cluster::start(&options(dir.path())).unwrap();

    assert!(!guest.is_owner());
    assert_eq!(guest.url(), owner.url());
    guest.stop();
    UnixStream::connect(socket(dir.path())).unwrap();
}

#[test]
fn of_many_starts_at_once_one_owns_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path());

    let clusters: Vec<Cluster> = thread::scope(|scope| {
        let starts: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| Cluster::start(&options)))
            .collect();
        starts
            .into_iter()
            .map(|start| start.join().unwrap().unwrap())
            .collect()
    });

    // The threads that asked are gone by now, and the server must not have gone with them.
    UnixStream::connect(socket(dir.path())).unwrap();
    assert_eq!(
        clusters.iter().filter(|cluster| cluster.is_owner()).count(),
        1
    );
}

#[test]
fn recovers_from_what_a_crash_left_behind() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("cluster/data");
    Cluster::start(&options(dir.path())).unwrap().stop();
    // A dead server's file, naming a process that lives and is none of ours.
    let left = format!(
        "{}\n{}\n1\n5432\n/x\n\n 1 1\nready\n",
        std::process::id(),
        data.display()
    );
    fs::write(data.join("postmaster.pid"), left).unwrap();
    fs::create_dir(dir.path().join("cluster/data.unfinished")).unwrap();

    assert!(Cluster::start(&options(dir.path())).unwrap().is_owner());
}

#[test]
fn refuses_the_data_of_another_major_version() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path());
    Cluster::start(&options).unwrap().stop();
    fs::write(dir.path().join("cluster/data/PG_VERSION"), "9\n").unwrap();

    let refused = Cluster::start(&options).unwrap_err().to_string();

    assert!(refused.contains("PostgreSQL 9,"), "{refused}");
    assert!(
        refused.contains(&format!("PostgreSQL {}.", options.programs.major())),
        "{refused}"
    );
    assert!(refused.contains("PG_BIN="), "{refused}");
    // And how to get the data into a new one.
    for command in ["msgflash backup", "msgflash restore"] {
        assert!(refused.contains(command), "{refused}");
    }
    let data = dir.path().join("cluster/data");
    assert!(data.join("base").is_dir(), "the data is left alone");
}

#[test]
fn adds_a_database_to_a_cluster_that_has_another() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = options(dir.path());
    Cluster::start(&options).unwrap().stop();

    options.database = "second".to_owned();
    let cluster = Cluster::start(&options).unwrap();

    assert!(cluster.url().ends_with("/second"));
    let known = fs::read_to_string(dir.path().join("cluster/databases")).unwrap();
    assert_eq!(known, "msgflash\nsecond\n");
}

#[test]
fn a_path_too_long_for_a_socket_moves_the_socket() {
    let dir = tempfile::tempdir().unwrap();
    let deep = dir.path().join("d".repeat(100));
    fs::create_dir(&deep).unwrap();

    let cluster = Cluster::start(&options(&deep)).unwrap();

    let guest = Cluster::start(&options(&deep)).unwrap();
    assert_eq!(guest.url(), cluster.url());
    assert!(!cluster.url().contains("ddd"), "{}", cluster.url());
    let place = cluster.url().replace("%2F", "/");
    let place = place
        .trim_start_matches("postgresql://msgflash@")
        .trim_end_matches("/msgflash");
    cluster.stop();
    eventually("the socket is gone", || fs::remove_dir(place).is_ok());
}
