DROP TABLE idempotency_keys, usage_settled, usage_holds, lid_phones, inbox, receipt_looks, provider_refs, lanes, workers,
    queue, messages, instances;
