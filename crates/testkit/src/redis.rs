//! A Redis or Valkey server, as long as its test.

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{self, Child, Command, Stdio},
    sync::{
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

/// Names the directory of the programs, as `./run test` found them.
const PROGRAMS_VARIABLE: &str = "REDIS_BIN";
/// What every version says, in a line with other words, once it listens.
const READY: &str = "ready to accept connections";
/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that keeps nothing on disk and listens on a socket of its own.
#[derive(Debug)]
pub struct RedisServer {
    program: PathBuf,
    dir: PathBuf,
    child: Option<Child>,
}

impl RedisServer {
    /// Starts one. `None` on a machine without the programs: the test then says that it was
    /// skipped, and so does `./run test`.
    pub fn start() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let Some(program) = find() else {
            eprintln!("skipped: neither valkey-server nor redis-server is on this machine");
            return None;
        };
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        // Paths of sockets are short, so it is not below the target directory.
        let dir = env::temp_dir().join(format!("msgflash-redis-{}-{count}", process::id()));
        fs::create_dir_all(&dir).expect("a directory for the server");
        let mut server = Self {
            program,
            dir,
            child: None,
        };
        server.resume();
        Some(server)
    }

    /// Whether this machine has the programs.
    pub fn is_here() -> bool {
        find().is_some()
    }

    /// Where to connect.
    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    /// Ends the server, as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Fails for one that ended, which is fine.
            drop(child.kill());
            drop(child.wait());
            drop(fs::remove_file(self.socket()));
        }
    }

    /// Starts it again where it was, empty.
    pub fn resume(&mut self) {
        self.kill();
        let child = Command::new(&self.program)
            .args(["--port", "0", "--save", "", "--appendonly", "no"])
            .arg("--unixsocket")
            .arg(self.socket())
            .arg("--dir")
            .arg(&self.dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let said = self.child.insert(child).stdout.take().expect("piped");
        let (ready, is_ready) = mpsc::channel();
        // Reads to the end, so that the server never waits for somebody to listen.
        thread::spawn(move || {
            for line in BufReader::new(said).lines().map_while(Result::ok) {
                if line.to_ascii_lowercase().contains(READY) {
                    // Nobody waits for a second such line.
                    let _ = ready.send(());
                }
            }
        });
        is_ready.recv_timeout(PATIENCE).expect("Redis starts");
        UnixStream::connect(self.socket()).expect("it listens when it says so");
    }

    /// Stops it in its tracks, or lets it go on: it keeps its connections and says nothing.
    pub fn pause(&self, pause: bool) {
        let child = self.child.as_ref().expect("a running server");
        let signal = if pause { "-STOP" } else { "-CONT" };
        let sent = Command::new("kill")
            .args([signal, &child.id().to_string()])
            .status();
        assert!(sent.is_ok_and(|status| status.success()));
    }

    fn socket(&self) -> PathBuf {
        self.dir.join("s")
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
        drop(fs::remove_dir_all(&self.dir));
    }
}

fn find() -> Option<PathBuf> {
    let chosen = env::var_os(PROGRAMS_VARIABLE).map(PathBuf::from);
    let fetched = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.local/redis/bin");
    let path = env::var_os("PATH").unwrap_or_default();
    let places: Vec<_> = chosen
        .into_iter()
        .chain(env::split_paths(&path))
        .chain([fetched])
        .collect();
    let programs = ["valkey-server", "redis-server"]
        .map(|name| places.iter().map(move |place| place.join(name)));
    programs
        .into_iter()
        .flatten()
        .find(|program| program.is_file())
}
