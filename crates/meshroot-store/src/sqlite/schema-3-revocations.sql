-- One row a change of what is revoked, denied or published as a CRL.
CREATE TABLE revocation_changes (
    version INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    -- The last positions with it: that nothing has gone missing.
    revocations INTEGER NOT NULL,
    denials INTEGER NOT NULL,
    lifts INTEGER NOT NULL,
    -- How many CRLs it published.
    crls INTEGER NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;

-- Certificates that are revoked, each once.
CREATE TABLE revocations (
    position INTEGER PRIMARY KEY,
    version INTEGER NOT NULL REFERENCES revocation_changes,
    trust_domain INTEGER NOT NULL REFERENCES trust_domains,
    -- The CA that signed it.
    authority TEXT NOT NULL,
    serial BLOB NOT NULL,
    spiffe_id TEXT,
    not_after INTEGER NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    revoked_by TEXT NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX revocations_by_certificate ON revocations (trust_domain, authority, serial);
CREATE INDEX revocations_by_expiry ON revocations (not_after);

-- Identities that get no certificate.
CREATE TABLE denials (
    position INTEGER PRIMARY KEY,
    version INTEGER NOT NULL REFERENCES revocation_changes,
    trust_domain INTEGER NOT NULL REFERENCES trust_domains,
    spiffe_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    denied_by TEXT NOT NULL,
    -- From then on it holds no more; NULL for never.
    expires_at INTEGER,
    checksum INTEGER NOT NULL
) STRICT;
CREATE INDEX denials_by_id ON denials (spiffe_id);

-- Denials that were taken back.
CREATE TABLE denial_lifts (
    position INTEGER PRIMARY KEY,
    version INTEGER NOT NULL REFERENCES revocation_changes,
    denial INTEGER NOT NULL UNIQUE REFERENCES denials,
    at INTEGER NOT NULL,
    lifted_by TEXT NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;

-- The newest CRL of each CA, byte for byte, so that everybody serves the same.
CREATE TABLE crls (
    trust_domain INTEGER NOT NULL REFERENCES trust_domains,
    authority TEXT NOT NULL,
    number INTEGER NOT NULL,
    version INTEGER NOT NULL REFERENCES revocation_changes,
    crl BLOB NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (trust_domain, authority)
) STRICT;

-- Requests of clusters for a CA certificate of their own key, and the CAs that answered them.
CREATE TABLE ca_requests (
    position INTEGER PRIMARY KEY,
    -- Its name outside: random.
    nonce BLOB NOT NULL UNIQUE,
    trust_domain INTEGER NOT NULL REFERENCES trust_domains,
    cluster TEXT NOT NULL,
    profile TEXT NOT NULL,
    lifetime INTEGER NOT NULL,
    csr BLOB NOT NULL,
    caller TEXT NOT NULL,
    -- The one-time token that it used up.
    token BLOB,
    at INTEGER NOT NULL,
    -- What became of it: NULL while it waits.
    outcome TEXT,
    authority TEXT,
    decided_at INTEGER,
    decided_by TEXT,
    checksum INTEGER NOT NULL
) STRICT;
CREATE INDEX ca_requests_waiting ON ca_requests (position) WHERE outcome IS NULL;

CREATE TRIGGER revocation_changes_stay BEFORE DELETE ON revocation_changes BEGIN SELECT RAISE(ABORT, 'revocation changes are never removed'); END;
CREATE TRIGGER revocation_changes_are_final BEFORE UPDATE ON revocation_changes BEGIN SELECT RAISE(ABORT, 'revocation changes are never changed'); END;
CREATE TRIGGER revocation_changes_only_grow BEFORE INSERT ON revocation_changes
    WHEN NEW.version <= (SELECT max(version) FROM revocation_changes) BEGIN SELECT RAISE(ABORT, 'revocation changes are only appended'); END;
CREATE TRIGGER revocations_stay BEFORE DELETE ON revocations BEGIN SELECT RAISE(ABORT, 'revocations are never removed'); END;
CREATE TRIGGER revocations_are_final BEFORE UPDATE ON revocations BEGIN SELECT RAISE(ABORT, 'revocations are never changed'); END;
CREATE TRIGGER revocations_only_grow BEFORE INSERT ON revocations
    WHEN NEW.position <= (SELECT max(position) FROM revocations) BEGIN SELECT RAISE(ABORT, 'revocations are only appended'); END;
CREATE TRIGGER denials_stay BEFORE DELETE ON denials BEGIN SELECT RAISE(ABORT, 'denials are never removed'); END;
CREATE TRIGGER denials_are_final BEFORE UPDATE ON denials BEGIN SELECT RAISE(ABORT, 'denials are never changed'); END;
CREATE TRIGGER denials_only_grow BEFORE INSERT ON denials
    WHEN NEW.position <= (SELECT max(position) FROM denials) BEGIN SELECT RAISE(ABORT, 'denials are only appended'); END;
CREATE TRIGGER denial_lifts_stay BEFORE DELETE ON denial_lifts BEGIN SELECT RAISE(ABORT, 'lifts of denials are never removed'); END;
CREATE TRIGGER denial_lifts_are_final BEFORE UPDATE ON denial_lifts BEGIN SELECT RAISE(ABORT, 'lifts of denials are never changed'); END;
CREATE TRIGGER denial_lifts_only_grow BEFORE INSERT ON denial_lifts
    WHEN NEW.position <= (SELECT max(position) FROM denial_lifts) BEGIN SELECT RAISE(ABORT, 'lifts of denials are only appended'); END;
CREATE TRIGGER crls_stay BEFORE DELETE ON crls BEGIN SELECT RAISE(ABORT, 'a CRL is only replaced by a newer one'); END;
CREATE TRIGGER crls_only_grow BEFORE UPDATE ON crls
    WHEN NEW.number <= OLD.number OR NEW.trust_domain <> OLD.trust_domain OR NEW.authority <> OLD.authority
    BEGIN SELECT RAISE(ABORT, 'a CRL''s number only grows'); END;
CREATE TRIGGER crls_are_not_replaced BEFORE INSERT ON crls
    WHEN EXISTS (SELECT 1 FROM crls WHERE trust_domain = NEW.trust_domain AND authority = NEW.authority)
    BEGIN SELECT RAISE(ABORT, 'a CRL is only replaced by a newer one'); END;
CREATE TRIGGER ca_requests_stay BEFORE DELETE ON ca_requests BEGIN SELECT RAISE(ABORT, 'requests for CA certificates are never removed'); END;
CREATE TRIGGER ca_requests_are_decided_once BEFORE UPDATE ON ca_requests
    WHEN OLD.outcome IS NOT NULL OR NEW.outcome IS NULL OR NEW.position <> OLD.position OR NEW.nonce <> OLD.nonce OR NEW.csr <> OLD.csr
    BEGIN SELECT RAISE(ABORT, 'a request for a CA certificate is decided once'); END;
CREATE TRIGGER ca_requests_only_grow BEFORE INSERT ON ca_requests
    WHEN NEW.position <= (SELECT max(position) FROM ca_requests) OR EXISTS (SELECT 1 FROM ca_requests WHERE nonce = NEW.nonce)
    BEGIN SELECT RAISE(ABORT, 'requests for CA certificates are only appended'); END;
