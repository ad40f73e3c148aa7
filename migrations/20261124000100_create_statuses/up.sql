-- WhatsApp statuses: each row is the mark of one call, its reservation and what came of it.

CREATE TABLE statuses (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    acting_user_id uuid NOT NULL,
    instance_id uuid NOT NULL,
    kind text NOT NULL CONSTRAINT statuses_kind_known CHECK (kind IN ('text', 'image')),
    -- The words, or the address of the picture.
    content text NOT NULL,
    caption text,
    background_color text,
    state text NOT NULL CONSTRAINT statuses_state_known
        CHECK (state IN ('pending', 'published', 'failed')),
    error text,
    code text,
    provider_message_id text,
    -- The month it was reserved in: pending ones are reserved there, published ones charged to it.
    period integer NOT NULL,
    -- The client's key and the hash of what was asked, while the answer is not known.
    replay_key bytea,
    replay_request bytea,
    request_id text,
    -- Since when what came of the call is waited for: since its start, or since a restore.
    waited_since timestamptz NOT NULL,
    -- Until when the call may be under way.
    lease_until timestamptz,
    -- When to ask the provider.
    look_at timestamptz,
    looks integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id),
    CONSTRAINT statuses_look_at_pending CHECK ((state = 'pending') = (look_at IS NOT NULL)),
    CONSTRAINT statuses_caption_kind CHECK (caption IS NULL OR kind = 'image'),
    CONSTRAINT statuses_background_color_kind CHECK ((background_color IS NOT NULL) = (kind = 'text'))
) WITH (fillfactor = 80);
CREATE INDEX statuses_due ON statuses (look_at) WHERE state = 'pending';
CREATE INDEX statuses_open ON statuses (instance_id) WHERE state = 'pending';
-- Equal requests follow each other.
CREATE UNIQUE INDEX statuses_running ON statuses (workspace_id, replay_key)
    WHERE state = 'pending' AND replay_key IS NOT NULL;
-- What the provider stored is one status, never two.
CREATE UNIQUE INDEX statuses_provider_message ON statuses (instance_id, provider_message_id)
    WHERE provider_message_id IS NOT NULL;
-- For the recount of the ledger.
CREATE INDEX statuses_charged ON statuses (period, account_id) WHERE state = 'published';
