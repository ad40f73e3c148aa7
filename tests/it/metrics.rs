//! The numbers the code exports, and what operators see of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// What every metric of ours begins with.
const OURS: [&str; 2] = ["msgflash_", "http_request"];
/// What Prometheus appends to the name of a histogram.
const PARTS: [&str; 3] = ["_bucket", "_sum", "_count"];
const MACROS: [&str; 3] = ["counter!(", "gauge!(", "histogram!("];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(read(&path));
        }
    }
}

/// The first string in quotes.
fn quoted(text: &str) -> Option<&str> {
    text.strip_prefix('"')?.split('"').next()
}

/// The value of a constant of the same file.
fn constant<'a>(source: &'a str, name: &str) -> Option<&'a str> {
    let start = format!("const {name}: &str = ");
    quoted(&source[source.find(&start)? + start.len()..])
}

/// Names that `source` counts with: each macro's first argument, a string or a constant.
fn counted(source: &str, names: &mut BTreeSet<String>) {
    for call in MACROS {
        for (at, _) in source.match_indices(call) {
            if source[..at].ends_with('_') {
                continue; // It describes and counts nothing.
            }
            let argument = source[at + call.len()..].trim_start();
            let name = quoted(argument).or_else(|| {
                let end = argument.find([',', ')'])?;
                constant(source, argument[..end].trim())
            });
            let name = name.unwrap_or_else(|| panic!("a metric without a name: {argument:.60}"));
            names.insert(name.to_owned());
        }
    }
}

/// Every metric that the product exports.
fn exported() -> BTreeSet<String> {
    let mut found = Vec::new();
    for folder in ["crates", "apps"] {
        sources(&root().join(folder), &mut found);
    }
    let mut names = BTreeSet::new();
    for source in &found {
        counted(source, &mut names);
    }
    assert!(
        names.contains("http_requests_total") && names.contains("msgflash_queue_entries"),
        "the code is read wrongly: {names:?}"
    );
    names
}

/// Words of a text that look like metrics of ours.
fn named(text: &str) -> impl Iterator<Item = &str> {
    text.split(|it: char| !(it.is_ascii_alphanumeric() || it == '_' || it == ':'))
        .filter(|word| OURS.iter().any(|start| word.starts_with(start)))
}

/// The metric that a name in a query stands for.
fn metric<'a>(name: &'a str, exported: &BTreeSet<String>) -> &'a str {
    let whole = |part| name.strip_suffix(part).filter(|it| exported.contains(*it));
    PARTS.into_iter().find_map(whole).unwrap_or(name)
}

fn dashboard() -> Value {
    let text = read(&root().join("docs/grafana/msgflash.json"));
    serde_json::from_str(&text).expect("JSON")
}

/// Every query of the dashboard.
fn queries(dashboard: &Value) -> Vec<String> {
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels
        .iter()
        .filter_map(|panel| panel["targets"].as_array())
        .flatten();
    targets
        .map(|target| target["expr"].as_str().expect("a query").to_owned())
        .collect()
}

#[test]
fn the_dashboard_shows_what_the_code_exports_and_nothing_else() {
    let exported = exported();
    let queries = queries(&dashboard());
    let shown: BTreeSet<String> = queries
        .iter()
        .flat_map(|query| named(query))
        .map(|name| metric(name, &exported).to_owned())
        .collect();
    let unknown: Vec<_> = shown.difference(&exported).collect();
    assert!(unknown.is_empty(), "nothing exports {unknown:?}");
    let missing: Vec<_> = exported.difference(&shown).collect();
    assert!(missing.is_empty(), "no panel shows {missing:?}");
}

#[test]
fn every_panel_asks_the_datasource_that_was_chosen() {
    let dashboard = dashboard();
    assert!(dashboard["schemaVersion"].as_u64() >= Some(39));
    for panel in dashboard["panels"].as_array().expect("panels") {
        let title = &panel["title"];
        if panel["type"] == "row" {
            continue;
        }
        assert_eq!(panel["datasource"]["uid"], "${DS_PROMETHEUS}", "{title}");
        let targets = panel["targets"].as_array().expect("targets");
        assert!(!targets.is_empty(), "{title} asks nothing");
        for target in targets {
            assert_eq!(target["datasource"]["uid"], "${DS_PROMETHEUS}", "{title}");
        }
    }
}

#[test]
fn operators_can_read_about_every_metric() {
    let exported = exported();
    let page = read(&root().join("docs/operations.md"));
    let rows = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let told: BTreeSet<String> = rows.flat_map(named).map(str::to_owned).collect();
    assert_eq!(told, exported);
}

#[test]
fn every_metric_explains_itself_in_the_answer() {
    let described: BTreeSet<String> = msgflash_server::http::metrics::described()
        .map(str::to_owned)
        .collect();
    assert_eq!(described, exported());
}
