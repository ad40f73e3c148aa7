-- What is ready in a lane is had from the index that knows what is ready. While rows that are done with cannot be
-- removed, and few others are there, the primary key begins with the instance too and looks cheaper: then everything
-- the lane ever held is read, at each look. An index over an expression can be had by those alone who ask for it.
DROP INDEX queue_ready;
CREATE INDEX queue_ready ON queue (uuid_send(instance_id), class, due_at, message_id) WHERE state = 1;
