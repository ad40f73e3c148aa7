-- The default catalogue, and the retired plans that old accounts may still hold. NULL is unlimited.
INSERT INTO plans (
    id, code, version, name, price, currency, is_active, rank,
    max_instances, max_api_keys, max_webhook_endpoints, max_contact_groups,
    max_teams, max_seats_per_team, monthly_outbound_quota, monthly_api_request_quota,
    feature_campaigns, feature_statuses, feature_voice_notes, feature_webhooks,
    feature_number_lookups
) VALUES
    ('01932b00-0000-7000-8000-000000000001', 'free', 1, 'Free', 0, 'EUR', true, 0,
     1, 1, 3, 10, 0, 0, 500, 500, true, false, true, true, true),
    ('01932b00-0000-7000-8000-000000000002', 'pro', 1, 'Pro', 19, 'EUR', true, 1,
     5, 5, 15, 50, 2, 4, 50000, 150000, true, true, true, true, true),
    ('01932b00-0000-7000-8000-000000000003', 'max', 1, 'MAX', 39, 'EUR', true, 2,
     20, 10, 50, NULL, 4, 8, 150000, 500000, true, true, true, true, true),
    ('01932b00-0000-7000-8000-000000000004', 'starter', 1, 'Starter', 9, 'EUR', false, 1,
     2, 3, 3, 10, 0, 0, 5000, 10000, true, false, true, true, true),
    ('01932b00-0000-7000-8000-000000000005', 'plus', 1, 'Plus', 39, 'EUR', false, 2,
     20, 10, 50, NULL, 4, 8, 150000, 500000, true, true, true, true, true);
