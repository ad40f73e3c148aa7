# shellcheck shell=sh
# Building and running the benchmarks. Sourced by `run`, in the workspace's directory.

# Where the benchmark looks for pgbench. `run` has set PG_BIN, unless the server is somebody else's: then
# PG_BIN says nothing.
has_pgbench() {
    command -v pgbench >/dev/null 2>&1 && return
    beside=
    [ -n "${DATABASE_URL:-}" ] || beside=${PG_BIN:-}
    for program in "$beside/pgbench" /usr/lib/postgresql/*/bin/pgbench .local/pgbench/pgbench; do
        [ ! -x "$program" ] || return 0
    done
    return 1
}

# Ends the script: signals must reach the benchmark, which stops the database it started.
measure() {
    target=$(target_directory)
    has_pgbench || sh scripts/pgbench.sh >&2 ||
        echo "bench: without pgbench P1, P2 and P3 cannot be measured" >&2
    "$cargo" build --release -p msgflash-server --bin msgflash >&2
    # Both workspaces in one target directory: most of their dependencies are the same.
    "$cargo" build --release --manifest-path bench/Cargo.toml --workspace --bins \
        --target-dir "$target" >&2
    BENCH_SERVER=$target/release/msgflash
    export BENCH_SERVER
    # The line about ten thousand connections needs as many files, at both ends.
    # shellcheck disable=SC3045 # dash and bash both know -H and -n.
    ulimit -n "$(ulimit -H -n)" 2>/dev/null || true
    exec "$target/release/bench" "$@"
}
