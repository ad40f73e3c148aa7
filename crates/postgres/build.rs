//! Rebuilds the crate when a migration changes, and names the set of migrations by its contents.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::{fs, io};

fn main() -> io::Result<()> {
    let folder = Path::new("../../migrations");
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut hasher = DefaultHasher::new();
    let mut steps: Vec<_> = fs::read_dir(folder)?
        .map(|step| step.map(|step| step.path()))
        .collect::<Result<_, _>>()?;
    steps.sort();
    for step in steps.iter().filter(|step| step.is_dir()) {
        for file in ["up.sql", "down.sql"] {
            let path = step.join(file);
            println!("cargo:rerun-if-changed={}", path.display());
            step.file_name().hash(&mut hasher);
            fs::read(path)?.hash(&mut hasher);
        }
    }
    println!("cargo:rustc-env=MIGRATIONS_HASH={:016x}", hasher.finish());
    Ok(())
}
