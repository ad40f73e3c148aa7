DROP TABLE notices, delivery_queue, deliveries, outbox, events, webhook_health, webhook_endpoints;
