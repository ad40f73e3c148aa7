#!/bin/sh
# Fetches pgbench into .local/pgbench from Debian's or Ubuntu's packages, without installing them.
# `just bench` looks there when there is no pgbench on the machine.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
fetched=$(mktemp -d)
trap 'rm -rf "$fetched"' EXIT

command -v apt-get >/dev/null 2>&1 || {
    echo "pgbench.sh: this needs apt-get; elsewhere install PostgreSQL's contrib programs" >&2
    exit 1
}
# The newest server package this machine's sources know; pgbench is in it.
package=$(apt-cache --names-only search '^postgresql-[0-9]+$' | cut -d ' ' -f 1 |
    sort -t - -k 2 -rn | head -n 1)
[ -n "$package" ] || {
    echo "pgbench.sh: no package postgresql-<version> is known; try apt-get update" >&2
    exit 1
}
# apt-get checks what it downloads.
(cd "$fetched" && apt-get download "$package" libpq5 >&2)
for archive in "$fetched"/*.deb; do
    dpkg-deb -x "$archive" "$fetched/files"
done
mkdir -p .local/pgbench/lib
cp "$fetched"/files/usr/lib/postgresql/*/bin/pgbench .local/pgbench/
find "$fetched/files" -name 'libpq.so*' -exec cp -P {} .local/pgbench/lib/ \;
LD_LIBRARY_PATH=.local/pgbench/lib .local/pgbench/pgbench --version
