-- What the store is: one row. Whoever changes a hierarchy locks it.
CREATE TABLE store (
    one bigint PRIMARY KEY CHECK (one = 1),
    id text NOT NULL,
    kind text NOT NULL,
    created_at bigint NOT NULL,
    wrapped_data_key bytea NOT NULL,
    -- How many changes were committed.
    version bigint NOT NULL,
    checksum bigint NOT NULL
);

CREATE TABLE trust_domains (
    number bigint PRIMARY KEY,
    name text NOT NULL UNIQUE
);

-- One row a change. What it counts and names proves that no event and no bundle has gone missing.
CREATE TABLE commits (
    version bigint PRIMARY KEY,
    trust_domain bigint NOT NULL REFERENCES trust_domains,
    at bigint NOT NULL,
    events bigint NOT NULL,
    keys bigint NOT NULL,
    -- Of the bundle that it published.
    sequence bigint,
    -- From when on that bundle is served; NULL for at once.
    visible_at bigint,
    checksum bigint NOT NULL
);

CREATE TABLE events (
    position bigint PRIMARY KEY,
    version bigint NOT NULL REFERENCES commits,
    event text NOT NULL,
    checksum bigint NOT NULL
);

CREATE TABLE bundles (
    trust_domain bigint NOT NULL REFERENCES trust_domains,
    sequence bigint NOT NULL,
    version bigint NOT NULL REFERENCES commits,
    rendered bytea NOT NULL,
    checksum bigint NOT NULL,
    PRIMARY KEY (trust_domain, sequence)
);

CREATE TABLE sealed_keys (
    trust_domain bigint NOT NULL REFERENCES trust_domains,
    authority text NOT NULL,
    version bigint NOT NULL REFERENCES commits,
    sealed bytea NOT NULL,
    checksum bigint NOT NULL,
    PRIMARY KEY (trust_domain, authority)
);

-- The issuance log, in the order of commits, in parts of about a week each that expire as a whole. The parts' tables
-- are made as they are needed. No foreign keys on the hot path: each would be looked up for each row, and attaching a
-- part would lock the other table.
CREATE TABLE issuances (
    part bigint NOT NULL,
    position bigint NOT NULL,
    trust_domain bigint NOT NULL,
    authority text NOT NULL,
    kind text NOT NULL,
    caller text NOT NULL,
    spiffe_id text,
    serial bytea NOT NULL,
    not_before bigint NOT NULL,
    not_after bigint NOT NULL,
    at bigint NOT NULL,
    -- When the identity was last vouched for by something else than an earlier certificate of its own; NULL for the
    -- moment of issue.
    since bigint,
    certificate bytea NOT NULL,
    checksum bigint NOT NULL,
    PRIMARY KEY (part, position)
) PARTITION BY LIST (part);
-- Keys and signatures do not get smaller.
ALTER TABLE issuances ALTER COLUMN certificate SET STORAGE EXTERNAL;

-- Where the log ends: one row. Whoever appends locks it until the entries are committed, so positions become visible
-- in their order.
CREATE TABLE log_head (
    one bigint PRIMARY KEY CHECK (one = 1),
    -- The one before the next; of the newest entry, but behind a restoration.
    position bigint NOT NULL,
    -- The part that is written to, 0 for none yet; from which position on, since when, and the last expiry in it.
    part bigint NOT NULL,
    part_first bigint NOT NULL,
    part_started_at bigint NOT NULL,
    part_last_expiry bigint NOT NULL,
    checksum bigint NOT NULL
) WITH (fillfactor = 25);

-- The parts that are written to no more. One that was dropped leaves its row here.
CREATE TABLE log_parts (
    part bigint PRIMARY KEY,
    first_position bigint NOT NULL,
    last_position bigint NOT NULL,
    last_expiry bigint NOT NULL,
    dropped boolean NOT NULL,
    checksum bigint NOT NULL
);

-- The inventory: what the log is searched by. Made from the log, a moment behind it, in the same parts.
CREATE TABLE inventory (
    part bigint NOT NULL,
    position bigint NOT NULL,
    trust_domain bigint NOT NULL,
    authority text COLLATE "C" NOT NULL,
    -- The beginning of the name: an index takes no texts of any length.
    caller text COLLATE "C" NOT NULL,
    spiffe_id text COLLATE "C",
    serial bytea NOT NULL,
    not_after bigint NOT NULL,
    PRIMARY KEY (part, position)
) PARTITION BY LIST (part);
CREATE INDEX inventory_by_id ON inventory (spiffe_id, position);
CREATE INDEX inventory_by_caller ON inventory (caller, position);
CREATE INDEX inventory_by_serial ON inventory (serial);
CREATE INDEX inventory_by_expiry ON inventory (trust_domain, authority, not_after, position);

-- Up to which position the inventory knows the log: one row, locked by who teaches it.
CREATE TABLE inventory_head (
    one bigint PRIMARY KEY CHECK (one = 1),
    known bigint NOT NULL
);

