ALTER TABLE queue DROP COLUMN until;
ALTER TABLE queue DROP COLUMN campaign_id;
DROP TABLE campaign_recipients;
DROP TABLE campaign_counters;
DROP TABLE campaigns;
