-- Contacts, their groups, and what is done with many of them at once.
--
-- Whoever changes anything of a workspace's book holds its row in address_books until the change is
-- kept. Changes of one book so follow each other: the counters here are exact, and need no foreign
-- keys to be. Reading a book, and sending from it, waits for nobody.

CREATE TABLE address_books (
    workspace_id uuid PRIMARY KEY,
    contacts bigint NOT NULL DEFAULT 0 CHECK (contacts >= 0),
    groups bigint NOT NULL DEFAULT 0 CHECK (groups >= 0),
    -- When it is this book's turn to have its oldest job worked on; NULL without one. Imports take
    -- turns of their own.
    job_turn_at timestamptz,
    import_turn_at timestamptz
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX address_books_job_turns ON address_books (job_turn_at)
    WHERE job_turn_at IS NOT NULL;
CREATE INDEX address_books_import_turns ON address_books (import_turn_at)
    WHERE import_turn_at IS NOT NULL;

-- Ids are UUIDv7: the primary key is the order of creation. `name_key` and `needle` are made by the
-- program, which knows what looks alike, so that no collation of the server decides: the first is
-- what lists sort by, the second what searches look into.
CREATE TABLE contacts (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    name text NOT NULL,
    phone bigint NOT NULL,
    tags text[] NOT NULL DEFAULT '{}',
    meta jsonb,
    name_key text COLLATE "C" NOT NULL,
    needle text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id),
    CONSTRAINT contacts_workspace_phone_unique UNIQUE (workspace_id, phone)
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05,
        autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
CREATE INDEX contacts_name ON contacts (workspace_id, name_key, id);

-- The tags once more, as lists of contacts.
CREATE TABLE contact_tags (
    workspace_id uuid NOT NULL,
    tag text COLLATE "C" NOT NULL,
    contact_id uuid NOT NULL,
    PRIMARY KEY (workspace_id, tag, contact_id)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05,
        autovacuum_analyze_scale_factor = 0.02);

-- How long each of these lists is; an empty one has no row.
CREATE TABLE tag_counts (
    workspace_id uuid NOT NULL,
    tag text COLLATE "C" NOT NULL,
    contacts bigint NOT NULL CHECK (contacts >= 0),
    PRIMARY KEY (workspace_id, tag)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);

CREATE TABLE contact_groups (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    name text NOT NULL,
    -- What makes two names the same: letter case and surplus blanks do not tell them apart.
    name_key text COLLATE "C" NOT NULL,
    description text,
    color text,
    needle text COLLATE "C" NOT NULL,
    contact_count bigint NOT NULL DEFAULT 0 CHECK (contact_count >= 0),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id),
    CONSTRAINT contact_groups_workspace_name_unique UNIQUE (workspace_id, name_key)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
-- The plan counts them over all workspaces.
CREATE INDEX contact_groups_account ON contact_groups (account_id);

CREATE TABLE contact_group_members (
    group_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    added_at timestamptz NOT NULL,
    PRIMARY KEY (group_id, contact_id)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05,
        autovacuum_analyze_scale_factor = 0.02);
CREATE INDEX contact_group_members_added ON contact_group_members (group_id, added_at, contact_id);
CREATE INDEX contact_group_members_contact ON contact_group_members (contact_id, group_id);

-- Groups that are gone while their members are still listed: nobody sees them, and they are
-- removed little by little.
CREATE TABLE contact_group_remains (
    group_id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL
);

-- Bulk changes that are too large for one request. The oldest one of a book that has not ended is
-- the one being worked on.
CREATE TABLE contact_jobs (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    operation text NOT NULL
        CHECK (operation IN ('bulk_delete_contacts', 'add_to_group', 'remove_from_group')),
    group_id uuid,
    status text NOT NULL
        CHECK (status IN ('pending', 'processing', 'done', 'failed', 'cancelled')),
    requested integer NOT NULL,
    processed integer NOT NULL DEFAULT 0,
    -- Deleted, added or removed.
    changed integer NOT NULL DEFAULT 0,
    -- Already in the group, or not in it.
    unchanged integer NOT NULL DEFAULT 0,
    not_found integer NOT NULL DEFAULT 0,
    -- How often the batch at hand has failed.
    tries integer NOT NULL DEFAULT 0,
    error text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    completed_at timestamptz,
    PRIMARY KEY (workspace_id, id),
    CONSTRAINT contact_jobs_counters_sum CHECK (changed + unchanged + not_found = processed)
) WITH (fillfactor = 70);
CREATE INDEX contact_jobs_live ON contact_jobs (workspace_id, id)
    WHERE status IN ('pending', 'processing');

-- What a job is about, as long as it lives: apart, so that lists of jobs stay narrow.
CREATE TABLE contact_job_ids (
    job_id uuid PRIMARY KEY,
    ids uuid[] NOT NULL
);

CREATE TABLE contact_imports (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    user_id uuid NOT NULL,
    group_id uuid,
    status text NOT NULL CHECK (status IN ('pending', 'processing', 'done', 'failed')),
    total_rows integer NOT NULL,
    processed_rows integer NOT NULL DEFAULT 0,
    imported integer NOT NULL DEFAULT 0,
    updated integer NOT NULL DEFAULT 0,
    skipped integer NOT NULL DEFAULT 0,
    invalid integer NOT NULL DEFAULT 0,
    tries integer NOT NULL DEFAULT 0,
    error text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    completed_at timestamptz,
    PRIMARY KEY (workspace_id, id)
) WITH (fillfactor = 70);
CREATE INDEX contact_imports_live ON contact_imports (workspace_id, id)
    WHERE status IN ('pending', 'processing');

-- Rows as they were read when the file came, some hundreds at a time, and what was wrong with the
-- others.
CREATE TABLE contact_import_chunks (
    import_id uuid NOT NULL,
    no integer NOT NULL,
    rows jsonb NOT NULL,
    errors jsonb NOT NULL,
    PRIMARY KEY (import_id, no)
);

-- Whether the person behind a number wrote to a workspace, and when last.
CREATE INDEX messages_heard ON messages (workspace_id, peer, id) WHERE inbound;
