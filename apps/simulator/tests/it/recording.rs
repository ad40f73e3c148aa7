//! The recorded exchanges with a real gateway.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/recordings/evolution")
}

/// Reads a recording, whose name may be given by its number alone. `swap` replaces text first:
/// recorded host names become ones that exist here.
pub(crate) fn read(number: &str, swap: &[(&str, &str)]) -> Value {
    let name = names()
        .into_iter()
        .find(|name| name.starts_with(&format!("{number}-")))
        .unwrap_or_else(|| panic!("no recording {number}"));
    let mut text = std::fs::read_to_string(folder().join(name)).unwrap();
    for (old, new) in swap {
        text = text.replace(old, new);
    }
    serde_json::from_str(&text).unwrap()
}

/// The file names.
pub(crate) fn names() -> BTreeSet<String> {
    std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| {
            std::path::Path::new(name)
                .extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect()
}
