-- Autovacuum comes when a fifth of a table is dead, and counts it anew when a tenth has changed. Tables that
-- keep their rows for years grow out of that: what is dead waits ever longer. Whoever reads or writes does not
-- wait for these changes; only a vacuum that is at one of the tables is waited for.

-- Only rows of the month at hand change, and those of all the months before stay: a share of them all would be
-- many times what changes. With few accounts it comes later than by default, which takes some kilobytes.
ALTER TABLE usage_holds SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
ALTER TABLE usage_settled SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
ALTER TABLE api_usage SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- Kept for ever, changed a few times while they are young.
ALTER TABLE messages SET (autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
-- Written once. Plans that were made while it was small read too much of it.
ALTER TABLE provider_refs SET (autovacuum_vacuum_insert_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.02);
-- Written once, and removed when they are old: a 37th of the events each day, and all answers.
ALTER TABLE events SET (autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE idempotency_keys SET (autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
