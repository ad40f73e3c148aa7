# shellcheck shell=sh
# Running all tests. Sourced by `run`, in the workspace's directory, after everything was built.

# Arguments go to the test runner. Ends the script: signals must reach whoever runs the tests, and
# a shell in between would keep them.
test_everything() {
    cluster=$(target_directory)/debug/testkit-cluster
    # A choice of packages takes the place of all of them.
    for argument in "$@"; do
        case $argument in
        -p | -p?* | --package | --package=*) exec_tests "$@" ;;
        esac
    done
    exec_tests --workspace "$@"
}

exec_tests() {
    cargo=${cargo:?find_cargo comes first}
    if ! "$cargo" nextest --version >/dev/null 2>&1; then
        exec "$cluster" -- "$cargo" test "$@"
    elif [ "$1" = --workspace ]; then
        # nextest knows no documentation tests.
        exec "$cluster" -- "$cargo" nextest run "$@" --then "$cargo" test --workspace --doc
    else
        exec "$cluster" -- "$cargo" nextest run "$@"
    fi
}
