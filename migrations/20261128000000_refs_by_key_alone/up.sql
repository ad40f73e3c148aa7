-- Whoever knows an id of the provider finds it by the primary key. An index that begins with the instance looks
-- as cheap to a plan that is made while there are some hundred ids, and then reads, for each look-up, everything
-- the instance ever sent. One over an expression can be had by those alone who ask for it.
DROP INDEX provider_refs_newest;
CREATE INDEX provider_refs_newest ON provider_refs (uuid_send(instance_id), created_at);
