-- A deleted instance's session is removed at the provider from then on; NULL when it is gone, and
-- while the instance lives.
ALTER TABLE instances ADD COLUMN session_due timestamptz;
UPDATE instances SET session_due = deleted_at WHERE deleted_at IS NOT NULL;
-- The linking that was asked for last named no number: any phone is taken.
ALTER TABLE instances ADD COLUMN takes_any_number boolean NOT NULL DEFAULT false;
CREATE INDEX instances_session_due ON instances (session_due) WHERE session_due IS NOT NULL;
