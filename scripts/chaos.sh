# shellcheck shell=sh
# Faults on purpose. Sourced by `run`, in the workspace's directory.

# Ends the script.
chaos() {
    target=$(target_directory)
    # As `./run test` builds them, so that neither builds the dependencies again.
    "$cargo" build --workspace --all-targets >&2
    if [ "${1:-}" = short ]; then
        shift
        set -- kill-both database-crash gateway-ill --seconds 8 "$@"
    fi
    folder=$(mktemp -d)
    # PostgreSQL may run as somebody else.
    chmod 755 "$folder"
    trap 'rm -rf "$folder"' EXIT
    # Wrong clocks and full disks need a library between the programs and the C library. Where it
    # cannot be built, what needs it says that it is skipped.
    if cc -shared -fPIC -O1 -o "$folder/tamper.so" tests/chaos/tamper.c -ldl 2>"$folder/why"; then
        code=0
        tampered_programs "$folder"
        CHAOS_FOLDER=$folder LD_PRELOAD=$folder/tamper.so "$target/debug/chaos" "$@" || code=$?
    else
        cat "$folder/why" >&2
        code=0
        "$target/debug/chaos" "$@" || code=$?
    fi
    exit "$code"
}

# Makes a folder of PostgreSQL's programs whose server gets the library: what starts it hands on no
# environment.
tampered_programs() {
    mkdir "$1/bin"
    ln -s "$PG_BIN"/* "$1/bin/"
    rm "$1/bin/postgres"
    cat >"$1/bin/postgres" <<SERVER
#!/bin/sh
LD_PRELOAD='$1/tamper.so' CHAOS_FOLDER='$1' exec '$PG_BIN/postgres' "\$@"
SERVER
    chmod 755 "$1/bin/postgres" "$1/bin"
    PG_BIN=$1/bin
}
