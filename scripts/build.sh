# shellcheck shell=sh
# Finding cargo and building the program. Sourced by `run`, in the workspace's directory.

# Sets $cargo, or says how to get it.
find_cargo() {
    cargo=
    for candidate in cargo "${CARGO_HOME:-${HOME:-/root}/.cargo}/bin/cargo"; do
        if command -v "$candidate" >/dev/null 2>&1; then
            cargo=$(command -v "$candidate")
            break
        fi
    done
    if [ -z "$cargo" ]; then
        cat >&2 <<'HELP'
run: Rust is missing. Install it from https://rustup.rs:
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh
and start this again.
HELP
        exit 1
    fi
    if ! command -v cc >/dev/null 2>&1; then
        echo "run: a C compiler is missing. On Debian and Ubuntu: apt-get install gcc libc6-dev" >&2
        exit 1
    fi
    # Cargo calls rustc by name.
    PATH=$PATH:$(dirname -- "$cargo")
    export PATH
}

# Where cargo puts what it builds, by configuration or environment.
target_directory() {
    "$cargo" metadata --format-version 1 --no-deps |
        sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'
}

# Builds msgflash and sets $program.
build_program() {
    case ${MSGFLASH_PROFILE:-debug} in
    release)
        flags=--release
        folder=release
        ;;
    debug | dev)
        flags=
        folder=debug
        ;;
    *)
        echo "run: MSGFLASH_PROFILE is release or debug, not $MSGFLASH_PROFILE" >&2
        exit 1
        ;;
    esac
    program=$(target_directory)/$folder/msgflash
    [ -x "$program" ] || echo "run: building MsgFlash; the first time takes some minutes" >&2
    # The whole workspace's features, so that `./run test` need not build the dependencies again. Who has
    # built the tests, which ask for more of them, says so: then nothing is built again here.
    # shellcheck disable=SC2086 # No flag is no argument.
    "$cargo" build --workspace ${BUILD_TARGETS:---bin msgflash} $flags >&2
}
