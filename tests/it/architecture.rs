//! Who may use whom. A forbidden edge fails by name.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

/// The allowed edges between our own packages, besides the kernel, which everybody may use.
const ALLOWED: [(&str, &[&str]); 21] = [
    ("msgflash-kernel", &[]),
    ("msgflash-accounts", &[]),
    ("msgflash-billing", &[]),
    ("msgflash-contacts", &[]),
    ("msgflash-templates", &[]),
    ("msgflash-webhooks", &[]),
    ("msgflash-teams", &["msgflash-accounts"]),
    ("msgflash-quotas", &["msgflash-billing"]),
    (
        "msgflash-messaging",
        &["msgflash-quotas", "msgflash-contacts", "msgflash-templates"],
    ),
    (
        "msgflash-postgres",
        &[
            "msgflash-accounts",
            "msgflash-teams",
            "msgflash-billing",
            "msgflash-quotas",
            "msgflash-contacts",
            "msgflash-templates",
            "msgflash-webhooks",
            "msgflash-messaging",
        ],
    ),
    ("msgflash-evolution", &["msgflash-messaging"]),
    ("msgflash-webhook-http", &["msgflash-webhooks"]),
    ("msgflash-payments", &["msgflash-billing"]),
    ("msgflash-redis", &["msgflash-quotas"]),
    ("msgflash-mail", &["msgflash-accounts"]),
    ("msgflash-oidc", &["msgflash-accounts"]),
    ("msgflash-media", &["msgflash-messaging"]),
    ("msgflash-local-postgres", &[]),
    (
        "msgflash-testkit",
        &["msgflash-local-postgres", "msgflash-postgres"],
    ),
    ("evolution-simulator", &[]),
    (
        "msgflash-server",
        &[
            "msgflash-accounts",
            "msgflash-teams",
            "msgflash-billing",
            "msgflash-quotas",
            "msgflash-contacts",
            "msgflash-templates",
            "msgflash-webhooks",
            "msgflash-messaging",
            "msgflash-postgres",
            "msgflash-evolution",
            "msgflash-webhook-http",
            "msgflash-payments",
            "msgflash-redis",
            "msgflash-mail",
            "msgflash-oidc",
            "msgflash-media",
            "msgflash-local-postgres",
            "evolution-simulator",
        ],
    ),
];

/// Each technology sits behind exactly these doors.
const DOORS: [(&str, &[&str]); 10] = [
    ("diesel", &["msgflash-postgres"]),
    ("diesel-async", &["msgflash-postgres"]),
    (
        "reqwest",
        &[
            "msgflash-evolution",
            "msgflash-webhook-http",
            "msgflash-payments",
            "msgflash-oidc",
            "msgflash-media",
            "msgflash-server",
            "evolution-simulator",
            "blackbox",
        ],
    ),
    (
        "actix-web",
        &["msgflash-server", "evolution-simulator", "blackbox"],
    ),
    ("redis", &["msgflash-redis"]),
    ("lettre", &["msgflash-mail"]),
    ("openidconnect", &["msgflash-oidc"]),
    ("object_store", &["msgflash-media"]),
    ("infer", &["msgflash-media"]),
    ("libc", &["msgflash-local-postgres"]),
];

/// The crates that other services build on.
const DOMAINS: [&str; 9] = [
    "msgflash-kernel",
    "msgflash-accounts",
    "msgflash-billing",
    "msgflash-contacts",
    "msgflash-messaging",
    "msgflash-quotas",
    "msgflash-teams",
    "msgflash-templates",
    "msgflash-webhooks",
];

/// What such a service has of its own, or does without: HTTP servers and clients, database drivers,
/// and what belongs to a program.
const UNWANTED: [&str; 24] = [
    "actix-multipart",
    "actix-web",
    "anyhow",
    "axum",
    "clap",
    "deadpool",
    "diesel",
    "diesel-async",
    "figment",
    "hickory-resolver",
    "hyper",
    "lettre",
    "metrics-exporter-prometheus",
    "object_store",
    "openidconnect",
    "redis",
    "reqwest",
    "sqlx",
    "tokio-postgres",
    "tokio-util",
    "tracing-subscriber",
    "ureq",
    "utoipa",
    "validator",
];

