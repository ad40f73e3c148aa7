-- Who must not be written to, and how people say so.

-- Looked up by key whenever a message is accepted or its call begins.
CREATE TABLE suppressions (
    workspace_id uuid NOT NULL,
    phone bigint NOT NULL,
    source text NOT NULL CONSTRAINT suppressions_source_known
        CHECK (source IN ('manual', 'import', 'stop_word')),
    reason text CONSTRAINT suppressions_reason_short CHECK (char_length(reason) <= 200),
    -- The number that a stop word was sent to.
    instance_id uuid,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, phone)
);
-- Lists, the newest first; thousands are added in one moment.
CREATE INDEX suppressions_newest ON suppressions (workspace_id, created_at, phone);
CREATE INDEX suppressions_source ON suppressions (workspace_id, source, created_at, phone);

-- A workspace without a row has the words that everybody has, and confirms nothing.
CREATE TABLE opt_out_settings (
    workspace_id uuid PRIMARY KEY,
    stop_words text[] NOT NULL,
    confirmation text CONSTRAINT opt_out_settings_confirmation_short
        CHECK (char_length(confirmation) <= 1024),
    updated_at timestamptz NOT NULL
);

-- It goes out although its recipient is on the list.
ALTER TABLE queue ADD COLUMN ignores_suppression boolean NOT NULL DEFAULT false;
