DROP TABLE delivery_queue, deliveries, outbox, events, webhook_endpoints;
