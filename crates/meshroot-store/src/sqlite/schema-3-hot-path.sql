
-- Serial numbers in use, under a number made from the trust domain, the issuer's name and the serial number. They come from
-- the log, many at once and sorted: one at a time each would write a page of its own. Expired ones are forgotten. What was
-- recorded before there was this table is in `serials`.
CREATE TABLE serial_keys (
    key INTEGER PRIMARY KEY,
    -- Where the certificate is in the log; NULL for CA certificates.
    position INTEGER,
    expires_at INTEGER NOT NULL
) STRICT;

-- Up to which entry of the log they were taken from: one row.
CREATE TABLE serial_keys_known (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    position INTEGER NOT NULL,
    -- NULL until the first were taken.
    checksum INTEGER
) STRICT;
INSERT INTO serial_keys_known (one, position) SELECT 1, coalesce(max(position), 0) FROM issuances;
