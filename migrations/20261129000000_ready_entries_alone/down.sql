DROP INDEX queue_ready;
CREATE INDEX queue_ready ON queue (instance_id, class, due_at, message_id) WHERE state = 1;
