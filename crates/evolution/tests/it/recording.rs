//! Recorded exchanges and deliveries.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/recordings/evolution")
}

/// The names of all recordings, in order, without their ending.
pub(crate) fn names() -> Vec<String> {
    let files = fs::read_dir(folder()).expect("the recordings are there");
    let mut names: Vec<_> = files
        .filter_map(|file| file.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".json").map(str::to_owned))
        .collect();
    names.sort();
    names
}

/// One recording, by the beginning of its name.
pub(crate) fn read(prefix: &str) -> Value {
    let wanted = format!("{prefix}-");
    let name = names().into_iter().find(|name| name.starts_with(&wanted));
    let name = name.unwrap_or_else(|| panic!("no recording {prefix}"));
    let text = fs::read_to_string(folder().join(format!("{name}.json"))).expect("readable");
    serde_json::from_str(&text).expect("JSON")
}

/// The events of one recording of deliveries: name and data.
pub(crate) fn events(prefix: &str) -> Vec<(String, Value)> {
    let recording = read(prefix);
    let deliveries = recording["deliveries"].as_array().expect("deliveries");
    let body = |delivery: &Value| {
        let body = &delivery["request"]["body"];
        (
            body["event"].as_str().expect("a name").to_owned(),
            body["data"].clone(),
        )
    };
    deliveries.iter().map(body).collect()
}
