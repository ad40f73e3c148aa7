# shellcheck shell=sh
# Fuzzing. Sourced by `run`, in the workspace's directory.

cargo_fuzz_version=0.13.2

# fuzz [target] [libFuzzer argument ...]. Ends the script: signals must reach the fuzzer.
fuzz() {
    name=${1:-placeholders}
    [ $# -eq 0 ] || shift
    # A minute, unless told otherwise.
    [ $# -gt 0 ] || set -- -max_total_time=60
    if ! [ -f "fuzz/fuzz_targets/$name.rs" ]; then
        echo "run: there is no fuzz target $name; there are:" >&2
        (cd fuzz/fuzz_targets && ls ./*.rs) | sed 's|^\./|    |; s|\.rs$||' >&2
        exit 1
    fi
    if ! command -v c++ >/dev/null 2>&1; then
        echo "run: libFuzzer needs a C++ compiler. On Debian and Ubuntu: apt-get install g++" >&2
        exit 1
    fi
    tools=$PWD/.local/tools
    [ "$("$tools/bin/cargo-fuzz" --version 2>/dev/null)" = "cargo-fuzz $cargo_fuzz_version" ] ||
        "$cargo" install --locked --debug --root "$tools" "cargo-fuzz@$cargo_fuzz_version" >&2
    PATH=$tools/bin:$PATH
    export PATH
    mkdir -p "fuzz/corpus/$name"
    # Without a sanitizer the stable compiler does. They look for faults of unsafe code, and what is
    # fuzzed has none.
    exec "$cargo" fuzz run --sanitizer none "$name" "fuzz/corpus/$name" "fuzz/seeds/$name" -- \
        "-dict=fuzz/$name.dict" -max_len=4096 "$@"
}
