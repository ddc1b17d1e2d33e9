use meshroot::hierarchy::AuthorityId;
use meshroot::spiffe::{SpiffeId, TrustDomain};
use meshroot::time::{Timestamp, Validity};
use meshroot::x509::{Certificate, SerialNumber};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};

use super::failure::Context;
use super::load::{number_of, sound};
use super::references::{self, Certificates, References, Whole};
use super::segments::{self, Segment};
use super::serials::{self, Index, Number, Recent};
use crate::checksum::Checksum;
use crate::{Issuance, IssuanceRow, Query, StoreError};

/// The end of the log, for one transaction, with what need not be asked for each of its entries.
pub(super) struct Tail<'a> {
    /// The position of the next entry.
    pub(super) next: i64,
    insert: CachedStatement<'a>,
    recent: &'a mut Recent,
    references: &'a mut References,
    serials: Index<'a>,
    /// Whether there are serial numbers that an earlier version took note of.
    old_serials: bool,
    /// Whether anybody is denied anything.
    denials: bool,
    /// The trust domain of the entry before, by name and number.
    trust_domain: Option<(TrustDomain, i64)>,
    /// The last expiry that was written: which CA's, and when.
    last_expiry: Option<(i64, AuthorityId, i64)>,
}

impl<'a> Tail<'a> {
    pub(super) fn find(
        connection: &'a Connection,
        context: &Context<'_>,
        recent: &'a mut Recent,
        references: &'a mut References,
    ) -> Result<Self, StoreError> {
        let open = segments::open(connection, context)?;
        let newest = open.newest(connection, context)?;
        recent.catch_up_to(newest, connection, context)?;
        references.go_on(&open, newest);
        let insert = format!(
            "INSERT INTO {} (position, trust_domain, authority, kind, caller, spiffe_id, serial, not_before, not_after, at, since, certificate, checksum) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            open.table()
        );
        Ok(Self {
            next: newest.saturating_add(1),
            insert: connection.prepare_cached(&insert).map_err(|e| context.failed(e))?,
            recent,
            references,
            serials: Index::of(connection, context)?,
            old_serials: serials::has_old_ones(connection, context)?,
            denials: super::revocations::has_denials(connection, context)?,
            trust_domain: None,
            last_expiry: None,
        })
    }

    /// Forgets what was appended at this position and behind it: it was rolled back.
    pub(super) fn take_back(&mut self, position: i64) {
        self.next = position;
        self.recent.take_back(position);
        self.references.take_back(position);
        self.last_expiry = None;
    }

    /// What is left to do when everything was appended, the last of it at `now`.
    pub(super) fn finish(&mut self, connection: &Connection, context: &Context<'_>, now: Timestamp) -> Result<(), StoreError> {
        self.recent.settle_if_many(connection, context, now)
    }

    /// The position of the newest entry.
    pub(super) fn newest(&self) -> i64 {
        self.next.saturating_sub(1)
    }

    /// Writes an entry's row.
    pub(super) fn write(&mut self, entry: &Entry<'_>) -> rusqlite::Result<()> {
        entry.insert(&mut self.insert, self.references.keep(&entry.whole()))
    }

    fn number_of(&mut self, connection: &Connection, context: &Context<'_>, trust_domain: &TrustDomain) -> Result<Option<i64>, StoreError> {
        if let Some((_, number)) = self.trust_domain.as_ref().filter(|(name, _)| name == trust_domain) {
            return Ok(Some(*number));
        }
        let number = number_of(connection, context, trust_domain)?;
        self.trust_domain = number.map(|number| (trust_domain.clone(), number));
        Ok(number)
    }
}

