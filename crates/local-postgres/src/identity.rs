//! As whom the server runs: `PostgreSQL` refuses uid 0, and containers often have nothing else.

use std::{
    ffi::OsStr,
    fs,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    error::ClusterError,
    programs::Programs,
    system::{self, Mapping},
};

/// As whom the server runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// As we do; we are not root.
    Ourselves,
    /// As root outside and as somebody else inside a user namespace: no file changes hands.
    Namespace(Mapping),
    /// As another user altogether, who must own the files.
    Other(Account),
}

/// A line of `/etc/passwd`, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl Identity {
    /// Tries what this system lets us do, gentlest first.
    pub(crate) fn choose(programs: &Programs) -> Result<Self, ClusterError> {
        if system::effective_uid() != 0 {
            return Ok(Self::Ourselves);
        }
        // `initdb` looks its user up by name, so the id must be one that the system knows.
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let Some(account) = unprivileged(&passwd) else {
            return Err(ClusterError::Root(
                "/etc/passwd names no other user".to_owned(),
            ));
        };
        let namespace = Self::Namespace(Mapping {
            uid: account.uid,
            gid: account.gid,
        });
        let refusal = match namespace.try_out(programs) {
            Ok(()) => return Ok(namespace),
            Err(reason) => reason,
        };
        tracing::debug!(%refusal, user = account.name, "no user namespace, changing the user");
        let name = account.name.clone();
        let other = Self::Other(account);
        match other.try_out(programs) {
            Ok(()) => Ok(other),
            Err(reason) => Err(ClusterError::Root(format!(
                "a user namespace is refused ({refusal}), and {} does not run as user {name} \
                 ({reason})",
                programs.program("postgres").display()
            ))),
        }
    }

    /// A command that runs as this identity, dies with our thread and sees none of our
    /// environment, which holds the application's secrets.
    pub(crate) fn command(&self, program: &Path, directory: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LC_ALL", "C")
            .current_dir(directory)
            .stdin(Stdio::null());
        let mapping = match self {
            Self::Ourselves => None,
            Self::Namespace(mapping) => Some(*mapping),
            Self::Other(account) => {
                command.uid(account.uid).gid(account.gid);
                None
            }
        };
        system::tie_to_us(&mut command, mapping);
        command
    }

    fn try_out(&self, programs: &Programs) -> Result<(), String> {
        let outcome = self
            .command(&programs.program("postgres"), Path::new("/"))
            .arg(OsStr::new("--version"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        match outcome {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(status.to_string()),
            Err(refused) => Err(refused.to_string()),
        }
    }
}

/// The account `PostgreSQL` usually has, else the one every system has, else anybody but root.
fn unprivileged(passwd: &str) -> Option<Account> {
    let accounts: Vec<Account> = passwd.lines().filter_map(account).collect();
    ["postgres", "nobody"]
        .iter()
        .find_map(|name| accounts.iter().find(|account| account.name == *name))
        .or_else(|| accounts.first())
        .cloned()
}

fn account(line: &str) -> Option<Account> {
    let mut fields = line.split(':');
    let name = fields.next()?.to_owned();
    let uid = fields.nth(1)?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    (uid != 0 && gid != 0).then_some(Account { name, uid, gid })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefers_the_account_of_postgresql_and_never_takes_root() {
        let system = "root:x:0:0::/root:/bin/sh\ndaemon:x:1:1::/:/sbin/nologin\n";
        let nobody = format!("{system}nobody:x:65534:65534::/:/sbin/nologin\n");
        let postgres = format!("{nobody}postgres:x:101:104:a,b:/var/lib/postgresql:/bin/bash\n");
        let name = |passwd: &str| unprivileged(passwd).map(|account| account.name);

        assert_eq!(name("root:x:0:0::/root:/bin/sh\nbroken"), None);
        assert_eq!(name(system).as_deref(), Some("daemon"));
        assert_eq!(name(&nobody).as_deref(), Some("nobody"));
        let found = unprivileged(&postgres).unwrap();
        assert_eq!((found.uid, found.gid), (101, 104));
    }
}
