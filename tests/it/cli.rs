//! The `msgflash` program: real processes against a test database and a simulator.

mod accounts;
mod backup;
mod config;
mod help;
mod instance;
mod store;

use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::sync::OnceLock;

use blackbox::Stack;
use blackbox::stack::GATEWAY_KEY;
use serde_json::Value;
use tokio::process::{Child, Command};

/// Exit codes as `msgflash --help` tells them.
const FAILED: i32 = 1;
const USAGE: i32 = 2;
const CONFIG: i32 = 3;
const NOT_FOUND: i32 = 4;
const UNAVAILABLE: i32 = 5;

/// The program next to this test's executable; built when nobody did so before.
fn program() -> &'static PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let own = std::env::current_exe().expect("a path");
        let profile = own
            .parent()
            .and_then(|deps| deps.parent())
            .expect("target/<profile>/deps");
        let program = profile.join("msgflash");
        if !program.is_file() {
            let built = std::process::Command::new(env!("CARGO"))
                .args(["build", "-p", "msgflash-server", "--bin", "msgflash"])
                .current_dir(env!("CARGO_MANIFEST_DIR"))
                .status();
            assert!(
                built.expect("cargo runs").success(),
                "msgflash does not build"
            );
        }
        program
    })
}

/// What a command said and how it ended.
#[derive(Debug)]
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self {
            code: output.status.code().expect("not killed"),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

impl Said {
    /// Its result under `--json`.
    fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{self:?}");
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The code of its failure under `--json`.
    fn failure(&self) -> (i32, String) {
        assert!(self.out.is_empty(), "a failure is no output: {self:?}");
        // A server may have logged before it gave up.
        let line = self.err.lines().last().unwrap_or_default();
        let error: Value =
            serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {self:?}"));
        assert!(
            !error["error"]["message"]
                .as_str()
                .unwrap_or_default()
                .is_empty(),
            "{self:?}"
        );
        (
            self.code,
            error["error"]["code"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        )
    }
}

/// A directory to run in, gone with its test.
struct Shell {
    dir: PathBuf,
    env: Vec<(String, String)>,
}

impl Drop for Shell {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.dir));
    }
}

impl Shell {
    /// One without any setting.
    #[expect(clippy::disallowed_methods, reason = "a name for a directory")]
    fn bare() -> Self {
        let name = format!("msgflash-cli-{}", uuid::Uuid::new_v4().simple());
        let dir = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&dir).expect("a directory");
        Self {
            dir,
            env: Vec::new(),
        }
    }

    /// One whose commands use a stack's database and gateway.
    fn of(stack: &Stack) -> Self {
        Self::bare()
            .with("DATABASE_URL", stack.database.url())
            .with("MSGFLASH_EVOLUTION_URL", &stack.simulator.url())
            .with("MSGFLASH_EVOLUTION_API_KEY", GATEWAY_KEY)
            .with("MSGFLASH_CALLBACK_URL", &stack.base)
    }

    /// The same with one more variable.
    fn with(mut self, name: &str, value: &str) -> Self {
        self.env.retain(|(known, _)| known != name);
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.dir.join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("UTF-8").to_owned()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program());
        command
            .args(args)
            .env_clear()
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    fn spawn(&self, args: &[&str]) -> Child {
        self.command(args).spawn().expect("the program starts")
    }

    async fn run(&self, args: &[&str]) -> Said {
        let limit = std::time::Duration::from_mins(1);
        let output = tokio::time::timeout(limit, self.command(args).output()).await;
        output.expect("it ends").expect("it runs").into()
    }

    /// Its result with `--json`.
    async fn json(&self, args: &[&str]) -> Value {
        self.run(&[args, &["--json"]].concat()).await.json()
    }

    /// Its failure with `--json`.
    async fn failure(&self, args: &[&str]) -> (i32, String) {
        self.run(&[args, &["--json"]].concat()).await.failure()
    }
}
