# shellcheck shell=sh
# Fuzzing. Sourced by `run`, in the workspace's directory.

cargo_fuzz_version=0.13.2

# fuzz [target | short] [libFuzzer argument ...]. Ends the script.
fuzz() {
    what=${1:-all}
    [ $# -eq 0 ] || shift
    case $what in
    all | short) ;;
    *)
        if ! [ -f "fuzz/fuzz_targets/$what.rs" ]; then
            echo "run: there is no fuzz target $what; there are:" >&2
            fuzz_targets | sed 's|^|    |' >&2
            exit 1
        fi
        ;;
    esac
    if ! command -v c++ >/dev/null 2>&1; then
        echo "run: libFuzzer needs a C++ compiler. On Debian and Ubuntu: apt-get install g++" >&2
        exit 1
    fi
    tools=$PWD/.local/tools
    [ "$("$tools/bin/cargo-fuzz" --version 2>/dev/null)" = "cargo-fuzz $cargo_fuzz_version" ] ||
        "$cargo" install --locked --debug --root "$tools" "cargo-fuzz@$cargo_fuzz_version" >&2
    PATH=$tools/bin:$PATH
    export PATH
    case $what in
    all)
        [ $# -gt 0 ] || set -- -max_total_time=60
        fuzz_all "" "$@"
        ;;
    short)
        [ $# -gt 0 ] || set -- -max_total_time=15
        # Optimising takes longer than the runs. What is built for the host is shared.
        fuzz_all "--dev --target-dir $(target_directory)" "$@"
        ;;
    *)
        [ $# -gt 0 ] || set -- -max_total_time=60
        # Signals must reach the fuzzer.
        prefix=exec
        fuzz_one "" "$what" "$@"
        ;;
    esac
}

fuzz_targets() {
    (cd fuzz/fuzz_targets && ls ./*.rs) | sed 's|^\./||; s|\.rs$||'
}

# fuzz_all <switches> [libFuzzer argument ...]. One that fails does not hide the others.
fuzz_all() {
    switches=$1
    shift
    prefix=
    failed=
    for name in $(fuzz_targets); do
        echo "run: fuzzing $name" >&2
        fuzz_one "$switches" "$name" "$@" || failed="$failed $name"
    done
    [ -z "$failed" ] || echo "run: failed:$failed" >&2
    [ -z "$failed" ] || exit 1
    exit 0
}

# fuzz_one <switches> <target> [libFuzzer argument ...]
fuzz_one() {
    build=$1
    target=$2
    shift 2
    mkdir -p "fuzz/corpus/$target"
    # Without a sanitizer the stable compiler does. They look for faults of unsafe code, and what is
    # fuzzed has none.
    # shellcheck disable=SC2086 # No switch is no argument.
    $prefix "$cargo" fuzz run --sanitizer none $build "$target" \
        "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
        "-dict=fuzz/$target.dict" -max_len=4096 "$@"
}
