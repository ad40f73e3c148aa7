-- Campaigns, and to whom they go.

CREATE TABLE campaigns (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    account_id uuid NOT NULL,
    team_id uuid,
    acting_user_id uuid NOT NULL,
    instance_id uuid NOT NULL,
    name text NOT NULL,
    -- Either a template with its values, or content that is the same for everybody.
    template_id uuid,
    variables jsonb,
    content jsonb,
    -- As it was given; who that is, is found out when a run starts.
    audience jsonb NOT NULL,
    schedule timestamptz NOT NULL,
    repeat text NOT NULL CONSTRAINT campaigns_repeat_known
        CHECK (repeat IN ('none', 'daily', 'weekly')),
    send_by timestamptz,
    send_window jsonb,
    retry_of uuid,
    status text NOT NULL CONSTRAINT campaigns_status_known
        CHECK (status IN ('scheduled', 'running', 'paused', 'paused_quota', 'paused_plan',
            'completed', 'cancelled', 'failed')),
    error text,
    -- The run at hand, or the last one.
    run_id uuid,
    run_started_at timestamptz,
    -- Where writing down its audience goes on: in which list, behind whom. NULL when that is done.
    expand_list integer,
    expand_after uuid,
    -- Messages were made up to this one; what lies between the two may have been made already.
    made_to uuid,
    made_most uuid,
    processing_started_at timestamptz,
    last_enqueued_at timestamptz,
    completed_at timestamptz,
    cancelled_at timestamptz,
    -- When it is to be looked at; NULL when there is nothing to do.
    turn_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    CONSTRAINT campaigns_content_one CHECK ((content IS NULL) = (variables IS NOT NULL))
) WITH (fillfactor = 50);
CREATE INDEX campaigns_workspace ON campaigns (workspace_id, id) WHERE deleted_at IS NULL;
CREATE INDEX campaigns_turns ON campaigns (turn_at) WHERE turn_at IS NOT NULL;
-- Failures are sent once more by one campaign.
CREATE UNIQUE INDEX campaigns_one_retry ON campaigns (retry_of)
    WHERE retry_of IS NOT NULL AND deleted_at IS NULL;

-- Apart from its campaign: counting must not wait for whoever pauses it, nor the other way round. Locked
-- last of all.
CREATE TABLE campaign_counters (
    campaign_id uuid PRIMARY KEY,
    planned bigint NOT NULL DEFAULT 0,
    queued bigint NOT NULL DEFAULT 0,
    sent bigint NOT NULL DEFAULT 0,
    delivered bigint NOT NULL DEFAULT 0,
    read bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0,
    cancelled bigint NOT NULL DEFAULT 0,
    skipped bigint NOT NULL DEFAULT 0,
    made bigint NOT NULL DEFAULT 0,
    last_activity_at timestamptz,
    CONSTRAINT campaign_counters_planned_sum CHECK (planned = queued + sent + failed + cancelled)
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- One row for each number of a run: a second copy cannot be made. It has the id of its message before that
-- is made. Rows are written once; what happened is with the message.
CREATE TABLE campaign_recipients (
    run_id uuid NOT NULL,
    phone bigint NOT NULL,
    campaign_id uuid NOT NULL,
    message_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    -- Why it is left out: 0 not at all, 1 opted out, 2 the contact is gone, 3 its number is another
    -- recipient's.
    skip smallint NOT NULL DEFAULT 0 CHECK (skip BETWEEN 0 AND 3),
    PRIMARY KEY (run_id, phone)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
-- The order in which they are written to, over all runs.
CREATE UNIQUE INDEX campaign_recipients_order ON campaign_recipients (campaign_id, message_id);

ALTER TABLE queue ADD COLUMN campaign_id uuid;
-- No call begins at or after this moment: a campaign's hours end, or its time is over.
ALTER TABLE queue ADD COLUMN until timestamptz;