/// Appends one certificate and answers its position. The outer error fails the batch, the inner one this certificate.
pub(super) fn append(
    connection: &Connection,
    context: &Context<'_>,
    tail: &mut Tail<'_>,
    issuance: &Issuance,
) -> Result<Result<u64, StoreError>, StoreError> {
    let failed = |e| context.failed(e);
    // Read from the certificate when it was completed, and from nothing else.
    let issued = &issuance.issued;
    let (id, validity) = (issued.id(), issued.validity());
    let Some(trust_domain) = tail.number_of(connection, context, &issuance.trust_domain)? else {
        return Ok(Err(StoreError::UnknownTrustDomain(issuance.trust_domain.clone())));
    };
    if let Some(id) = id.filter(|_| tail.denials)
        && super::revocations::denies(connection, context, id, issuance.at)?
    {
        return Ok(Err(StoreError::Denied(id.clone())));
    }
    let number = Number { trust_domain, issuer: issued.issuer(), serial: issued.serial() };
    let key = number.key();
    if tail.recent.is_used(&mut tail.serials, connection, context, key, &number, issuance.at)? {
        return Ok(Err(StoreError::DuplicateSerial(issued.serial().clone())));
    }
    if tail.old_serials {
        serials::forget_old_ones(connection, context, issuance.at)?;
        if serials::is_used_before(connection, context, &number)? {
            return Ok(Err(StoreError::DuplicateSerial(issued.serial().clone())));
        }
    }
    let position = tail.next;
    let entry = Entry {
        position,
        trust_domain,
        authority: issuance.authority.as_str(),
        kind: &issuance.kind,
        caller: &issuance.caller,
        spiffe_id: id.map(SpiffeId::as_str),
        serial: issued.serial().as_bytes(),
        not_before: validity.not_before.unix(),
        not_after: validity.not_after.unix(),
        at: issuance.at.unix(),
        since: (issuance.since != issuance.at).then(|| issuance.since.unix()),
        certificate: issued.der(),
    };
    tail.write(&entry).map_err(failed)?;
    let written = (trust_domain, issuance.authority.clone(), entry.not_after);
    let is_later = |held: &(i64, AuthorityId, i64)| held.0 != written.0 || held.1 != written.1 || held.2 < written.2;
    if tail.last_expiry.as_ref().is_none_or(is_later) {
        entry.note_expiry(connection).map_err(failed)?;
        tail.last_expiry = Some(written);
    }
    tail.recent.add(key, validity.not_after, position);
    tail.next = position.saturating_add(1);
    Ok(Ok(u64::try_from(position).unwrap_or(u64::MAX)))
}

/// A row of the log.
pub(crate) struct Entry<'a> {
    pub(crate) position: i64,
    pub(crate) trust_domain: i64,
    pub(crate) authority: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) caller: &'a str,
    pub(crate) spiffe_id: Option<&'a str>,
    pub(crate) serial: &'a [u8],
    pub(crate) not_before: i64,
    pub(crate) not_after: i64,
    pub(crate) at: i64,
    pub(crate) since: Option<i64>,
    pub(crate) certificate: &'a [u8],
}

impl Entry<'_> {
    pub(crate) fn checksum(&self) -> i64 {
        let row = Checksum::of("issuances").int(self.position).int(self.trust_domain).text(self.authority).text(self.kind).text(self.caller);
        // No SPIFFE ID is empty.
        let row = row.text(self.spiffe_id.unwrap_or_default()).bytes(self.serial);
        let row = row.int(self.not_before).int(self.not_after).int(self.at).bytes(self.certificate);
        // As it was before there was this column, where it says nothing.
        self.since.into_iter().fold(row, Checksum::int).finish()
    }

    fn whole(&self) -> Whole<'_> {
        let known = [self.serial, self.spiffe_id.unwrap_or_default().as_bytes()];
        Whole { position: self.position, authority: self.authority, kind: self.kind, known, certificate: self.certificate }
    }

    /// Inserts it, with its certificate as it is kept.
    fn insert(&self, statement: &mut CachedStatement<'_>, certificate: &[u8]) -> rusqlite::Result<()> {
        statement.execute(params![
            self.position,
            self.trust_domain,
            self.authority,
            self.kind,
            self.caller,
            self.spiffe_id,
            self.serial,
            self.not_before,
            self.not_after,
            self.at,
            self.since,
            certificate,
            self.checksum()
        ])?;
        Ok(())
    }

    pub(super) fn note_expiry(&self, connection: &Connection) -> rusqlite::Result<()> {
        let sql = "INSERT INTO last_expiries (trust_domain, authority, not_after, checksum) VALUES (?, ?, ?, ?) \
                   ON CONFLICT DO UPDATE SET not_after = excluded.not_after, checksum = excluded.checksum WHERE excluded.not_after > not_after";
        let checksum = expiry_checksum(self.trust_domain, self.authority, self.not_after);
        connection.prepare_cached(sql)?.execute(params![self.trust_domain, self.authority, self.not_after, checksum])?;
        Ok(())
    }
}

