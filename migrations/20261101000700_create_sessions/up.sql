-- How people sign in to the console, and the mail it takes.

-- A token of the console counts while its row here is live.
CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoked_for text CONSTRAINT sessions_revoked_for_known CHECK (revoked_for IN
        ('logout', 'refresh', 'password', 'reset', 'suspended', 'linked', 'operator')),
    CONSTRAINT sessions_revoked_for_whole CHECK ((revoked_at IS NULL) = (revoked_for IS NULL))
);
CREATE INDEX sessions_user ON sessions (user_id) WHERE revoked_at IS NULL;
CREATE INDEX sessions_expiry ON sessions (expires_at);
CREATE INDEX sessions_ended ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;

-- Private keys that sign tokens, PKCS#8. One signs; those before it only verify, for a while.
CREATE TABLE signing_keys (
    kid uuid PRIMARY KEY,
    private_key bytea NOT NULL,
    created_at timestamptz NOT NULL,
    verifies_until timestamptz
);
CREATE UNIQUE INDEX signing_keys_one_signs ON signing_keys ((true)) WHERE verifies_until IS NULL;

-- What the links of mails carry, as SHA-256: the tokens themselves are in the mails alone.
CREATE TABLE one_time_tokens (
    hash bytea PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    purpose text NOT NULL CONSTRAINT one_time_tokens_purpose_known
        CHECK (purpose IN ('verify_email', 'reset_password')),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    replaced_at timestamptz
);
-- A new one takes the place of the one before.
CREATE UNIQUE INDEX one_time_tokens_one_counts ON one_time_tokens (user_id, purpose)
    WHERE used_at IS NULL AND replaced_at IS NULL;
CREATE INDEX one_time_tokens_expiry ON one_time_tokens (expires_at);

-- Who asked for a mail, whether or not there is such an account: asking writes one row either way.
CREATE TABLE mail_requests (
    id uuid PRIMARY KEY,
    kind text NOT NULL CONSTRAINT mail_requests_kind_known
        CHECK (kind IN ('verify_email', 'reset_password')),
    email text NOT NULL,
    created_at timestamptz NOT NULL
);

-- Accounts elsewhere that open accounts here.
CREATE TABLE identities (
    issuer text NOT NULL,
    subject text NOT NULL,
    user_id uuid NOT NULL REFERENCES users (id),
    email text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_user ON identities (user_id);

-- The times of the latest tries per address and per network, oldest first. Keys are hashes.
CREATE TABLE sign_in_tries (
    key bytea PRIMARY KEY,
    tries timestamptz[] NOT NULL,
    -- The try that was let in last.
    last_try uuid NOT NULL,
    forget_at timestamptz NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX sign_in_tries_age ON sign_in_tries (forget_at);

-- Mail on its way. What is sent or given up loses its body: bodies carry links that open accounts.
CREATE TABLE mails (
    id uuid PRIMARY KEY,
    user_id uuid REFERENCES users (id),
    recipient text NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    text text NOT NULL,
    html text NOT NULL,
    created_at timestamptz NOT NULL,
    give_up_at timestamptz NOT NULL,
    -- NULL once it was sent or given up.
    next_try_at timestamptz,
    tries integer NOT NULL DEFAULT 0,
    sent_at timestamptz,
    failed_at timestamptz,
    error text
) WITH (fillfactor = 80);
CREATE INDEX mails_due ON mails (next_try_at) WHERE next_try_at IS NOT NULL;