/// What rules need of tokio: to wait and to hand over. Sockets, files, processes and signals are the
/// service's.
const OF_TOKIO: [&str; 4] = ["macros", "rt", "sync", "time"];

/// Test-only packages: linked by tests alone.
const FOR_TESTS: [&str; 2] = ["msgflash-testkit", "blackbox"];

fn packages() -> Vec<Package> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let metadata = MetadataCommand::new()
        .manifest_path(manifest)
        .no_deps()
        .exec()
        .expect("cargo metadata");
    metadata.packages
}

/// Names of a package's dependencies of one kind.
fn uses(package: &Package, kind: DependencyKind) -> BTreeSet<String> {
    let found = package.dependencies.iter().filter(|it| it.kind == kind);
    found.map(|it| it.name.clone()).collect()
}

#[test]
fn domains_and_adapters_use_only_what_they_may() {
    let allowed: BTreeMap<_, _> = ALLOWED.into_iter().collect();
    for package in packages() {
        let name = package.name.to_string();
        if name == "blackbox" {
            continue;
        }
        let may = allowed.get(name.as_str());
        let may = may.unwrap_or_else(|| panic!("{name} has no row in the table of allowed edges"));
        for used in uses(&package, DependencyKind::Normal) {
            let ours = used.starts_with("msgflash-") || used == "evolution-simulator";
            let fine = used == "msgflash-kernel" || may.contains(&used.as_str());
            assert!(!ours || fine, "forbidden edge: {name} -> {used}");
        }
    }
}

#[test]
fn each_technology_stays_behind_its_door() {
    for package in packages() {
        let used = uses(&package, DependencyKind::Normal);
        for (technology, doors) in DOORS {
            let through = doors.contains(&package.name.as_str());
            let edge = format!("forbidden edge: {} -> {technology}", package.name);
            assert!(!used.contains(technology) || through, "{edge}");
        }
    }
}

/// The packages that other services build on.
fn domains() -> Vec<Package> {
    let mut found = packages();
    found.retain(|it| DOMAINS.contains(&it.name.as_str()));
    assert_eq!(found.len(), DOMAINS.len(), "a domain crate is missing");
    found
}

#[test]
fn domains_bring_nothing_that_another_service_does_not_want() {
    for package in domains() {
        let used = uses(&package, DependencyKind::Normal);
        for unwanted in UNWANTED {
            let edge = format!("forbidden edge: {} -> {unwanted}", package.name);
            assert!(!used.contains(unwanted), "{edge}");
        }
        let normal = package
            .dependencies
            .iter()
            .filter(|it| it.kind == DependencyKind::Normal && it.name == "tokio");
        for feature in normal.flat_map(|it| &it.features) {
            let is_fine = OF_TOKIO.contains(&feature.as_str());
            assert!(is_fine, "forbidden: {} -> tokio/{feature}", package.name);
        }
    }
}

#[test]
fn domains_export_their_mocks_and_say_what_they_are() {
    for package in domains() {
        let name = &package.name;
        let mocks = package.features.get("mocks");
        let are_made = mocks.is_some_and(|it| it.iter().any(|it| it == "dep:mockall"));
        assert!(are_made, "{name}: no mocks");
        let is_described = package
            .description
            .as_ref()
            .is_some_and(|it| !it.is_empty());
        assert!(is_described, "{name}: no description");
    }
}

#[test]
fn nothing_that_ships_links_the_test_kit() {
    for package in packages() {
        if FOR_TESTS.contains(&package.name.as_str()) {
            continue;
        }
        for kit in FOR_TESTS {
            let used = uses(&package, DependencyKind::Normal);
            assert!(
                !used.contains(kit),
                "forbidden edge: {} -> {kit}",
                package.name
            );
        }
    }
}
