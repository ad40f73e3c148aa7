//! The real `msgflash` program, as a process that can be killed.

use std::cell::RefCell;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use tokio::net::TcpStream;

use crate::eventually;

/// How long a command may take.
const LONGEST: Duration = Duration::from_mins(2);

/// What `./run chaos` puts between programs and their system.
const TAMPERING: [&str; 2] = ["LD_PRELOAD", "CHAOS_FOLDER"];

/// A running `msgflash serve`; killed when it is dropped.
pub struct Program {
    child: Child,
}

/// How a command ended, and what it said.
#[derive(Clone, Debug)]
pub struct Said {
    /// The exit code.
    pub code: i32,
    /// What it said.
    pub out: String,
    /// What it complained of.
    pub err: String,
}

impl Program {
    /// Starts it with settings by their names in `msgflash.toml`, and waits until it listens.
    pub async fn serve(settings: &[(String, String)]) -> Self {
        Self::heard(settings, Stdio::null()).await
    }

    /// The same, with its log in a file.
    pub async fn logged(settings: &[(String, String)], log: &Path) -> Self {
        let log = File::create(log).expect("a new file");
        Self::heard(settings, log.into()).await
    }

    async fn heard(settings: &[(String, String)], log: Stdio) -> Self {
        let mut command = Command::new(path());
        command.arg("serve");
        for (name, value) in settings {
            command.arg("--set").arg(format!("{name}={value}"));
        }
        // A place without a msgflash.toml, and an environment without settings.
        command.current_dir(std::env::temp_dir()).env_clear();
        let tampering =
            std::env::vars_os().filter(|(name, _)| TAMPERING.iter().any(|it| name == it));
        command
            .envs(tampering)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let child = command.spawn().expect("the program starts");
        let setting = |wanted: &str| settings.iter().find(|(name, _)| name == wanted);
        // A process without the API listens for its operators alone.
        let address = setting("bind").or_else(|| setting("ops_bind"));
        let (_, address) = address.expect("an address to listen on");
        let address: SocketAddr = address.parse().expect("an address");
        let program = RefCell::new(Self { child });
        eventually("the program listens", async || {
            let ended = program.borrow_mut().child.try_wait().expect("our child");
            assert!(ended.is_none(), "the program ended: {ended:?}");
            TcpStream::connect(address).await.ok()
        })
        .await;
        program.into_inner()
    }

    /// Ends it at once, as a power failure would.
    pub fn kill(mut self) {
        self.child.kill().expect("our child");
        self.child.wait().expect("our child");
    }

    /// Asks it to end.
    pub fn ask_to_end(&self) {
        let id = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status();
        assert!(asked.is_ok_and(|status| status.success()));
    }

    /// Runs another command with the settings of a server, and waits until it has done its work.
    pub async fn command(settings: &[(String, String)], words: &[&str]) {
        Self::said(settings, words).await;
    }

    /// The same, and what it said.
    pub async fn said(settings: &[(String, String)], words: &[&str]) -> String {
        let said = Self::tried(settings, words).await;
        assert_eq!(said.code, 0, "{words:?}: {said:?}");
        said.out
    }

    /// Runs another command, that may fail, and waits until it has ended.
    pub async fn tried(settings: &[(String, String)], words: &[&str]) -> Said {
        let mut command = tokio::process::Command::new(path());
        command.args(words);
        for (name, value) in settings {
            command.arg("--set").arg(format!("{name}={value}"));
        }
        command.current_dir(std::env::temp_dir()).env_clear();
        command.stdin(Stdio::null()).kill_on_drop(true);
        let ended = tokio::time::timeout(LONGEST, command.output()).await;
        let ended = ended.expect("it ends by itself");
        let ended = ended.expect("the program starts");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Said {
            code: ended.status.code().expect("nobody killed it"),
            out: text(ended.stdout),
            err: text(ended.stderr),
        }
    }

    /// Asks it to end, and waits until it has.
    pub async fn terminate(self) -> ExitStatus {
        self.ask_to_end();
        let program = RefCell::new(self);
        eventually("the program ends", async || {
            program.borrow_mut().child.try_wait().expect("our child")
        })
        .await
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Fails for one that ended, which is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program beside the tests; built when it is not there.
fn path() -> &'static PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let test = std::env::current_exe().expect("this program has a path");
        // target/<profile> for a program, target/<profile>/deps for a test.
        let mut target = test.parent().expect("a folder");
        if target.ends_with("deps") {
            target = target.parent().expect("target/<profile>");
        }
        let program = target.join("msgflash");
        if !program.is_file() {
            let mut build = Command::new(env!("CARGO"));
            build.args(["build", "-p", "msgflash-server", "--bin", "msgflash"]);
            build.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
            let outcome = build.status();
            assert!(
                outcome.is_ok_and(|status| status.success()),
                "cargo could not build msgflash"
            );
        }
        program
    })
}