/// What [`entry`] reads, of one segment.
fn columns(table: &str) -> String {
    format!(
        "SELECT position, trust_domain, name, authority, kind, caller, spiffe_id, serial, not_before, not_after, at, certificate, checksum, since \
         FROM {table} LEFT JOIN trust_domains ON number = trust_domain"
    )
}

const FITS: &str = "WHERE position > ?1 AND (?2 IS NULL OR name = ?2) AND (?3 IS NULL OR spiffe_id = ?3) AND (?4 IS NULL OR authority = ?4) \
    AND (?5 IS NULL OR serial = ?5) ORDER BY position LIMIT ?6";

pub(super) fn issuances(connection: &Connection, context: &Context<'_>, query: &Query) -> Result<Vec<IssuanceRow>, StoreError> {
    let after = i64::try_from(query.after).unwrap_or(i64::MAX);
    let all = query.trust_domain.is_none() && query.id.is_none() && query.authority.is_none() && query.serial.is_none();
    let mut found = Vec::new();
    for segment in segments::held(connection, context)? {
        let left = usize::try_from(query.limit.min(Query::MOST)).unwrap_or(0).saturating_sub(found.len());
        if left == 0 {
            break;
        }
        if segment.last.is_some_and(|last| last <= after) {
            continue;
        }
        let rows = of_segment(connection, context, &segment, query, after, left)?;
        if all {
            is_without_gap(context, &segment, after, left, &rows)?;
        }
        found.extend(rows);
    }
    Ok(found)
}

pub(super) fn of_segment(
    connection: &Connection,
    context: &Context<'_>,
    segment: &Segment,
    query: &Query,
    after: i64,
    left: usize,
) -> Result<Vec<IssuanceRow>, StoreError> {
    let failed = |e| context.failed(e);
    let mut statement = connection.prepare_cached(&format!("{} {FITS}", columns(&segment.table()))).map_err(failed)?;
    let mut rows = statement
        .query(params![
            after,
            query.trust_domain.as_ref().map(TrustDomain::as_str),
            query.id.as_ref().map(SpiffeId::as_str),
            query.authority.as_ref().map(AuthorityId::as_str),
            query.serial.as_ref().map(SerialNumber::as_bytes),
            i64::try_from(left).unwrap_or(i64::MAX),
        ])
        .map_err(failed)?;
    let mut certificates = Certificates::of(connection, context, segment);
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        found.push(entry(row, &mut certificates)?);
    }
    Ok(found)
}

/// Within a segment there is an entry at every position.
fn is_without_gap(context: &Context<'_>, segment: &Segment, after: i64, left: usize, rows: &[IssuanceRow]) -> Result<(), StoreError> {
    let mut expected = u64::try_from(segment.first.max(after.saturating_add(1))).unwrap_or(u64::MAX);
    let missing = |position: u64| context.damaged(format!("entry {position} of the issuance log is missing"));
    for row in rows {
        if row.position != expected {
            return Err(missing(expected));
        }
        expected = expected.saturating_add(1);
    }
    let ended = rows.len() < left;
    match segment.last {
        Some(last) if ended && u64::try_from(last).is_ok_and(|last| expected <= last) => Err(missing(expected)),
        _ => Ok(()),
    }
}

/// The entry at this position; `None` if there is none, or not any more.
pub(super) fn at(connection: &Connection, context: &Context<'_>, position: i64) -> Result<Option<IssuanceRow>, StoreError> {
    match segments::of_position(connection, context, position)? {
        Some(segment) if !segment.dropped => in_segment(&mut Certificates::of(connection, context, &segment), position),
        _ => Ok(None),
    }
}

pub(super) fn in_segment(certificates: &mut Certificates<'_>, position: i64) -> Result<Option<IssuanceRow>, StoreError> {
    let (connection, context) = (certificates.connection, certificates.context);
    let sql = format!("{} WHERE position = ?", columns(&certificates.segment.table()));
    let mut select = connection.prepare_cached(&sql).map_err(|e| context.failed(e))?;
    let found = select.query_row([position], |row| Ok(entry(row, certificates))).optional().map_err(|e| context.failed(e))?;
    found.transpose()
}

