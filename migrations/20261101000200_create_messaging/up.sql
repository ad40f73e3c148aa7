-- Numbers, messages and the machinery that sends them.
--
-- Tables on the path of every message carry no foreign keys: a check per row costs more than the
-- row, and their parents are soft-deleted. Ids are UUIDv7, so key order is time order. Phones are
-- their digits as bigint.

-- A connected WhatsApp number. It belongs to the account and serves all its workspaces.
CREATE TABLE instances (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES users (id),
    name text NOT NULL,
    -- The name it has at the provider; ours to choose, never shown.
    session text NOT NULL,
    -- What the provider sends with each event to prove that it is the provider.
    webhook_secret text NOT NULL,
    wa_number bigint,
    status text NOT NULL
        CHECK (status IN ('disconnected', 'connecting', 'connected', 'suspended')),
    -- Buttons go out as numbered text unless the operator switches this on.
    native_buttons boolean NOT NULL DEFAULT false,
    is_business boolean,
    meta jsonb,
    first_connected_at timestamptz,
    connecting_since timestamptz,
    -- The provider is re-establishing a connection that was open.
    reconnecting_since timestamptz,
    -- The number the linking under way was asked for.
    expected_number bigint,
    -- A phone that was refused waits to be unlinked at the provider.
    unlink_since timestamptz,
    -- WhatsApp refused its messages to new contacts: they wait until then.
    restricted_until timestamptz,
    -- How often in a row that happened, and refusals since somebody was reached.
    restrictions integer NOT NULL DEFAULT 0,
    errors_in_row integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    CONSTRAINT instances_session_unique UNIQUE (session)
);
-- The deleted ones too: their messages still count.
CREATE INDEX instances_account ON instances (account_id, id);

CREATE TABLE messages (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    team_id uuid,
    acting_user_id uuid NOT NULL,
    instance_id uuid NOT NULL,
    contact_id uuid,
    campaign_id uuid,
    inbound boolean NOT NULL,
    kind text NOT NULL,
    -- The other side: recipient of an outbound message, sender of an inbound one. NULL when the
    -- provider knows only an opaque address.
    peer bigint,
    -- Our side of an inbound message.
    own_number bigint,
    body text,
    media_url text,
    -- 0 queued, 1 sent, 2 delivered, 3 read, 4 failed, 5 cancelled, 6 received.
    status smallint NOT NULL CHECK (status BETWEEN 0 AND 6),
    -- The month the ledger charged it to, which is that of its reservation; NULL while the provider
    -- has not taken it. No index names it: receipts must stay HOT updates.
    charged_period integer,
    error text,
    meta jsonb NOT NULL,
    provider_message_id text,
    scheduled_at timestamptz,
    -- The request that made it, to follow one message through the logs.
    request_id text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id)
) WITH (fillfactor = 80);
CREATE INDEX messages_peer ON messages (workspace_id, peer, id);
CREATE INDEX messages_instance ON messages (instance_id, created_at);
-- Those that are charged to another month than that of their creation; no other message pays for it.
CREATE INDEX messages_scheduled ON messages (instance_id, scheduled_at)
    WHERE scheduled_at IS NOT NULL;
-- Who wrote to a number.
CREATE INDEX messages_wrote ON messages (instance_id, peer) WHERE inbound;

