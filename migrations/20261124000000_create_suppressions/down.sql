ALTER TABLE queue DROP COLUMN ignores_suppression;
DROP TABLE opt_out_settings, suppressions;
