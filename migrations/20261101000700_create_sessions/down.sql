DROP TABLE mails, sign_in_tries, identities, mail_requests, one_time_tokens, signing_keys, sessions;
