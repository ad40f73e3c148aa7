#!/bin/bash
# Every link of the documentation to something of this repository leads to a file that is there, and to
# a heading it has.
set -euo pipefail

cd "$(dirname "$0")/../.."
failed=0

# The text outside of blocks of code.
prose() {
    awk '/^```/ { is_code = !is_code; next } !is_code' "$1"
}

# The anchors of a file's headings, as code hosts make them.
anchors() {
    prose "$1" | sed -nE 's/^#+ +//p' | sed -E 's/\[([^]]*)\]\([^)]*\)/\1/g; s/[^[:alnum:] _-]//g; s/ /-/g' |
        tr '[:upper:]' '[:lower:]' | awk 'seen[$0]++ { print $0 "-" seen[$0] - 1; next } { print }'
}

# check <file> <target>
check() {
    local path=${2%%#*} anchor=
    case $2 in
    *#*) anchor=${2#*#} ;;
    esac
    if [ -z "$path" ]; then
        path=$1
    else
        path=$(dirname "$1")/$path
    fi
    if ! [ -e "$path" ]; then
        echo "FAILED: $1: there is no $2"
        failed=1
    elif [ -n "$anchor" ] && [ "${path%.md}" != "$path" ] &&
        [ "$(anchors "$path" | grep -cxF -- "$anchor")" -eq 0 ]; then
        echo "FAILED: $1: there is no heading for $2"
        failed=1
    fi
}

count=0
while read -r file; do
    while read -r target; do
        case $target in
        [a-z]*:*) continue ;;
        esac
        check "$file" "$target"
        count=$((count + 1))
    done < <(prose "$file" | grep -o ']([^)]*)' | sed 's/^](//; s/)$//')
done < <(git ls-files '*.md')
if [ "$count" -lt 100 ]; then
    echo "FAILED: only $count links were found"
    failed=1
fi
[ "$failed" -ne 0 ] || echo "$count links lead somewhere"
exit "$failed"
