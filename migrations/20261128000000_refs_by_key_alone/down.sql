DROP INDEX provider_refs_newest;
CREATE INDEX provider_refs_newest ON provider_refs (instance_id, created_at);
