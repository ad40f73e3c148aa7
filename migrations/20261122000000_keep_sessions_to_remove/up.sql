-- A deleted instance's session is removed at the provider from then on; NULL when it is gone, and
-- while the instance lives.
ALTER TABLE instances ADD COLUMN session_due timestamptz;
UPDATE instances SET session_due = deleted_at WHERE deleted_at IS NOT NULL;
CREATE INDEX instances_session_due ON instances (session_due) WHERE session_due IS NOT NULL;
