-- The issuance log lies in segments, a table each, so that records expire by whole tables: `issuances` is the first one,
-- the others are made of segment.sql. A segment that was dropped leaves its row here.
CREATE TABLE segments (
    number INTEGER PRIMARY KEY,
    -- The position of its first entry.
    first INTEGER NOT NULL,
    -- That of its last one; NULL while it takes entries.
    last INTEGER,
    -- Up to which position the inventory knows it.
    known INTEGER NOT NULL,
    -- When the last of the certificates expires that the inventory knows.
    last_expiry INTEGER NOT NULL,
    dropped INTEGER NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;
INSERT INTO segments (number, first, last, known, last_expiry, dropped, checksum) VALUES (1, 1, NULL, 0, 0, 0, -5962621665631759905);
CREATE TRIGGER segments_stay BEFORE DELETE ON segments BEGIN SELECT RAISE(ABORT, 'segments are never forgotten'); END;

-- The inventory of the first segment, as segment.sql has it for the others: made from the log, a moment behind it.
CREATE TABLE terms_1 (
    kind INTEGER NOT NULL,
    key BLOB NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (kind, key, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE expiries_1 (
    trust_domain INTEGER NOT NULL,
    authority TEXT NOT NULL,
    slot INTEGER NOT NULL,
    certificates INTEGER NOT NULL,
    PRIMARY KEY (trust_domain, authority, slot)
) STRICT, WITHOUT ROWID;

-- Whether this file is the newest of its history: one row.
CREATE TABLE standing (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    -- How many times it was put back from a backup, on record.
    epoch INTEGER NOT NULL,
    -- How many transactions have written something else than certificates.
    writes INTEGER NOT NULL,
    -- Whether a mark was laid beside it.
    marked INTEGER NOT NULL,
    -- Why it is taken for an older copy, by what others have seen.
    doubt TEXT,
    -- The greatest sequence number that others have seen.
    seen INTEGER NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;
INSERT INTO standing (one, epoch, writes, marked, doubt, seen, checksum) VALUES (1, 0, 0, 0, NULL, 0, 7486299113191118173);

-- The times that it was put back from a backup, as an operator said.
CREATE TABLE restorations (
    epoch INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    restored_by TEXT NOT NULL,
    why TEXT NOT NULL,
    -- The position of the first entry of the issuance log after it.
    first INTEGER NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;
CREATE TRIGGER restorations_stay BEFORE DELETE ON restorations BEGIN SELECT RAISE(ABORT, 'restorations are never removed'); END;
CREATE TRIGGER restorations_are_final BEFORE UPDATE ON restorations BEGIN SELECT RAISE(ABORT, 'restorations are never changed'); END;
CREATE TRIGGER restorations_only_grow BEFORE INSERT ON restorations
    WHEN NEW.epoch <= (SELECT max(epoch) FROM restorations) BEGIN SELECT RAISE(ABORT, 'restorations are only appended'); END;

-- From when on the bundle of a change is served; NULL for at once.
ALTER TABLE commits ADD COLUMN visible_at INTEGER;
