DROP TABLE quota_notices;
DROP INDEX notices_to_mail;
ALTER TABLE notices DROP COLUMN mail_at, DROP COLUMN read_at;
ALTER TABLE webhook_endpoints DROP COLUMN disabled_by_plan;
DROP INDEX instances_suspended_by_plan;
-- Nobody would ever bring these back.
UPDATE instances SET status = 'disconnected', suspended_for = NULL WHERE suspended_for = 'plan';
ALTER TABLE instances DROP COLUMN suspended_for;
DROP INDEX subscriptions_plan;
DROP INDEX subscriptions_due;
ALTER TABLE subscriptions DROP COLUMN due_at;
DROP INDEX payments_reference_unique;
ALTER TABLE payments DROP COLUMN reference;
DROP TABLE billing_events, billing_checkouts, billing_agreements;