-- How many certificates of a CA expire in each span of ten minutes.
CREATE TABLE expiries (
    part bigint NOT NULL,
    trust_domain bigint NOT NULL,
    authority text NOT NULL,
    slot bigint NOT NULL,
    certificates bigint NOT NULL,
    PRIMARY KEY (trust_domain, authority, slot, part)
);

-- Whether this is the newest copy of the store: one row.
CREATE TABLE standing (
    one bigint PRIMARY KEY CHECK (one = 1),
    -- How many times it was put back from a backup, on record.
    epoch bigint NOT NULL,
    -- Why it is taken for an older copy, by what others have seen.
    doubt text,
    -- The greatest sequence number that others have seen.
    seen bigint NOT NULL,
    checksum bigint NOT NULL
);

-- The times that it was put back from a backup, as an operator said.
CREATE TABLE restorations (
    epoch bigint PRIMARY KEY,
    at bigint NOT NULL,
    restored_by text NOT NULL,
    why text NOT NULL,
    -- The position of the first entry of the issuance log after it.
    first bigint NOT NULL,
    checksum bigint NOT NULL
);

-- Serial numbers in use. An issuer is one by its name, and belongs to one trust domain. Expired ones are forgotten.
CREATE TABLE serials (
    serial bytea NOT NULL,
    issuer bytea NOT NULL,
    trust_domain bigint NOT NULL,
    expires_at bigint NOT NULL,
    -- Where the certificate is in the log; NULL for CA certificates.
    part bigint,
    position bigint,
    PRIMARY KEY (serial, issuer, trust_domain)
);
CREATE INDEX serials_by_expiry ON serials (expires_at);

-- Of each CA, when the last certificate expires that it signed.
CREATE TABLE last_expiries (
    trust_domain bigint NOT NULL,
    authority text NOT NULL,
    not_after bigint NOT NULL,
    checksum bigint NOT NULL,
    PRIMARY KEY (trust_domain, authority)
) WITH (fillfactor = 50);

-- One-time tokens, by the SHA-256 of what their holders show. Expired ones are forgotten.
CREATE TABLE join_tokens (
    digest bytea PRIMARY KEY,
    trust_domain bigint NOT NULL REFERENCES trust_domains,
    cluster text NOT NULL,
    -- The SPIFFE ID that it is good for; NULL for the cluster's own CA certificate.
    spiffe_id text,
    created_by text NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    -- The entry of the issuance log that used it up.
    used_by bigint,
    checksum bigint NOT NULL
);
CREATE INDEX join_tokens_by_expiry ON join_tokens (expires_at);

-- What a caller's idempotency key stands for, by the SHA-256 of both: an index takes no texts of any length. Expired
-- ones are forgotten.
CREATE TABLE idempotency_keys (
    name bytea PRIMARY KEY,
    caller text NOT NULL,
    key text NOT NULL,
    -- SHA-256 of the request that the key came with first.
    request bytea NOT NULL,
    position bigint NOT NULL,
    expires_at bigint NOT NULL,
    checksum bigint NOT NULL
);
CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at);

-- One row a change of what is revoked, denied or published as a CRL.
CREATE TABLE revocation_changes (
    version bigint PRIMARY KEY,
    at bigint NOT NULL,
    -- The last positions with it: that nothing has gone missing.
    revocations bigint NOT NULL,
    denials bigint NOT NULL,
    lifts bigint NOT NULL,
    -- How many CRLs it published.
    crls bigint NOT NULL,
    checksum bigint NOT NULL
);

-- Certificates that are revoked, each once.
CREATE TABLE revocations (
    position bigint PRIMARY KEY,
    version bigint NOT NULL REFERENCES revocation_changes,
    trust_domain bigint NOT NULL REFERENCES trust_domains,
    -- The CA that signed it.
    authority text NOT NULL,
    serial bytea NOT NULL,
    spiffe_id text,
    not_after bigint NOT NULL,
    reason text NOT NULL,
    at bigint NOT NULL,
    revoked_by text NOT NULL,
    checksum bigint NOT NULL,
    UNIQUE (trust_domain, authority, serial)
);
CREATE INDEX revocations_by_expiry ON revocations (not_after);

-- Identities that get no certificate.
CREATE TABLE denials (
    position bigint PRIMARY KEY,
    version bigint NOT NULL REFERENCES revocation_changes,
    trust_domain bigint NOT NULL REFERENCES trust_domains,
    spiffe_id text NOT NULL,
    reason text NOT NULL,
    at bigint NOT NULL,
    denied_by text NOT NULL,
    -- From then on it holds no more; NULL for never.
    expires_at bigint,
    checksum bigint NOT NULL
);
CREATE INDEX denials_by_id ON denials (spiffe_id);

-- Denials that were taken back.
CREATE TABLE denial_lifts (
    position bigint PRIMARY KEY,
    version bigint NOT NULL REFERENCES revocation_changes,
    denial bigint NOT NULL UNIQUE REFERENCES denials,
    at bigint NOT NULL,
    lifted_by text NOT NULL,
    checksum bigint NOT NULL
);

