DROP TABLE api_usage, payments, subscriptions, plans, api_keys, teams, users;
