DROP TABLE idempotency_keys, usage_settled, usage_holds, lid_phones, inbox, provider_refs, lanes,
    queue, messages, instances, contacts;
