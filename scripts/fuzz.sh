# shellcheck shell=sh
# Fuzzing. Sourced by `run`, in the workspace's directory.

cargo_fuzz_version=0.13.2

# fuzz [target | short | keep target] [libFuzzer argument ...]. Ends the script.
fuzz() {
    what=${1:-all}
    [ $# -eq 0 ] || shift
    case $what in
    all | short) ;;
    keep)
        require_target "${1:-}"
        ;;
    *)
        require_target "$what"
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
        [ $# -gt 0 ] || set -- -max_total_time=8
        # Optimising takes longer than the runs. What is built for the host is shared.
        fuzz_all "--dev --target-dir $(target_directory)" "$@"
        ;;
    keep)
        keep_corpus "$1"
        ;;
    *)
        [ $# -gt 0 ] || set -- -max_total_time=60
        # Signals must reach the fuzzer.
        prefix=exec
        fuzz_one "" "$what" "$@"
        ;;
    esac
}

require_target() {
    if ! [ -f "fuzz/fuzz_targets/$1.rs" ]; then
        echo "run: there is no fuzz target $1; there are:" >&2
        fuzz_targets | sed 's|^|    |' >&2
        exit 1
    fi
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
    unpack_corpus "$target" || return
    # Without a sanitizer the stable compiler does. They look for faults of unsafe code, and what is
    # fuzzed has none.
    # shellcheck disable=SC2086 # No switch is no argument.
    $prefix "$cargo" fuzz run --sanitizer none $build "$target" \
        "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
        "-dict=fuzz/$target.dict" -max_len=4096 "$@"
}

# A run goes on from what earlier ones found: thousands of small files, so it is kept as one. It joins what
# is there already, because others may have kept more since; names are hashes, so nothing is lost.
unpack_corpus() {
    mkdir -p "fuzz/corpus/$1" || return
    ! [ -f "fuzz/kept/$1.tar.gz" ] || tar -xzf "fuzz/kept/$1.tar.gz" -C "fuzz/corpus/$1"
}

# keep_corpus <target>. The fewest inputs that reach what all of them do.
keep_corpus() {
    unpack_corpus "$1"
    "$cargo" fuzz cmin --sanitizer none "$1" "fuzz/corpus/$1"
    mkdir -p fuzz/kept
    tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner \
        -czf "fuzz/kept/$1.tar.gz" -C "fuzz/corpus/$1" .
}
