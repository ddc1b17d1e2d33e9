-- One-time tokens, by the SHA-256 of what their holders show. Expired ones are forgotten.
CREATE TABLE join_tokens (
    digest BLOB NOT NULL PRIMARY KEY,
    trust_domain INTEGER NOT NULL REFERENCES trust_domains,
    cluster TEXT NOT NULL,
    -- The SPIFFE ID that it is good for; NULL for the cluster's own CA certificate.
    spiffe_id TEXT,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    -- The entry of the issuance log that used it up.
    used_by INTEGER,
    checksum INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX join_tokens_by_expiry ON join_tokens (expires_at);

-- What a caller's idempotency key stands for. Expired ones are forgotten.
CREATE TABLE idempotency_keys (
    caller TEXT NOT NULL,
    key TEXT NOT NULL,
    -- SHA-256 of the request that the key came with first.
    request BLOB NOT NULL,
    position INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (caller, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at);

-- Where a certificate is in the log, for those who show it again. NULL for CA certificates, and for what was recorded
-- before there was this column.
ALTER TABLE serials ADD COLUMN position INTEGER;

-- When the identity was last vouched for by something else than an earlier certificate of its own; NULL for the moment
-- of issue.
ALTER TABLE issuances ADD COLUMN since INTEGER;
