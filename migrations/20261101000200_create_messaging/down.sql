DROP TABLE idempotency_keys, usage_settled, usage_holds, lost_calls, known_addresses, inbox, receipt_looks, provider_refs, lanes, workers,
    queue, messages, instances;
