#!/bin/sh
# The demo as a newcomer uses it: it comes up, Ctrl-C and kill -9 leave no process behind, and a
# second start reuses the data. Usage: demo.sh <program>
set -eu

program=$1
place=$(mktemp -d)
pid=
cleanup() {
    [ -z "$pid" ] || kill -9 "$pid" 2>/dev/null || true
    rm -rf "$place"
}
trap cleanup EXIT
export MSGFLASH_DATA_DIR="$place/data"
unset DATABASE_URL

fail() {
    echo "FAILED: $1"
    sed 's/^/    /' "$place/log" 2>/dev/null || true
    exit 1
}

# until_true <seconds> <what> <command ...>: asks every tenth of a second.
until_true() {
    left=$(($1 * 10))
    what=$2
    shift 2
    while ! "$@" >/dev/null 2>&1; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || fail "did not happen in time: $what"
        sleep 0.1
    done
}

start() {
    "$program" demo --bind 127.0.0.1:0 >"$place/log" 2>&1 &
    pid=$!
    until_true 120 "every step of the demo" grep -q "until Ctrl-C" "$place/log"
}

gone() {
    # The data directory is in the command line of every process of this demo.
    ! pgrep -f "$place/data"
}

account() {
    "$program" instance list --user demo@msgflash.example --json
}

start
grep -q "^API key    msgf_live_" "$place/log" || fail "no key was printed"
base=$(sed -n 's/^Docs *\(.*\)\/docs$/\1/p' "$place/log")
key=$(sed -n 's/^API key *//p' "$place/log")
curl -fsS "$base/api/v1/usage" -H "x-api-key: $key" >/dev/null || fail "the printed key does not work"
first=$(account)
echo "ok: the demo comes up, and its key works"

kill -INT "$pid"
wait "$pid" || fail "Ctrl-C did not end it with success"
until_true 10 "no process after Ctrl-C" gone
echo "ok: Ctrl-C leaves no process behind"

begun=$(date +%s)
start
[ "$(account)" != "" ] || fail "no instance on the second start"
id() { sed -n 's/.*"id": "\([^"]*\)".*/\1/p' | head -n 1; }
[ "$(account | id)" = "$(echo "$first" | id)" ] || fail "the second start did not reuse the data"
echo "ok: a second start reuses the data, whole round in $(($(date +%s) - begun)) s"

kill -9 "$pid"
wait "$pid" 2>/dev/null || true
pid=
until_true 10 "no process after kill -9" gone
echo "ok: kill -9 leaves no process behind"
echo "4 passed, 0 failed"
