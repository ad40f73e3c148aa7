# shellcheck shell=sh
# Fetching the OpenID provider that tests sign in at. Sourced by `run`, in the workspace's directory.
# MsgFlash runs without; only tests of signing in with Google need it, and Node.js to run it.

# Says what is missing, and goes on: the tests that need it then say that they were skipped.
identity_provider() {
    if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
        no_identity_provider "there is no Node.js 20 or newer with npm here"
    elif ! node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; then
        no_identity_provider "Node.js $(node --version) is too old, it takes 20 or newer"
    elif ! identity_provider_is_current; then
        say "fetching an OpenID provider from npm (about 2 MB)"
        if ! fetch_identity_provider >&2; then
            rm -rf tests/oidc-provider/node_modules || :
            no_identity_provider "npm could not fetch the provider"
        fi
    fi
}

no_identity_provider() {
    say "skipped: $1, so signing in with Google is NOT tested"
}

# A copy of what was asked for lies beside what was installed.
identity_provider_is_current() {
    cmp -s tests/oidc-provider/package-lock.json tests/oidc-provider/node_modules/.asked-for.json
}

fetch_identity_provider() {
    # npm checks what it downloads. Nothing of it is run.
    (cd tests/oidc-provider &&
        npm ci --loglevel=error --no-audit --no-fund --ignore-scripts --fetch-retries=1 --fetch-timeout=20000 &&
        cp package-lock.json node_modules/.asked-for.json)
}
