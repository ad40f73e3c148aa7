//! From an empty directory, or one with data in it, to a server that is ready.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    cluster::{self, Options, USER},
    error::ClusterError,
    identity::Identity,
    place::{self, Place},
    postmaster::Postmaster,
};

/// How often a file or a process is looked at while waiting for it.
const GLANCE: Duration = Duration::from_millis(5);
/// Names the databases that exist, so that a warm start need not ask.
const DATABASES: &str = "databases";

/// The outcome of a start.
pub(crate) enum Booted {
    /// We started the server.
    Ours { child: Child, socket_dir: PathBuf },
    /// It was running already.
    Theirs { socket_dir: PathBuf },
}

/// Runs on the thread that will keep the server.
pub(crate) fn boot(options: &Options) -> Result<Booted, ClusterError> {
    check_name(&options.database)?;
    let identity = Identity::choose(&options.programs)?;
    let place = Place::open(&options.data_dir, &identity)?;
    let boot = Boot {
        options,
        identity,
        place,
        begun: Instant::now(),
    };
    // Held until the server is ready, so that a second start attaches instead of colliding.
    let _lock = boot.place.lock(options.start_limit)?;
    if let Some(socket_dir) = boot.running()? {
        return Ok(Booted::Theirs { socket_dir });
    }
    boot.make_cluster()?;
    boot.check_version()?;
    Postmaster::remove_mistakable(&boot.place.data);
    boot.make_database()?;
    let child = boot.serve()?;
    Ok(Booted::Ours {
        child,
        socket_dir: boot.place.socket_dir,
    })
}

struct Boot<'a> {
    options: &'a Options,
    identity: Identity,
    place: Place,
    begun: Instant,
}

