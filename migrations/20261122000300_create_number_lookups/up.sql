-- Looking up which numbers have WhatsApp.

-- What an account found out, for as long as it is believed.
CREATE TABLE number_checks (
    account_id uuid NOT NULL,
    phone bigint NOT NULL,
    -- The number it has at WhatsApp; NULL when it has none.
    wa_phone bigint,
    forget_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, phone)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05,
        autovacuum_analyze_scale_factor = 0.02);
CREATE INDEX number_checks_age ON number_checks (forget_at);

CREATE TABLE number_lookups (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    user_id uuid NOT NULL,
    instance_id uuid NOT NULL,
    status text NOT NULL CONSTRAINT number_lookups_status_known
        CHECK (status IN ('pending', 'processing', 'completed', 'failed')),
    requested integer NOT NULL,
    processed integer NOT NULL CHECK (processed >= 0 AND processed <= requested),
    error text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    completed_at timestamptz,
    PRIMARY KEY (workspace_id, id)
) WITH (fillfactor = 70);
-- The oldest living one of an instance is the one being worked on.
CREATE INDEX number_lookups_live ON number_lookups (instance_id, id)
    WHERE status IN ('pending', 'processing');

-- The numbers of a look-up in pieces, and what came of them: apart, so that lists of look-ups stay
-- narrow. Part -1 has what is no possible number, as it was written.
CREATE TABLE number_lookup_parts (
    lookup_id uuid NOT NULL,
    no integer NOT NULL,
    phones bigint[] NOT NULL DEFAULT '{}',
    -- The numbers they have at WhatsApp, 0 for none; NULL while nobody was asked.
    found bigint[],
    invalid text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (lookup_id, no),
    CONSTRAINT number_lookup_parts_found_whole CHECK (cardinality(found) = cardinality(phones))
);

-- Whose turn it is to ask, for instances with living look-ups. Who takes a turn puts the next one
-- off, and brings it forward when done: one that is killed leaves a turn that runs out.
CREATE TABLE number_lookup_turns (
    instance_id uuid PRIMARY KEY,
    turn_at timestamptz NOT NULL,
    number bigint NOT NULL DEFAULT 0,
    tries integer NOT NULL DEFAULT 0,
    stalled_since timestamptz
) WITH (fillfactor = 50);
CREATE INDEX number_lookup_turns_due ON number_lookup_turns (turn_at);