/// A row of [`columns`], its certificate whole.
fn entry(row: &Row<'_>, certificates: &mut Certificates<'_>) -> Result<IssuanceRow, StoreError> {
    let context = certificates.context;
    let failed = |e| context.failed(e);
    let text = |column| row.get::<_, String>(column).map_err(failed);
    let int = |column| row.get::<_, i64>(column).map_err(failed);
    let bytes = |column| row.get::<_, Vec<u8>>(column).map_err(failed);
    let (position, name, authority, kind, caller) = (int(0)?, text(2)?, text(3)?, text(4)?, text(5)?);
    let (spiffe_id, serial, kept) = (row.get::<_, Option<String>>(6).map_err(failed)?, bytes(7)?, bytes(11)?);
    let called = references::name(position, &kept);
    let certificate = certificates.whole(position, [&serial, spiffe_id.as_deref().unwrap_or_default().as_bytes()], kept)?;
    let entry = Entry {
        position,
        trust_domain: int(1)?,
        authority: &authority,
        kind: &kind,
        caller: &caller,
        spiffe_id: spiffe_id.as_deref(),
        serial: &serial,
        not_before: int(8)?,
        not_after: int(9)?,
        at: int(10)?,
        since: row.get(13).map_err(failed)?,
        certificate: &certificate,
    };
    let damaged = || context.damaged(format!("{called} is not what was written"));
    sound(entry.checksum() == int(12)?, context, || called.to_string())?;
    Ok(IssuanceRow {
        position: u64::try_from(position).map_err(|_| damaged())?,
        trust_domain: TrustDomain::parse(&name).map_err(|_| damaged())?,
        id: entry.spiffe_id.map(SpiffeId::parse).transpose().map_err(|_| damaged())?,
        serial: SerialNumber::from_bytes(&serial),
        validity: Validity { not_before: Timestamp::from_unix(entry.not_before), not_after: Timestamp::from_unix(entry.not_after) },
        at: Timestamp::from_unix(entry.at),
        since: Timestamp::from_unix(entry.since.unwrap_or(entry.at)),
        authority: serde_json::from_value(authority.into()).map_err(|_| damaged())?,
        kind,
        caller,
        certificate,
    })
}

/// The entry of the log with this certificate, found by its issuer and serial number.
pub(super) fn find(
    connection: &Connection,
    context: &Context<'_>,
    recent: &mut Recent,
    certificate: &Certificate,
) -> Result<Option<IssuanceRow>, StoreError> {
    recent.catch_up(connection, context)?;
    if let Some(row) = recent.find(connection, context, certificate)? {
        return Ok(Some(row));
    }
    // What an earlier version recorded.
    let sql = "SELECT position FROM serials WHERE serial = ? AND issuer = ? AND position IS NOT NULL";
    let mut select = connection.prepare_cached(sql).map_err(|e| context.failed(e))?;
    let of = params![certificate.serial().as_bytes(), certificate.issuer().as_der()];
    let positions =
        select.query_map(of, |row| row.get::<_, i64>(0)).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(|e| context.failed(e))?;
    for position in positions {
        let row = at(connection, context, position)?;
        // The very certificate: names and numbers can be chosen by who holds another CA's key.
        if let Some(row) = row.filter(|row| row.certificate == certificate.der()) {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

pub(crate) fn expiry_checksum(trust_domain: i64, authority: &str, not_after: i64) -> i64 {
    Checksum::of("last_expiries").int(trust_domain).text(authority).int(not_after).finish()
}

pub(super) fn last_expiry(
    connection: &Connection,
    context: &Context<'_>,
    trust_domain: &TrustDomain,
    authority: &AuthorityId,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT trust_domain, not_after, checksum FROM last_expiries WHERE trust_domain = (SELECT number FROM trust_domains WHERE name = ?) AND authority = ?";
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let found = connection.query_row(sql, params![trust_domain.as_str(), authority.as_str()], read).optional().map_err(|e| context.failed(e))?;
    let Some((number, not_after, checksum)): Option<(i64, i64, i64)> = found else { return Ok(None) };
    let is = expiry_checksum(number, authority.as_str(), not_after) == checksum;
    sound(is, context, || format!("the last expiry of '{authority}'"))?;
    Ok(Some(Timestamp::from_unix(not_after)).filter(|until| *until > now))
}
