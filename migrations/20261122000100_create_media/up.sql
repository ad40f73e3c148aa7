-- Files that people upload, to be sent within a day. Their bytes lie elsewhere.

CREATE TABLE media (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    created_by uuid NOT NULL,
    mime_type text NOT NULL,
    size_bytes bigint NOT NULL CONSTRAINT media_size_bytes_positive CHECK (size_bytes > 0),
    original_name text NOT NULL,
    -- What opens it, as SHA-256: the token itself is in its address alone.
    token_hash bytea NOT NULL,
    -- Whether its bytes are kept; until then it counts, and nobody sees it.
    is_stored boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id),
    CONSTRAINT media_token_hash_unique UNIQUE (token_hash)
);
CREATE INDEX media_expiry ON media (expires_at);

-- The key that signs addresses of files, for every process of the installation.
CREATE TABLE media_keys (
    is_the_one boolean PRIMARY KEY DEFAULT true
        CONSTRAINT media_keys_is_the_one_only CHECK (is_the_one),
    key bytea NOT NULL
);
