#!/bin/bash
# Schemathesis (https://schemathesis.readthedocs.io) calls every documented operation with what the
# document allows and with what it forbids, as a program with an API key and as a person who signed
# in. It fails on a crash, on an answer the document does not know, on a forbidden request that is
# taken and on a route that needs no credential though it should.
#
# Usage: schemathesis.sh <program> [short] [argument of `schemathesis run` ...]
#   schemathesis.sh target/debug/msgflash --seed 7 --max-examples 100
# `short` tries every bound the document has, and little else: about a minute.
# Ends with 77 when schemathesis cannot be had. SCHEMATHESIS_REPORTS=<folder> keeps its reports.
set -uo pipefail

[ $# -gt 0 ] || {
    echo "usage: $0 <program> [short] [argument of schemathesis ...]" >&2
    exit 2
}
program=$(realpath "$1")
shift
examples=8
if [ "${1:-}" = short ]; then
    examples=2
    shift
fi
cd "$(dirname "$0")/.." || exit 1
version=4.32.5
tools=$PWD/.local/tools/schemathesis
config=$PWD/scripts/schemathesis.toml
# The private database of this run, whoever starts it.
unset DATABASE_URL

install() {
    [ "$("$tools/bin/schemathesis" --version 2>/dev/null | grep -o '[0-9.]*$')" = "$version" ] ||
        { python3 -m venv "$tools" && "$tools/bin/pip" install --quiet "schemathesis==$version"; }
}
if ! install; then
    echo "skipped: schemathesis $version cannot be had from PyPI; the surfaces are NOT checked with it"
    exit 77
fi

place=$(mktemp -d)
pid=
cleanup() {
    if [ -n "$pid" ]; then
        kill -INT "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    fi
    rm -rf "$place"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
export MSGFLASH_DATA_DIR=$place/data
reports=$(realpath -m "${SCHEMATHESIS_REPORTS:-$place/reports}")

fail() {
    echo "FAILED: $1"
    sed 's/^/    /' "$place/log"
    exit 1
}

# The limits per second are made for people and programs, not for this.
"$program" demo --bind 127.0.0.1:0 --set rate_limit_per_second=10000 \
    --set console_rate_limit_per_second=10000 >"$place/log" 2>&1 &
pid=$!
left=1200
until grep -q "until Ctrl-C" "$place/log"; do
    left=$((left - 1))
    if [ "$left" -eq 0 ] || ! kill -0 "$pid" 2>/dev/null; then fail "the demo did not come up"; fi
    sleep 0.1
done
base=$(sed -n 's/^Docs *\(.*\)\/docs$/\1/p' "$place/log")

# Two accounts: what the person revokes or changes must not touch the program's key. The largest
# plan, because a refusal of the plan would hide what is behind it. The password is not one the
# document gives as an example: with that one the calls would change it.
account() {
    "$program" user create --email "$1" --password "$password" --name "Schemathesis" --plan max >/dev/null
}
password=$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')
member() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p"; }
account program@schemathesis.example || fail "no account for the program"
account person@schemathesis.example || fail "no account for the person"
key=$("$program" key create --user program@schemathesis.example --name schemathesis --json | member secret)
token=$(curl -fsS "$base/api/auth/login" -H 'Content-Type: application/json' \
    -d "{\"email\":\"person@schemathesis.example\",\"password\":\"$password\"}" | member token)
[ -n "$key" ] || fail "no key"
[ -n "$token" ] || fail "nobody could sign in"

# surface <name> <paths> <header> [argument ...]
#
# The seed is fixed, so that the same code gives the same outcome. Stateful calls are left out: the
# document has no links for them to follow.
surface() {
    local name=$1 paths=$2 header=$3
    shift 3
    printf '\n--- %s\n' "$name"
    # From a folder of its own: it leaves what it remembers where it stands.
    (cd "$place" && exec "$tools/bin/schemathesis" --no-color --config-file "$config" run "$base/openapi.json" \
        --include-path-regex "$paths" --header "$header" --checks all \
        --phases examples,coverage,fuzzing --max-examples "$examples" --seed 1 --workers 1 \
        --continue-on-failure --no-shrink --warnings off --suppress-health-check all \
        --request-timeout 20 --report json --report-dir "$reports/$name" "$@")
}

failed=0
surface program '^/api/v1/' "x-api-key: $key" "$@" || failed=1
# Left out: logging out and a refresh end the very token everything else is called with.
surface person '^/api/(?!v1/|auth/(logout|refresh)$)' "Authorization: Bearer $token" "$@" || failed=1

# A credential that ended on the way would have made every later call a refusal, and all well.
curl -fsS "$base/api/v1/me" -H "x-api-key: $key" >/dev/null || fail "the key ended on the way"
curl -fsS "$base/api/auth/me" -H "Authorization: Bearer $token" >/dev/null || fail "the token ended on the way"
exit $failed
