# Short names for what contributors type. Everything works without `just`, too: see `./run help`.

# What a change must pass before it is sent: format, lints, tests.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    ./run test

# All tests, or those the arguments choose.
test *arguments:
    ./run test {{ arguments }}

# Formats everything.
fmt:
    cargo fmt --all

# The demo, or any other command of the server.
run *arguments:
    ./run {{ arguments }}

# The stand-in for the WhatsApp provider, alone.
sim *arguments:
    cargo run -p evolution-simulator -- {{ arguments }}

# Finds PostgreSQL's programs or fetches them, and brings the database up to date.
db-up:
    ./run migrate

# Every benchmark at its full size, or the line the arguments name: `just bench p1`. Takes hours.
bench *arguments='all':
    ./run bench {{ arguments }}

# Every benchmark but those of growth once and small, within five minutes.
bench-quick:
    ./run bench quick

# Throws arbitrary input at every fuzz target for a minute, or at one for as long as the arguments say:
# `just fuzz placeholders -max_total_time=600`.
fuzz *arguments:
    ./run fuzz {{ arguments }}

# Processes, database, gateway and receivers fail while clients use the system, and everything that was
# promised is checked: all scenarios, or those the arguments name: `just chaos kill-both --seed 7`.
chaos *arguments:
    ./run chaos {{ arguments }}

# Whether the domain crates keep what the newest release promised, or the one whose tag is given.
semver *tag:
    ./run semver {{ tag }}

# A campaign of 100,000 recipients through ten kills, crashes of the database and a gateway in trouble.
# Takes many minutes.
soak:
    ./run test -p blackbox --run-ignored only --no-capture campaigns::exact::kills::soak

# How long single messages of one account take beside a campaign of 200,000 of another, and alone.
fairness:
    ./run test -p blackbox --run-ignored only --no-capture campaigns::exact::fairness::fairness