-- What still has to be sent, and nothing else: rows leave when their message ends or is accepted.
CREATE TABLE queue (
    instance_id uuid NOT NULL,
    message_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    account_id uuid NOT NULL,
    phone bigint NOT NULL,
    -- 0 single, 1 scheduled, 2 campaign: served in this order.
    class smallint NOT NULL,
    -- 0 waits for its time, 1 ready, 2 the call was started, 3 the call's outcome is unknown,
    -- 4 came out of a backup: may have been sent since, and is yet to be looked up.
    state smallint NOT NULL CHECK (state BETWEEN 0 AND 4),
    due_at timestamptz NOT NULL,
    not_before timestamptz NOT NULL,
    -- When it first could have been sent from here; the time limits for waiting count from then.
    ready_since timestamptz,
    -- The month its reservation is charged to; NULL until reserved.
    period integer,
    -- Calls begun, and calls that proved to have had no effect.
    attempt integer NOT NULL DEFAULT 0,
    misses integer NOT NULL DEFAULT 0,
    owner uuid,
    started_at timestamptz,
    lease_until timestamptz,
    -- When to look the outcome up again, and how often that was done.
    look_at timestamptz,
    looks integer NOT NULL DEFAULT 0,
    -- It is known to have left; only its id is missing.
    has_left boolean NOT NULL DEFAULT false,
    -- It was sent once more after nobody knew, or must not be; that happens once.
    resent boolean NOT NULL DEFAULT false,
    PRIMARY KEY (instance_id, message_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
CREATE INDEX queue_ready ON queue (instance_id, class, due_at, message_id) WHERE state = 1;
CREATE INDEX queue_waiting ON queue (due_at) WHERE state = 0;
CREATE INDEX queue_leases ON queue (lease_until) WHERE state = 2;
CREATE INDEX queue_unknown ON queue (look_at) WHERE state = 3;
CREATE INDEX queue_doubtful ON queue (instance_id, phone, due_at, message_id) WHERE state = 4;
-- Two open calls to one recipient could not be told apart afterwards.
CREATE UNIQUE INDEX queue_one_open_per_recipient ON queue (instance_id, phone)
    WHERE state IN (2, 3);

-- Processes that send. One that has not beaten for a while has lost its lanes.
CREATE TABLE workers (
    id uuid PRIMARY KEY,
    beat_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- An instance's sending line. Whoever starts a call holds its row and must be its owner; the pace is
-- in the owner's memory.
CREATE TABLE lanes (
    instance_id uuid PRIMARY KEY,
    owner uuid,
    -- Counts the owners: one that was away for long finds another number here.
    epoch bigint NOT NULL DEFAULT 0,
    -- Since when its calls prove that nothing can leave.
    down_since timestamptz
) WITH (fillfactor = 50);

-- The provider's message ids, ours by (instance, id) alone: its addresses change under way.
CREATE TABLE provider_refs (
    instance_id uuid NOT NULL,
    key_id text NOT NULL,
    workspace_id uuid NOT NULL,
    message_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (instance_id, key_id)
);

-- The last message known to have left an instance: the witness that the provider remembers.
CREATE INDEX provider_refs_newest ON provider_refs (instance_id, created_at);

-- How far each look for messages without a receipt has come: behind this id in the order of
-- creation. One process has a look at a time.
CREATE TABLE receipt_looks (
    look smallint PRIMARY KEY,
    at timestamptz NOT NULL,
    instance_id uuid NOT NULL,
    key_id text NOT NULL,
    lease_until timestamptz NOT NULL
) WITH (fillfactor = 50);
INSERT INTO receipt_looks
    SELECT look, '-infinity', '00000000-0000-0000-0000-000000000000', '', '-infinity'
    FROM generate_series(0, 2) AS look;

-- What the provider told us, stored before it is applied. A receipt has a rank and nothing else;
-- an announcement of a message that left has the id it announces; other events have their data
-- alone.
CREATE TABLE inbox (
    id uuid PRIMARY KEY,
    instance_id uuid NOT NULL,
    -- WhatsApp's id of the message that a receipt or an announcement is about.
    key_id text,
    -- 1 refused, 2 delivered, 3 read.
    rank smallint CHECK (rank BETWEEN 1 AND 3),
    event text,
    data jsonb,
    received_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    tries integer NOT NULL DEFAULT 0,
    CONSTRAINT inbox_receipt_or_event CHECK (CASE WHEN rank IS NULL
        THEN event IS NOT NULL AND data IS NOT NULL
        ELSE key_id IS NOT NULL AND event IS NULL AND data IS NULL END)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
CREATE INDEX inbox_receipts ON inbox (due_at, id) WHERE rank IS NOT NULL;
-- Receipts that were put off, by the id they wait for.
CREATE INDEX inbox_waiting ON inbox (instance_id, key_id) WHERE rank IS NOT NULL AND tries > 0;
CREATE INDEX inbox_announcements ON inbox (due_at, id) WHERE rank IS NULL AND key_id IS NOT NULL;
CREATE INDEX inbox_events ON inbox (due_at, id) WHERE key_id IS NULL;
CREATE INDEX inbox_instance_events ON inbox (instance_id, received_at, id) WHERE key_id IS NULL;

-- Addresses that WhatsApp uses for a number we know: opaque ones, and numbers with other digits.
CREATE TABLE known_addresses (
    instance_id uuid NOT NULL,
    address text NOT NULL,
    phone bigint NOT NULL,
    PRIMARY KEY (instance_id, address)
);

-- Calls that were given up because nobody could say what became of them. A proof that comes later
-- is noted with their message.
CREATE TABLE lost_calls (
    instance_id uuid NOT NULL,
    phone bigint NOT NULL,
    message_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    started_at timestamptz NOT NULL,
    PRIMARY KEY (instance_id, phone, message_id)
);

-- The outbound ledger. Two rows per account and month, so that accepting and settling do not wait
-- for each other; both only grow.
CREATE TABLE usage_holds (
    account_id uuid NOT NULL,
    period integer NOT NULL,
    reserved_total bigint NOT NULL,
    PRIMARY KEY (account_id, period)
) WITH (fillfactor = 50);
CREATE TABLE usage_settled (
    account_id uuid NOT NULL,
    period integer NOT NULL,
    messages bigint NOT NULL,
    statuses bigint NOT NULL,
    released bigint NOT NULL,
    PRIMARY KEY (account_id, period)
) WITH (fillfactor = 50);

CREATE TABLE idempotency_keys (
    workspace_id uuid NOT NULL,
    route text NOT NULL,
    key_hash bytea NOT NULL,
    request_hash bytea NOT NULL,
    status smallint NOT NULL,
    body text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, route, key_hash)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