impl Boot<'_> {
    /// The socket of a server that is ready; one that is just starting or stopping is waited for.
    fn running(&self) -> Result<Option<PathBuf>, ClusterError> {
        loop {
            match Postmaster::running(&self.place.data) {
                None => return Ok(None),
                Some(server) if server.is_ready => return Ok(Some(server.socket_dir)),
                Some(_) if self.is_late() => {
                    return Err(ClusterError::Busy {
                        data_dir: self.place.dir.clone(),
                        limit: self.options.start_limit,
                    });
                }
                Some(_) => thread::sleep(GLANCE),
            }
        }
    }

    /// Made under another name first: a cluster either exists completely or not at all.
    fn make_cluster(&self) -> Result<(), ClusterError> {
        if self.place.data.exists() {
            return Ok(());
        }
        let unfinished = self.place.dir.join("data.unfinished");
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished).map_err(ClusterError::file("remove", &unfinished))?;
        }
        drop(fs::remove_file(self.place.dir.join(DATABASES)));
        // C.UTF-8 knows the letters of every script; a system without it still has C.
        if self.initdb(&unfinished, "C.UTF-8").is_err() {
            drop(fs::remove_dir_all(&unfinished));
            self.initdb(&unfinished, "C")?;
        }
        fs::rename(&unfinished, &self.place.data).map_err(ClusterError::file("rename", &unfinished))
    }

    fn initdb(&self, data: &Path, locale: &str) -> Result<(), ClusterError> {
        let mut command = self.command("initdb");
        command
            .arg("--pgdata")
            .arg(data)
            .args(["--username", USER, "--encoding", "UTF8", "--locale", locale])
            .args(["--lc-messages", "C", "--data-checksums"])
            .args(["--auth-local", "trust", "--auth-host", "reject"]);
        if !self.options.durable {
            command.arg("--no-sync");
        }
        run("initdb", &mut command, "").map(drop)
    }

    fn check_version(&self) -> Result<(), ClusterError> {
        let file = self.place.data.join("PG_VERSION");
        let text = fs::read_to_string(&file).map_err(ClusterError::file("read", &file))?;
        let programs = self.options.programs.major();
        match text.trim().parse() {
            Ok(cluster) if cluster != programs => Err(ClusterError::OtherVersion {
                data_dir: self.place.dir.clone(),
                cluster,
                bin: self.options.programs.bin().to_owned(),
                programs,
            }),
            _ => Ok(()),
        }
    }

    /// Without a server and without `psql`, which not every bundle has.
    fn make_database(&self) -> Result<(), ClusterError> {
        let file = self.place.dir.join(DATABASES);
        let name = &self.options.database;
        let known = fs::read_to_string(&file).unwrap_or_default();
        if known.lines().any(|line| line == name) {
            return Ok(());
        }
        let mut command = self.command("postgres");
        command.arg("--single").arg("-D").arg(&self.place.data);
        command.args(["-c", "log_min_messages=error"]);
        if !self.options.durable {
            command.arg("-F");
        }
        command.arg("template1");
        // Single-user mode reports a failed statement, but ends well all the same.
        let said = run(
            "postgres --single",
            &mut command,
            &format!("CREATE DATABASE {name}\n"),
        )?;
        if said.contains("ERROR:") && !said.contains("already exists") {
            return Err(ClusterError::Preparation {
                program: "CREATE DATABASE",
                status: std::process::ExitStatus::default(),
                output: place::tail(&said),
            });
        }
        fs::write(&file, format!("{known}{name}\n")).map_err(ClusterError::file("write", &file))
    }

    fn serve(&self) -> Result<Child, ClusterError> {
        loop {
            match self.serve_once() {
                // The backends of a killed server take a moment to notice; their memory blocks
                // the next one for as long.
                Err(ClusterError::Exited { tail, .. })
                    if tail.contains("shared memory block") && !self.is_late() =>
                {
                    thread::sleep(GLANCE * 10);
                }
                outcome => return outcome,
            }
        }
    }

    fn serve_once(&self) -> Result<Child, ClusterError> {
        let log = self.place.fresh_log()?;
        let mut command = self.command("postgres");
        command.arg("-D").arg(&self.place.data);
        for (name, value) in self.settings() {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        let program = self.options.programs.program("postgres");
        let mut child = command
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(ClusterError::file("run", &program))?;
        loop {
            if let Ok(Some(status)) = child.try_wait() {
                let (log, tail) = (self.place.log.clone(), self.place.log_tail());
                return Err(ClusterError::Exited { status, log, tail });
            }
            let is_ready = Postmaster::running(&self.place.data)
                .is_some_and(|server| server.pid == child.id() && server.is_ready);
            if is_ready {
                return Ok(child);
            }
            if self.is_late() {
                let (log, tail) = (self.place.log.clone(), self.place.log_tail());
                cluster::end(child);
                return Err(ClusterError::NotReady {
                    limit: self.options.start_limit,
                    log,
                    tail,
                });
            }
            thread::sleep(GLANCE);
        }
    }

    fn settings(&self) -> Vec<(String, String)> {
        // The setting is a list; a quoted element may hold commas and blanks.
        let socket_dir = self
            .place
            .socket_dir
            .display()
            .to_string()
            .replace('"', "\"\"");
        let max_connections = self.options.max_connections.to_string();
        let mut settings = vec![
            ("listen_addresses", ""),
            ("port", "5432"),
            ("unix_socket_permissions", "0700"),
            ("max_connections", &max_connections),
            ("timezone", "UTC"),
            ("log_timezone", "UTC"),
            ("logging_collector", "off"),
            ("log_destination", "stderr"),
            // Statements and details of errors quote phone numbers and message texts.
            ("log_error_verbosity", "terse"),
            ("log_min_error_statement", "panic"),
        ];
        if !self.options.durable {
            settings.extend([
                ("fsync", "off"),
                ("synchronous_commit", "off"),
                ("full_page_writes", "off"),
            ]);
        }
        let mut settings: Vec<(String, String)> = settings
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        settings.push((
            "unix_socket_directories".to_owned(),
            format!("\"{socket_dir}\""),
        ));
        settings.extend(self.options.settings.iter().cloned());
        settings
    }

    fn command(&self, program: &str) -> Command {
        self.identity
            .command(&self.options.programs.program(program), &self.place.dir)
    }

    fn is_late(&self) -> bool {
        self.begun.elapsed() > self.options.start_limit
    }
}

/// Runs a program to its end and returns all it said.
fn run(name: &'static str, command: &mut Command, input: &str) -> Result<String, ClusterError> {
    let program = PathBuf::from(command.get_program());
    let failed = |source| ClusterError::File {
        action: "run",
        path: program.clone(),
        source,
    };
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ended early says why on its way out.
        drop(stdin.write_all(input.as_bytes()));
    }
    let output = child.wait_with_output().map_err(failed)?;
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    if output.status.success() {
        Ok(said)
    } else {
        Err(ClusterError::Preparation {
            program: name,
            status: output.status,
            output: place::tail(&said),
        })
    }
}

/// Names that need no quoting anywhere: in SQL, in a URL, in a shell.
fn check_name(name: &str) -> Result<(), ClusterError> {
    let is_plain = name.len() <= 63
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if is_plain {
        Ok(())
    } else {
        Err(ClusterError::DatabaseName(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_names_that_would_need_quoting() {
        for name in ["", "Upper", "9lives", "a-b", "a b", "a\"b", &"x".repeat(64)] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        assert!(check_name("msgflash_2").is_ok());
    }
}
