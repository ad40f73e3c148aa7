-- Messages with gaps. Ids are UUIDv7, so the key is also the order in which lists show them, and it
-- counts the few that one workspace has.
CREATE TABLE templates (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL REFERENCES users (id),
    created_by uuid NOT NULL,
    name text NOT NULL,
    kind text NOT NULL
        CONSTRAINT templates_kind_known
        CHECK (kind IN ('text', 'image', 'video', 'audio', 'document')),
    body text,
    media_url text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