-- The newest CRL of each CA, byte for byte, so that everybody serves the same.
CREATE TABLE crls (
    trust_domain bigint NOT NULL REFERENCES trust_domains,
    authority text NOT NULL,
    number bigint NOT NULL,
    version bigint NOT NULL REFERENCES revocation_changes,
    crl bytea NOT NULL,
    checksum bigint NOT NULL,
    PRIMARY KEY (trust_domain, authority)
);

-- Requests of clusters for a CA certificate of their own key, and the CAs that answered them.
CREATE TABLE ca_requests (
    position bigint PRIMARY KEY,
    -- Its name outside: random.
    nonce bytea NOT NULL UNIQUE,
    trust_domain bigint NOT NULL REFERENCES trust_domains,
    cluster text NOT NULL,
    profile text NOT NULL,
    lifetime bigint NOT NULL,
    csr bytea NOT NULL,
    caller text NOT NULL,
    -- The one-time token that it used up.
    token bytea,
    at bigint NOT NULL,
    -- What became of it: NULL while it waits.
    outcome text,
    authority text,
    decided_at bigint,
    decided_by text,
    checksum bigint NOT NULL
);
CREATE INDEX ca_requests_waiting ON ca_requests (position) WHERE outcome IS NULL;

-- What is on record stays.
CREATE FUNCTION stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what is on record in % is never changed and never removed', TG_TABLE_NAME;
END $$;
CREATE TRIGGER stay BEFORE UPDATE OR DELETE ON commits FOR EACH ROW EXECUTE FUNCTION stays();
CREATE TRIGGER stay BEFORE UPDATE OR DELETE ON events FOR EACH ROW EXECUTE FUNCTION stays();
CREATE TRIGGER stay BEFORE UPDATE OR DELETE ON bundles FOR EACH ROW EXECUTE FUNCTION stays();
CREATE TRIGGER stay BEFORE UPDATE OR DELETE ON sealed_keys FOR EACH ROW EXECUTE FUNCTION stays();
CREATE TRIGGER stay BEFORE UPDATE OR DELETE ON issuances FOR EACH ROW EXECUTE FUNCTION stays();
CREATE TRIGGER stay BEFORE UPDATE OR DELETE ON restorations FOR EACH ROW EXECUTE FUNCTION stays();
CREATE TRIGGER stay BEFORE UPDATE OR DELETE ON revocation_changes FOR EACH ROW EXECUTE FUNCTION stays();
CREATE TRIGGER stay BEFORE UPDATE OR DELETE ON revocations FOR EACH ROW EXECUTE FUNCTION stays();
CREATE TRIGGER stay BEFORE UPDATE OR DELETE ON denials FOR EACH ROW EXECUTE FUNCTION stays();
CREATE TRIGGER stay BEFORE UPDATE OR DELETE ON denial_lifts FOR EACH ROW EXECUTE FUNCTION stays();
CREATE TRIGGER stay BEFORE DELETE ON crls FOR EACH ROW EXECUTE FUNCTION stays();
CREATE TRIGGER stay_all BEFORE TRUNCATE ON commits EXECUTE FUNCTION stays();
CREATE TRIGGER stay_all BEFORE TRUNCATE ON events EXECUTE FUNCTION stays();
CREATE TRIGGER stay_all BEFORE TRUNCATE ON bundles EXECUTE FUNCTION stays();
CREATE TRIGGER stay_all BEFORE TRUNCATE ON sealed_keys EXECUTE FUNCTION stays();
CREATE TRIGGER stay_all BEFORE TRUNCATE ON issuances EXECUTE FUNCTION stays();
CREATE TRIGGER stay_all BEFORE TRUNCATE ON restorations EXECUTE FUNCTION stays();
CREATE TRIGGER stay_all BEFORE TRUNCATE ON revocation_changes EXECUTE FUNCTION stays();
CREATE TRIGGER stay_all BEFORE TRUNCATE ON revocations EXECUTE FUNCTION stays();
CREATE TRIGGER stay_all BEFORE TRUNCATE ON denials EXECUTE FUNCTION stays();
CREATE TRIGGER stay_all BEFORE TRUNCATE ON denial_lifts EXECUTE FUNCTION stays();
CREATE TRIGGER stay_all BEFORE TRUNCATE ON crls EXECUTE FUNCTION stays();

CREATE FUNCTION only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.sequence <= (SELECT max(sequence) FROM bundles WHERE trust_domain = NEW.trust_domain) THEN
        RAISE EXCEPTION 'a bundle''s sequence number only grows';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER only_grow BEFORE INSERT ON bundles FOR EACH ROW EXECUTE FUNCTION only_grows();

CREATE FUNCTION only_newer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.number <= OLD.number OR NEW.trust_domain <> OLD.trust_domain OR NEW.authority <> OLD.authority THEN
        RAISE EXCEPTION 'a CRL''s number only grows';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER only_newer BEFORE UPDATE ON crls FOR EACH ROW EXECUTE FUNCTION only_newer();
