-- Who went elsewhere to sign in and may come back, once. The hash leads to nothing: what the browser
-- keeps is behind it, and that is not here.
CREATE TABLE sign_in_starts (
    hash bytea PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
CREATE INDEX sign_in_starts_expiry ON sign_in_starts (expires_at);
