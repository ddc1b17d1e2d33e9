CREATE TABLE issuances_{n} (
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
    checksum INTEGER NOT NULL,
    since INTEGER
) STRICT;
CREATE TRIGGER issuances_{n}_stay BEFORE DELETE ON issuances_{n} BEGIN SELECT RAISE(ABORT, 'entries of the issuance log are never removed'); END;
CREATE TRIGGER issuances_{n}_are_final BEFORE UPDATE ON issuances_{n} BEGIN SELECT RAISE(ABORT, 'entries of the issuance log are never changed'); END;
CREATE TRIGGER issuances_{n}_only_grow BEFORE INSERT ON issuances_{n}
    WHEN NEW.position <= (SELECT max(position) FROM issuances_{n}) BEGIN SELECT RAISE(ABORT, 'entries of the issuance log are only appended'); END;
CREATE TABLE terms_{n} (
    kind INTEGER NOT NULL,
    key BLOB NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (kind, key, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE expiries_{n} (
    trust_domain INTEGER NOT NULL,
    authority TEXT NOT NULL,
    slot INTEGER NOT NULL,
    certificates INTEGER NOT NULL,
    PRIMARY KEY (trust_domain, authority, slot)
) STRICT, WITHOUT ROWID;
