# shellcheck shell=sh
# Building and running the benchmarks. Sourced by `run`, in the workspace's directory.

# Ends the script: signals must reach the benchmark, which stops the database it started.
measure() {
    target=$(target_directory)
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
