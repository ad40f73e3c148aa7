# shellcheck shell=sh
# Whether the domain crates keep what they promised at an earlier release. Sourced by `run`, in the
# workspace's directory.

cargo_semver_checks_version=0.51.0
# What other services build on. Adapters and programs are ours alone.
domain_crates='kernel accounts teams billing quotas contacts templates webhooks messaging'

# semver [tag]: compares with this release, or with the newest tag `v*`. Ends with 77 when there is
# none, which is no failure: nothing was promised yet.
semver() {
    baseline=${1:-$(git tag --list 'v*' --sort=-version:refname | head -n 1)}
    if [ -z "$baseline" ]; then
        echo "skipped: there is no tag v* yet, so there is no release to keep to" >&2
        exit 77
    fi
    if ! git rev-parse --quiet --verify "$baseline^{commit}" >/dev/null; then
        echo "run: there is no release $baseline in this repository" >&2
        exit 1
    fi
    # Kept in .local/tools, because it takes some minutes to build.
    tools=$PWD/.local/tools
    [ "$("$tools/bin/cargo-semver-checks" --version 2>/dev/null)" = \
        "cargo-semver-checks $cargo_semver_checks_version" ] ||
        "$cargo" install --locked --debug --root "$tools" \
            "cargo-semver-checks@$cargo_semver_checks_version" >&2
    PATH=$tools/bin:$PATH
    export PATH
    # Named one by one: the crates are published nowhere, and unnamed such crates are passed over.
    packages=
    for crate in $domain_crates; do
        packages="$packages --package msgflash-$crate"
    done
    # Mocks are for tests and follow their ports. They are promised to nobody.
    # shellcheck disable=SC2086 # One argument for each word.
    exec "$cargo" semver-checks check-release --baseline-rev "$baseline" \
        --only-explicit-features $packages
}
