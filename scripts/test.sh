#!/bin/sh
# Runs every test: `scripts/test.sh <cargo> [argument ...]`, arguments go to the test runner.
# Called by `./run test`, with a PostgreSQL to use.
set -u

cargo=$1
shift
outcome=0

# A choice of packages takes the place of all of them.
scope=--workspace
for argument in "$@"; do
    case $argument in -p | -p?* | --package | --package=*) scope= ;; esac
done

# shellcheck disable=SC2086 # No scope is no argument.
if "$cargo" nextest --version >/dev/null 2>&1; then
    "$cargo" nextest run $scope "$@" || outcome=$?
    # nextest knows no documentation tests; they run whatever else was chosen.
    [ -z "$scope" ] || "$cargo" test --workspace --doc || outcome=$?
else
    "$cargo" test $scope "$@" || outcome=$?
fi
exit "$outcome"
