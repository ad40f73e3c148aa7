//! Finding `PostgreSQL`'s programs on this machine.

use std::{
    env, fmt,
    path::{Path, PathBuf},
    process::Command,
};

/// Where Debian and Ubuntu keep each major version's programs.
const DEBIAN: &str = "/usr/lib/postgresql";

/// A directory that holds a working `postgres` and the `initdb` that goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programs {
    bin: PathBuf,
    major: u32,
}

impl Programs {
    /// The first of `pg_bin`, `PATH`, the newest of Debian's versions, and `local`/bin.
    ///
    /// `pg_bin` is somebody's explicit wish: when it holds no programs, nothing else is tried.
    /// `local` is the directory `./run` downloads into.
    pub fn find(pg_bin: Option<&Path>, local: &Path) -> Result<Self, ProgramsMissing> {
        let path = env::var_os("PATH").unwrap_or_default();
        Self::search(
            pg_bin,
            &env::split_paths(&path).collect::<Vec<_>>(),
            Path::new(DEBIAN),
            local,
        )
    }

    /// The programs in exactly this directory; `None` when one is missing or does not run.
    pub fn at(bin: &Path) -> Option<Self> {
        // A lone `postgres` is often a wrapper; without its `initdb` it makes no cluster.
        if !bin.join("initdb").is_file() {
            return None;
        }
        let output = Command::new(bin.join("postgres"))
            .arg("--version")
            .output()
            .ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        let major = output
            .status
            .success()
            .then(|| major_version(&text))
            .flatten()?;
        Some(Self {
            bin: bin.to_owned(),
            major,
        })
    }

    /// The directory the programs are in.
    pub fn bin(&self) -> &Path {
        &self.bin
    }

    /// The programs' major version, such as 15.
    pub fn major(&self) -> u32 {
        self.major
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    fn search(
        pg_bin: Option<&Path>,
        path: &[PathBuf],
        debian: &Path,
        local: &Path,
    ) -> Result<Self, ProgramsMissing> {
        if let Some(wish) = pg_bin {
            return Self::at(wish).ok_or_else(|| ProgramsMissing {
                wish: Some(wish.to_owned()),
            });
        }
        path.iter()
            .find_map(|directory| Self::at(directory))
            .or_else(|| {
                newest_first(debian)
                    .iter()
                    .find_map(|directory| Self::at(directory))
            })
            .or_else(|| Self::at(&local.join("bin")))
            .ok_or(ProgramsMissing { wish: None })
    }
}

/// No `PostgreSQL` programs were found; the message says what to do about it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub struct ProgramsMissing {
    /// The directory that was asked for and does not hold them.
    wish: Option<PathBuf>,
}

impl fmt::Display for ProgramsMissing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(wish) = &self.wish {
            write!(
                out,
                "PG_BIN={} holds no working `postgres` and `initdb`: correct it, or unset it to \
                 search the usual places",
                wish.display()
            )
        } else {
            out.write_str(
                "no PostgreSQL programs found (`postgres` and `initdb` in PG_BIN, on PATH, in \
                 /usr/lib/postgresql/*/bin or in .local/pg/bin). Install the Debian or Ubuntu \
                 package `postgresql` (apt-get install postgresql), or start with `./run`, which \
                 fetches them, or set DATABASE_URL to a database of your own",
            )
        }
    }
}

/// `postgres (PostgreSQL) 15.14 (Debian …)` is 15, and `… 18beta1` is 18.
fn major_version(text: &str) -> Option<u32> {
    let (_, version) = text.split_once("(PostgreSQL) ")?;
    let end = version
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(version.len());
    version[..end].parse().ok()
}

fn newest_first(debian: &Path) -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = debian
        .read_dir()
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let major = entry.file_name().to_str()?.parse().ok()?;
            Some((major, entry.path().join("bin")))
        })
        .collect();
    versions.sort_by_key(|(major, _)| std::cmp::Reverse(*major));
    versions.into_iter().map(|(_, bin)| bin).collect()
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    /// A directory with scripts that answer as the real programs do.
    fn fake(bin: &Path, version: &str) {
        fs::create_dir_all(bin).unwrap();
        for (name, body) in [
            (
                "postgres",
                format!("echo 'postgres (PostgreSQL) {version}'"),
            ),
            ("initdb", String::new()),
        ] {
            let file = bin.join(name);
            fs::write(&file, format!("#!/bin/sh\n{body}\n")).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }

    #[test]
    fn reads_the_major_version_of_every_kind_of_release() {
        assert_eq!(
            major_version("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n"),
            Some(15)
        );
        assert_eq!(major_version("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major_version("something else"), None);
    }

    #[test]
    fn takes_the_places_in_order() {
        let root = tempfile::tempdir().unwrap();
        let [wish, path, debian, local] =
            ["wish", "path", "debian", "local"].map(|name| root.path().join(name));
        let search =
            |pg_bin| Programs::search(pg_bin, std::slice::from_ref(&path), &debian, &local);

        assert!(search(None).is_err());
        fake(&local.join("bin"), "18.4");
        assert_eq!(search(None).unwrap().bin(), local.join("bin"));
        fake(&debian.join("9/bin"), "9.6");
        fake(&debian.join("16/bin"), "16.1");
        assert_eq!(search(None).unwrap().bin(), debian.join("16/bin"));
        fake(&path, "15.2");
        assert_eq!(search(None).unwrap().major(), 15);
        fake(&wish, "17.0");
        assert_eq!(search(Some(&wish)).unwrap().bin(), wish);
    }

    #[test]
    fn passes_over_a_wrapper_without_initdb() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("path");
        fake(&path, "15.2");
        fs::remove_file(path.join("initdb")).unwrap();
        let local = root.path().join("local");
        fake(&local.join("bin"), "18.4");

        let found = Programs::search(None, &[path], &root.path().join("none"), &local).unwrap();

        assert_eq!(found.major(), 18);
    }

    #[test]
    fn says_what_to_install_and_does_not_pass_over_a_wrong_wish() {
        let root = tempfile::tempdir().unwrap();
        let none = root.path().join("none");

        let nothing = Programs::search(None, &[], &none, &none)
            .unwrap_err()
            .to_string();
        assert!(nothing.contains("apt-get install postgresql"), "{nothing}");
        assert!(
            nothing.contains("./run") && nothing.contains("DATABASE_URL"),
            "{nothing}"
        );

        let local = root.path().join("local");
        fake(&local.join("bin"), "18.4");
        let wrong = Programs::search(Some(&none), &[], &none, &local)
            .unwrap_err()
            .to_string();
        assert!(wrong.contains(none.to_str().unwrap()), "{wrong}");
    }
}
