DROP INDEX instances_session_due;
ALTER TABLE instances DROP COLUMN session_due, DROP COLUMN takes_any_number;
