-- Facts, who wants to hear of them, and how telling them went.

CREATE TABLE webhook_endpoints (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    account_id uuid NOT NULL REFERENCES users (id),
    created_by uuid NOT NULL,
    url text NOT NULL,
    secret text NOT NULL,
    events text[] NOT NULL,
    active boolean NOT NULL DEFAULT true,
    -- Why it is not active, when we switched it off.
    disabled_reason text,
    -- The secret before the last rotation signs too, until then.
    previous_secret text,
    previous_secret_until timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX webhook_endpoints_workspace ON webhook_endpoints (workspace_id, id);
CREATE INDEX webhook_endpoints_account ON webhook_endpoints (account_id);

-- How an endpoint fares of late. Apart from the endpoint, whose row everybody shares while events
-- are handed out; there is no row while nothing fails.
CREATE TABLE webhook_health (
    endpoint_id uuid PRIMARY KEY,
    -- Attempts that failed in a row, and the first of them.
    failures integer NOT NULL,
    failing_since timestamptz,
    -- Nothing is posted before.
    paused_until timestamptz
) WITH (fillfactor = 70);

CREATE TABLE events (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    name text NOT NULL,
    -- Not jsonb: deliveries send this very text, the same bytes on every attempt.
    payload json NOT NULL,
    -- The request that set it off, to follow one message through the logs.
    request_id text,
    at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id)
);

-- Events not yet handed to endpoints. Claimed and deleted, never read by id ranges: a late commit
-- would be missed.
CREATE TABLE outbox (
    event_id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

CREATE TABLE deliveries (
    endpoint_id uuid NOT NULL,
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    event_id uuid NOT NULL,
    event text NOT NULL,
    status text NOT NULL CHECK (status IN ('pending', 'delivered', 'failed')),
    attempts integer NOT NULL DEFAULT 0,
    -- Attempts before it was last taken up again: the schedule counts from there.
    spent integer NOT NULL DEFAULT 0,
    response_status integer,
    response_excerpt text,
    error text,
    next_attempt_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (endpoint_id, id)
) WITH (fillfactor = 80);

CREATE TABLE delivery_queue (
    delivery_id uuid PRIMARY KEY,
    endpoint_id uuid NOT NULL,
    due_at timestamptz NOT NULL,
    lease_until timestamptz
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
-- The order in which one endpoint is served: a claim reads its first rows and no more.
CREATE INDEX delivery_queue_endpoint ON delivery_queue (endpoint_id, due_at, delivery_id);

-- What account owners are told.
CREATE TABLE notices (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    data jsonb NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX notices_account ON notices (account_id, id);
