-- Who belongs to a team, who is asked to, and which numbers collaborators may use there.

-- One row per stay: who left and came back has two.
CREATE TABLE team_members (
    id uuid PRIMARY KEY,
    team_id uuid NOT NULL REFERENCES teams (id),
    user_id uuid NOT NULL REFERENCES users (id),
    role text NOT NULL CONSTRAINT team_members_role_known
        CHECK (role IN ('owner', 'admin', 'collaborator')),
    joined_at timestamptz NOT NULL,
    ended_at timestamptz,
    ended_for text CONSTRAINT team_members_ended_for_known CHECK (ended_for IN ('left', 'removed')),
    ended_by uuid REFERENCES users (id),
    CONSTRAINT team_members_ended_whole
        CHECK ((ended_at IS NULL) = (ended_for IS NULL) AND (ended_at IS NULL) = (ended_by IS NULL))
);
-- What every request of a member looks up.
CREATE UNIQUE INDEX team_members_one_stay ON team_members (team_id, user_id) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX team_members_one_owner ON team_members (team_id)
    WHERE role = 'owner' AND ended_at IS NULL;
CREATE INDEX team_members_user ON team_members (user_id) WHERE ended_at IS NULL;

INSERT INTO team_members (id, team_id, user_id, role, joined_at)
    SELECT id, id, owner_id, 'owner', created_at FROM teams;

CREATE TABLE team_invitations (
    id uuid PRIMARY KEY,
    team_id uuid NOT NULL REFERENCES teams (id),
    email text NOT NULL,
    role text NOT NULL CONSTRAINT team_invitations_role_known
        CHECK (role IN ('admin', 'collaborator')),
    -- SHA-256 of what the link carries: the token itself is in the mail alone.
    token_hash bytea NOT NULL,
    invited_by uuid NOT NULL REFERENCES users (id),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    -- How it ended, if not by time.
    ended_at timestamptz,
    ended_for text CONSTRAINT team_invitations_ended_for_known
        CHECK (ended_for IN ('accepted', 'declined', 'revoked', 'replaced', 'team_deleted')),
    -- Who accepted or declined it, or took it back.
    ended_by uuid REFERENCES users (id),
    CONSTRAINT team_invitations_token_unique UNIQUE (token_hash),
    CONSTRAINT team_invitations_ended_whole CHECK ((ended_at IS NULL) = (ended_for IS NULL))
);
-- An address is asked once at a time. The order is that in which lists show them.
CREATE UNIQUE INDEX team_invitations_one_open ON team_invitations (team_id, lower(email))
    WHERE ended_at IS NULL;
CREATE INDEX team_invitations_email ON team_invitations (lower(email)) WHERE ended_at IS NULL;

-- The numbers that collaborators may use; owners and admins may use all of them.
CREATE TABLE team_instance_assignments (
    team_id uuid NOT NULL REFERENCES teams (id),
    user_id uuid NOT NULL REFERENCES users (id),
    instance_id uuid NOT NULL REFERENCES instances (id),
    assigned_by uuid NOT NULL REFERENCES users (id),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (team_id, user_id, instance_id)
);

-- Teams that are gone while something of theirs may still be under way: queued messages, jobs,
-- webhooks. It is ended little by little, and looked for once more after the last request that could
-- have been under way when the team was deleted.
CREATE TABLE team_remains (
    team_id uuid PRIMARY KEY REFERENCES teams (id),
    owner_id uuid NOT NULL,
    deleted_at timestamptz NOT NULL,
    next_look_at timestamptz NOT NULL
);
CREATE INDEX team_remains_due ON team_remains (next_look_at);

-- Who did what, to whom or what, and when. Nothing changes a row; after some time it is removed.
CREATE TABLE audit_log (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    account_id uuid NOT NULL,
    team_id uuid,
    -- NULL is the operator.
    actor_id uuid,
    action text NOT NULL,
    target_kind text NOT NULL,
    target_id uuid NOT NULL,
    data jsonb NOT NULL
);
CREATE INDEX audit_log_team ON audit_log (team_id, id) WHERE team_id IS NOT NULL;
