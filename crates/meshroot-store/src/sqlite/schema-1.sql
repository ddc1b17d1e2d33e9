-- What the store is: one row.
CREATE TABLE store (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    wrapped_data_key BLOB NOT NULL,
    -- How many changes were committed.
    version INTEGER NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;

CREATE TABLE trust_domains (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- One row a change. What it counts and names proves that no event and no bundle has gone missing.
CREATE TABLE commits (
    version INTEGER PRIMARY KEY,
    trust_domain INTEGER NOT NULL REFERENCES trust_domains,
    at INTEGER NOT NULL,
    events INTEGER NOT NULL,
    keys INTEGER NOT NULL,
    -- Of the bundle that it published.
    sequence INTEGER,
    checksum INTEGER NOT NULL
) STRICT;

CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    version INTEGER NOT NULL REFERENCES commits,
    event TEXT NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;

CREATE TABLE bundles (
    trust_domain INTEGER NOT NULL REFERENCES trust_domains,
    sequence INTEGER NOT NULL,
    version INTEGER NOT NULL REFERENCES commits,
    rendered BLOB NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (trust_domain, sequence)
) STRICT;

CREATE TABLE sealed_keys (
    trust_domain INTEGER NOT NULL REFERENCES trust_domains,
    authority TEXT NOT NULL,
    version INTEGER NOT NULL REFERENCES commits,
    sealed BLOB NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (trust_domain, authority)
) STRICT;

-- The issuance log, in the order of commits. No index: the hot path only appends.
CREATE TABLE issuances (
    position INTEGER PRIMARY KEY,
    trust_domain INTEGER NOT NULL REFERENCES trust_domains,
    authority TEXT NOT NULL,
    kind TEXT NOT NULL,
    caller TEXT NOT NULL,
    spiffe_id TEXT,
    serial BLOB NOT NULL,
    not_before INTEGER NOT NULL,
    not_after INTEGER NOT NULL,
    at INTEGER NOT NULL,
    certificate BLOB NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;

-- Serial numbers in use. An issuer is one by its name, and belongs to one trust domain. Expired ones are forgotten.
CREATE TABLE serials (
    serial BLOB NOT NULL,
    issuer BLOB NOT NULL,
    trust_domain INTEGER NOT NULL REFERENCES trust_domains,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (serial, issuer, trust_domain)
) STRICT;
CREATE INDEX serials_by_expiry ON serials (expires_at);

-- Of each CA, when the last certificate expires that it signed.
CREATE TABLE last_expiries (
    trust_domain INTEGER NOT NULL REFERENCES trust_domains,
    authority TEXT NOT NULL,
    not_after INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (trust_domain, authority)
) STRICT;

-- What is on record stays. REPLACE removes rows without asking the DELETE triggers, so growth is asked for too.
CREATE TRIGGER commits_stay BEFORE DELETE ON commits BEGIN SELECT RAISE(ABORT, 'commits are never removed'); END;
CREATE TRIGGER commits_are_final BEFORE UPDATE ON commits BEGIN SELECT RAISE(ABORT, 'commits are never changed'); END;
CREATE TRIGGER commits_only_grow BEFORE INSERT ON commits
    WHEN NEW.version <= (SELECT max(version) FROM commits) BEGIN SELECT RAISE(ABORT, 'commits are only appended'); END;
CREATE TRIGGER events_stay BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are never removed'); END;
CREATE TRIGGER events_are_final BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
CREATE TRIGGER events_only_grow BEFORE INSERT ON events
    WHEN NEW.position <= (SELECT max(position) FROM events) BEGIN SELECT RAISE(ABORT, 'events are only appended'); END;
CREATE TRIGGER issuances_stay BEFORE DELETE ON issuances BEGIN SELECT RAISE(ABORT, 'entries of the issuance log are never removed'); END;
CREATE TRIGGER issuances_are_final BEFORE UPDATE ON issuances BEGIN SELECT RAISE(ABORT, 'entries of the issuance log are never changed'); END;
CREATE TRIGGER issuances_only_grow BEFORE INSERT ON issuances
    WHEN NEW.position <= (SELECT max(position) FROM issuances) BEGIN SELECT RAISE(ABORT, 'entries of the issuance log are only appended'); END;
CREATE TRIGGER bundles_stay BEFORE DELETE ON bundles BEGIN SELECT RAISE(ABORT, 'bundles are never removed'); END;
CREATE TRIGGER bundles_are_final BEFORE UPDATE ON bundles BEGIN SELECT RAISE(ABORT, 'bundles are never changed'); END;
CREATE TRIGGER bundles_only_grow BEFORE INSERT ON bundles
    WHEN NEW.sequence <= (SELECT max(sequence) FROM bundles WHERE trust_domain = NEW.trust_domain)
    BEGIN SELECT RAISE(ABORT, 'a bundle''s sequence number only grows'); END;
CREATE TRIGGER keys_stay BEFORE DELETE ON sealed_keys BEGIN SELECT RAISE(ABORT, 'keys are never removed'); END;
CREATE TRIGGER keys_are_final BEFORE UPDATE ON sealed_keys BEGIN SELECT RAISE(ABORT, 'keys are never changed'); END;
CREATE TRIGGER keys_are_not_replaced BEFORE INSERT ON sealed_keys
    WHEN EXISTS (SELECT 1 FROM sealed_keys WHERE trust_domain = NEW.trust_domain AND authority = NEW.authority)
    BEGIN SELECT RAISE(ABORT, 'keys are never changed'); END;
