-- People, their teams, keys, plans and what they paid. All of it is read often and written rarely.

CREATE TABLE users (
    id uuid PRIMARY KEY,
    email text NOT NULL,
    full_name text NOT NULL,
    display_name text,
    phone text NOT NULL DEFAULT '',
    avatar_url text,
    password_hash text,
    email_verified_at timestamptz,
    suspended_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
-- One account per address, whatever its capitals.
CREATE UNIQUE INDEX users_email_unique ON users (lower(email));

CREATE TABLE teams (
    id uuid PRIMARY KEY,
    owner_id uuid NOT NULL REFERENCES users (id),
    name text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz
);
CREATE INDEX teams_owner ON teams (owner_id) WHERE deleted_at IS NULL;

CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    -- Who pays: the owner of the personal workspace or of the team.
    account_id uuid NOT NULL REFERENCES users (id),
    team_id uuid REFERENCES teams (id),
    created_by uuid NOT NULL REFERENCES users (id),
    name text NOT NULL,
    prefix text NOT NULL,
    -- SHA-256 of the whole key; the key itself is shown once and never stored.
    hash bytea NOT NULL,
    last_used_at timestamptz,
    revoked_at timestamptz,
    created_at timestamptz NOT NULL,
    CONSTRAINT api_keys_hash_unique UNIQUE (hash)
);
CREATE INDEX api_keys_account ON api_keys (account_id) WHERE revoked_at IS NULL;

-- A changed plan is a new row with a higher version: subscribers keep what they bought.
CREATE TABLE plans (
    id uuid PRIMARY KEY,
    code text NOT NULL,
    version integer NOT NULL,
    name text NOT NULL,
    price integer NOT NULL,
    currency text NOT NULL,
    is_active boolean NOT NULL,
    rank integer NOT NULL,
    max_instances integer,
    max_api_keys integer,
    max_webhook_endpoints integer,
    max_contact_groups integer,
    max_teams integer,
    max_seats_per_team integer,
    monthly_outbound_quota integer,
    monthly_api_request_quota integer,
    feature_campaigns boolean NOT NULL,
    feature_statuses boolean NOT NULL,
    feature_voice_notes boolean NOT NULL,
    feature_webhooks boolean NOT NULL,
    feature_number_lookups boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT plans_code_version_unique UNIQUE (code, version)
);

CREATE TABLE subscriptions (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES users (id),
    plan_id uuid NOT NULL REFERENCES plans (id),
    status text NOT NULL
        CHECK (status IN ('active', 'trialing', 'past_due', 'cancelled', 'expired')),
    provider text NOT NULL CHECK (provider IN ('none', 'manual', 'dodo', 'stripe')),
    period_start timestamptz NOT NULL,
    period_end timestamptz,
    cancel_at_period_end boolean NOT NULL DEFAULT false,
    scheduled_plan text,
    scheduled_at timestamptz,
    scheduled_action text CHECK (scheduled_action IN ('downgrade', 'cancel')),
    past_due_since timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT subscriptions_account_unique UNIQUE (account_id)
);

CREATE TABLE payments (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES users (id),
    provider text NOT NULL,
    plan_code text NOT NULL,
    plan_name text NOT NULL,
    amount bigint NOT NULL,
    currency text NOT NULL,
    status text NOT NULL CHECK (status IN ('succeeded', 'failed', 'pending', 'refunded')),
    period_start timestamptz,
    period_end timestamptz,
    created_at timestamptz NOT NULL
);
CREATE INDEX payments_account ON payments (account_id, created_at DESC, id DESC);

-- Public API requests per key and month (period 202605 is May 2026).
CREATE TABLE api_usage (
    account_id uuid NOT NULL,
    period integer NOT NULL,
    key_id uuid NOT NULL,
    request_count bigint NOT NULL,
    last_request_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, period, key_id)
) WITH (fillfactor = 70);
