//! Rebuilds the crate when a migration changes, names the set of migrations by its contents, and
//! hands their texts to those who apply them without diesel.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let folder = Path::new("../../migrations");
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut hasher = DefaultHasher::new();
    let mut steps: Vec<_> = fs::read_dir(folder)?
        .map(|step| step.map(|step| step.path()))
        .collect::<Result<_, _>>()?;
    steps.sort();
    let mut texts = String::from("pub(super) const STEPS: &[Step] = &[\n");
    for step in steps.iter().filter(|step| step.is_dir()) {
        let up = fs::canonicalize(step.join("up.sql"))?;
        let up = up.to_string_lossy();
        let name = step.file_name().unwrap_or_default().to_string_lossy();
        writeln!(
            texts,
            "    Step {{ name: {name:?}, up: include_str!({up:?}) }},"
        )
        .map_err(io::Error::other)?;
        for file in ["up.sql", "down.sql"] {
            let path = step.join(file);
            println!("cargo:rerun-if-changed={}", path.display());
            step.file_name().hash(&mut hasher);
            fs::read(path)?.hash(&mut hasher);
        }
    }
    texts.push_str("];\n");
    let out = env::var_os("OUT_DIR").unwrap_or_default();
    fs::write(Path::new(&out).join("steps.rs"), texts)?;
    println!("cargo:rustc-env=MIGRATIONS_HASH={:016x}", hasher.finish());
    Ok(())
}
