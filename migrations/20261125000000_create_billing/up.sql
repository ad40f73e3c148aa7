-- Subscriptions as they live: what payment providers charge for, what they tell, what is begun at them, and
-- what a plan takes away and gives back.

-- What was agreed with payment providers. A subscription rests on the current one.
CREATE TABLE billing_agreements (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES users (id),
    provider text NOT NULL
        CONSTRAINT billing_agreements_provider_known CHECK (provider IN ('dodo', 'stripe')),
    -- What the provider calls it, and the payer.
    reference text NOT NULL,
    customer text,
    bought_plan_id uuid NOT NULL REFERENCES plans (id),
    bought_code text NOT NULL,
    -- What the provider calls what was bought.
    product text,
    is_current boolean NOT NULL,
    covered_at timestamptz NOT NULL,
    -- What the provider is to do, and what it was last told.
    wish text NOT NULL
        CONSTRAINT billing_agreements_wish_known CHECK (wish IN ('charge', 'stop', 'end')),
    wish_plan text,
    told text NOT NULL
        CONSTRAINT billing_agreements_told_known CHECK (told IN ('charge', 'stop', 'end')),
    told_plan text,
    ended_at timestamptz,
    -- From when on it may be told; NULL when there is nothing to tell. Who is telling puts it off.
    tell_at timestamptz,
    tell_failures integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT billing_agreements_reference_unique UNIQUE (provider, reference),
    CONSTRAINT billing_agreements_wish_whole CHECK ((wish = 'charge') = (wish_plan IS NOT NULL)),
    CONSTRAINT billing_agreements_told_whole CHECK ((told = 'charge') = (told_plan IS NOT NULL)),
    CONSTRAINT billing_agreements_others_end CHECK (is_current OR wish = 'end')
) WITH (fillfactor = 80);
-- Nobody pays twice.
CREATE UNIQUE INDEX billing_agreements_one_current ON billing_agreements (account_id)
    WHERE is_current;
CREATE INDEX billing_agreements_customer ON billing_agreements (provider, customer)
    WHERE customer IS NOT NULL;
CREATE INDEX billing_agreements_untold ON billing_agreements (tell_at) WHERE tell_at IS NOT NULL;

-- Purchases that were begun, each of the version that was on offer then.
CREATE TABLE billing_checkouts (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES users (id),
    plan_id uuid NOT NULL REFERENCES plans (id),
    provider text NOT NULL CONSTRAINT billing_checkouts_provider_known
        CHECK (provider IN ('manual', 'dodo', 'stripe')),
    -- Where it is paid; neither until the provider says so, and where money is taken by hand.
    reference text,
    url text,
    created_at timestamptz NOT NULL,
    paid_at timestamptz,
    CONSTRAINT billing_checkouts_page_whole CHECK ((reference IS NULL) = (url IS NULL))
);
CREATE INDEX billing_checkouts_open ON billing_checkouts (account_id, created_at)
    WHERE paid_at IS NULL;
CREATE INDEX billing_checkouts_age ON billing_checkouts (created_at) WHERE paid_at IS NULL;

-- Events of payment providers that were handled: each counts once.
CREATE TABLE billing_events (
    provider text NOT NULL,
    event_id text NOT NULL,
    account_id uuid NOT NULL,
    kind text NOT NULL,
    occurred_at timestamptz NOT NULL,
    handled_at timestamptz NOT NULL,
    PRIMARY KEY (provider, event_id)
);
CREATE INDEX billing_events_age ON billing_events (handled_at) WHERE provider <> 'manual';

-- What the provider calls a payment: several events tell of one.
ALTER TABLE payments ADD COLUMN reference text;
CREATE UNIQUE INDEX payments_reference_unique ON payments (provider, reference)
    WHERE reference IS NOT NULL;

-- When time changes a subscription next. What it is now nobody has worked out yet: those that may have such
-- a time are looked at once.
ALTER TABLE subscriptions ADD COLUMN due_at timestamptz;
UPDATE subscriptions SET due_at = now()
    WHERE period_end IS NOT NULL OR scheduled_at IS NOT NULL OR past_due_since IS NOT NULL;
CREATE INDEX subscriptions_due ON subscriptions (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX subscriptions_plan ON subscriptions (plan_id);

-- Who suspended an instance; NULL of a suspended one is the operator, too.
ALTER TABLE instances ADD COLUMN suspended_for text CONSTRAINT instances_suspended_for_known
    CHECK (suspended_for IS NULL OR suspended_for IN ('plan', 'operator') AND status = 'suspended');
CREATE INDEX instances_suspended_by_plan ON instances (account_id)
    WHERE suspended_for = 'plan' AND deleted_at IS NULL;

-- Switched off because the plan had no place for it: the next plan that has one switches it on.
ALTER TABLE webhook_endpoints ADD COLUMN disabled_by_plan boolean NOT NULL DEFAULT false;

-- When it was read, and from when on it is to go out by mail; NULL when it is not to, or did.
ALTER TABLE notices ADD COLUMN read_at timestamptz, ADD COLUMN mail_at timestamptz;
CREATE INDEX notices_to_mail ON notices (mail_at) WHERE mail_at IS NOT NULL;

-- What was told of a month's allowance, in percent of it; 0 is nothing yet.
CREATE TABLE quota_notices (
    account_id uuid NOT NULL,
    period integer NOT NULL,
    meter text NOT NULL
        CONSTRAINT quota_notices_meter_known CHECK (meter IN ('outbound', 'api_requests')),
    percent smallint NOT NULL
        CONSTRAINT quota_notices_percent_known CHECK (percent IN (0, 80, 100)),
    PRIMARY KEY (account_id, period, meter)
);
