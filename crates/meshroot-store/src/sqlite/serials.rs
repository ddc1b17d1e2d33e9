//! Which serial numbers are in use. A random key in an index writes a page of its own for every certificate, so the index
//! is made from the log, many entries at once and sorted; the newest entries are remembered beside it until then.

use std::collections::HashMap;
use std::time::Duration;

use meshroot::time::Timestamp;
use meshroot::x509::{Certificate, DistinguishedName, SerialNumber};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};

use super::failure::Context;
use super::load::sound;
use super::references::Certificates;
use super::{log, segments};
use crate::checksum::Checksum;
use crate::{IssuanceRow, StoreError};

/// How long a serial number is remembered after its certificate has expired: a clock may be wrong by some hours.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(86_400);

/// How many entries of the log may be missing from the index: read when a store is opened, in some ten milliseconds, and
/// written all at once, in as many.
const BEHIND: usize = 8_192;

/// How many numbers are looked through for expired ones whenever so many were added: more, so that the table shrinks.
const SWEPT: i64 = 16_384;

/// The serial numbers that the index does not know yet.
#[derive(Debug)]
pub(super) struct Recent {
    /// Where each is in the log, and when its certificate expires.
    entries: HashMap<i64, (i64, i64)>,
    /// The last entry of the log that is here or in the index; `None` before anything was read.
    seen: Option<i64>,
    /// Up to where the index was looked through for expired ones.
    swept: i64,
    /// [`BEHIND`], but for tests.
    pub(super) behind: usize,
}

impl Default for Recent {
    fn default() -> Self {
        Self { entries: HashMap::new(), seen: None, swept: i64::MIN, behind: BEHIND }
    }
}

/// What a serial number was used for.
struct Use {
    /// Where the certificate is in the log; `None` for a CA's.
    position: Option<i64>,
    expires_at: i64,
}

/// A serial number, with what it is one of.
pub(super) struct Number<'a> {
    pub(super) trust_domain: i64,
    pub(super) issuer: &'a DistinguishedName,
    pub(super) serial: &'a SerialNumber,
}

impl<'a> Number<'a> {
    pub(super) fn of(trust_domain: i64, certificate: &'a Certificate) -> Self {
        Self { trust_domain, issuer: certificate.issuer(), serial: certificate.serial() }
    }

    /// The number that it goes by. It proves nothing; what is found by it is compared.
    pub(super) fn key(&self) -> i64 {
        let key = Checksum::of("serial_keys").int(self.trust_domain).bytes(self.issuer.as_der());
        key.bytes(self.serial.as_bytes()).finish()
    }
}

/// What was written to the index, prepared to be asked for many times.
pub(super) struct Index<'a>(CachedStatement<'a>);

impl<'a> Index<'a> {
    pub(super) fn of(connection: &'a Connection, context: &Context<'_>) -> Result<Self, StoreError> {
        connection.prepare_cached("SELECT position, expires_at FROM serial_keys WHERE key = ?").map(Self).map_err(|e| context.failed(e))
    }

    fn use_of(&mut self, context: &Context<'_>, key: i64) -> Result<Option<Use>, StoreError> {
        let read = |row: &Row<'_>| Ok(Use { position: row.get(0)?, expires_at: row.get(1)? });
        self.0.query_row([key], read).optional().map_err(|e| context.failed(e))
    }
}

impl Recent {
    /// Reads what the log has got since, in this process or another.
    pub(super) fn catch_up(&mut self, connection: &Connection, context: &Context<'_>) -> Result<(), StoreError> {
        let newest = segments::open(connection, context)?.newest(connection, context)?;
        self.catch_up_to(newest, connection, context)
    }

    /// The same, where the newest entry's position is known already.
    pub(super) fn catch_up_to(&mut self, newest: i64, connection: &Connection, context: &Context<'_>) -> Result<(), StoreError> {
        let failed = |e| context.failed(e);
        if self.seen == Some(newest) {
            return Ok(());
        }
        let known = known(connection, context)?;
        if self.entries.len() >= self.behind {
            // Another process has written them to the index.
            self.entries.retain(|_, (position, _)| *position > known);
        }
        let after = known.max(self.seen.unwrap_or_default());
        for segment in segments::held(connection, context)? {
            if segment.last.is_some_and(|last| last <= after) {
                continue;
            }
            let sql = format!(
                "SELECT position, trust_domain, certificate, serial, spiffe_id FROM {} WHERE position > ? ORDER BY position",
                segment.table()
            );
            let mut certificates = Certificates::of(connection, context, &segment);
            let mut select = connection.prepare_cached(&sql).map_err(failed)?;
            let mut rows = select.query([after]).map_err(failed)?;
            while let Some(row) = rows.next().map_err(failed)? {
                let (position, trust_domain): (i64, i64) = (row.get(0).map_err(failed)?, row.get(1).map_err(failed)?);
                let (serial, id): (Vec<u8>, Option<String>) = (row.get(3).map_err(failed)?, row.get(4).map_err(failed)?);
                let known = [&*serial, id.as_deref().unwrap_or_default().as_bytes()];
                let der = certificates.whole(position, known, row.get(2).map_err(failed)?)?;
                let damaged = |_| context.damaged(format!("entry {position} of the issuance log is not what was written"));
                let certificate = Certificate::from_der(&der).map_err(damaged)?;
                self.add(Number::of(trust_domain, &certificate).key(), certificate.validity().not_after, position);
            }
        }
        self.seen = Some(newest);
        Ok(())
    }

    /// Takes note of an entry that was appended.
    pub(super) fn add(&mut self, key: i64, not_after: Timestamp, position: i64) {
        self.entries.insert(key, (position, not_after.unix()));
        self.seen = Some(position);
    }

    /// Forgets what was appended at this position and behind it.
    pub(super) fn take_back(&mut self, position: i64) {
        self.entries.retain(|_, (of, _)| *of < position);
        self.seen = Some(position.saturating_sub(1));
    }

    /// Whether the issuer has used the serial number before, and it is not forgotten. `key` is the number's.
    pub(super) fn is_used(
        &self,
        index: &mut Index<'_>,
        connection: &Connection,
        context: &Context<'_>,
        key: i64,
        number: &Number<'_>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let Some(used) = self.use_of(index, context, key)? else { return Ok(false) };
        if used.expires_at < now.minus(REMEMBERED).unix() {
            return Ok(false);
        }
        // A CA's certificate is not in the log.
        let Some(position) = used.position else { return Ok(true) };
        let Some(row) = log::at(connection, context, position)? else { return Ok(true) };
        // Others may go by the same number; the chance is one in 2^64 for each pair.
        let held = Certificate::from_der(&row.certificate).map_err(|_| context.damaged("a certificate in the log cannot be read"))?;
        Ok(held.serial() == number.serial && held.issuer() == number.issuer)
    }

    /// The entry of the log with this very certificate.
    pub(super) fn find(&self, connection: &Connection, context: &Context<'_>, certificate: &Certificate) -> Result<Option<IssuanceRow>, StoreError> {
        let failed = |e| context.failed(e);
        let mut select = connection.prepare_cached("SELECT number FROM trust_domains").map_err(failed)?;
        let numbers = select.query_map([], |row| row.get::<_, i64>(0)).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(failed)?;
        let mut index = Index::of(connection, context)?;
        for number in numbers {
            let Some(Use { position: Some(position), .. }) = self.use_of(&mut index, context, Number::of(number, certificate).key())? else {
                continue;
            };
            // Names and numbers can be chosen by who holds another CA's key.
            if let Some(row) = log::at(connection, context, position)?.filter(|row| row.certificate == certificate.der()) {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    fn use_of(&self, index: &mut Index<'_>, context: &Context<'_>, key: i64) -> Result<Option<Use>, StoreError> {
        match self.entries.get(&key) {
            Some((position, expires_at)) => Ok(Some(Use { position: Some(*position), expires_at: *expires_at })),
            None => index.use_of(context, key),
        }
    }

    /// Writes them to the index when they have become many.
    pub(super) fn settle_if_many(&mut self, connection: &Connection, context: &Context<'_>, now: Timestamp) -> Result<(), StoreError> {
        if self.entries.len() < self.behind { Ok(()) } else { self.settle(connection, context, now) }
    }

    fn settle(&mut self, connection: &Connection, context: &Context<'_>, now: Timestamp) -> Result<(), StoreError> {
        let failed = |e| context.failed(e);
        let mut entries: Vec<_> = self.entries.drain().collect();
        // Neighbours share pages.
        entries.sort_unstable();
        let mut insert = connection.prepare_cached(INSERT).map_err(failed)?;
        for (key, (position, expires_at)) in entries {
            insert.execute(params![key, position, expires_at]).map_err(failed)?;
        }
        let position = self.seen.unwrap_or_default();
        connection
            .prepare_cached("UPDATE serial_keys_known SET position = ?, checksum = ?")
            .and_then(|mut update| update.execute(params![position, checksum(position)]))
            .map_err(failed)?;
        self.sweep(connection, now).map_err(failed)
    }

    /// Looks through the next part of the index for what has expired: in the order of the keys, so that no second index has
    /// to be written for it.
    fn sweep(&mut self, connection: &Connection, now: Timestamp) -> rusqlite::Result<()> {
        let sql = "SELECT max(key), count(*) FROM (SELECT key FROM serial_keys WHERE key > ? ORDER BY key LIMIT ?)";
        let bounds = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let (end, count): (Option<i64>, i64) = connection.prepare_cached(sql)?.query_row(params![self.swept, SWEPT], bounds)?;
        let sql = "DELETE FROM serial_keys WHERE key > ? AND key <= ? AND expires_at < ?";
        connection.prepare_cached(sql)?.execute(params![self.swept, end.unwrap_or(i64::MAX), now.minus(REMEMBERED).unix()])?;
        self.swept = end.filter(|_| count == SWEPT).unwrap_or(i64::MIN);
        Ok(())
    }
}

const INSERT: &str = "INSERT INTO serial_keys (key, position, expires_at) VALUES (?, ?, ?) \
                      ON CONFLICT DO UPDATE SET position = excluded.position, expires_at = excluded.expires_at";

/// Takes note of a CA certificate's serial number; `false` if its issuer has used it before.
pub(super) fn use_of_ca(
    connection: &Connection,
    context: &Context<'_>,
    trust_domain: i64,
    certificate: &Certificate,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let mut recent = Recent::default();
    recent.catch_up(connection, context)?;
    let number = Number::of(trust_domain, certificate);
    let key = number.key();
    let used = recent.is_used(&mut Index::of(connection, context)?, connection, context, key, &number, now)?;
    if used || is_used_before(connection, context, &number)? {
        return Ok(false);
    }
    let values = params![key, None::<i64>, certificate.validity().not_after.unix()];
    connection.prepare_cached(INSERT).and_then(|mut insert| insert.execute(values)).map_err(|e| context.failed(e))?;
    Ok(true)
}

fn checksum(position: i64) -> i64 {
    Checksum::of("serial_keys_known").int(position).finish()
}

/// Up to which entry the index knows the log.
fn known(connection: &Connection, context: &Context<'_>) -> Result<i64, StoreError> {
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let mut select = connection.prepare_cached("SELECT position, checksum FROM serial_keys_known").map_err(|e| context.failed(e))?;
    let (position, held): (i64, Option<i64>) = select.query_row([], read).map_err(|e| context.failed(e))?;
    sound(held.is_none_or(|held| held == checksum(position)), context, || "how far the serial numbers are known".to_owned())?;
    Ok(position)
}

/// Whether anything is left of what earlier versions took note of.
pub(super) fn has_old_ones(connection: &Connection, context: &Context<'_>) -> Result<bool, StoreError> {
    let mut select = connection.prepare_cached("SELECT 1 FROM serials LIMIT 1").map_err(|e| context.failed(e))?;
    select.exists([]).map_err(|e| context.failed(e))
}

/// Whether an earlier version took note of this serial number.
pub(super) fn is_used_before(connection: &Connection, context: &Context<'_>, number: &Number<'_>) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM serials WHERE serial = ? AND issuer = ? AND trust_domain = ?";
    let of = params![number.serial.as_bytes(), number.issuer.as_der(), number.trust_domain];
    connection.prepare_cached(sql).and_then(|mut select| select.exists(of)).map_err(|e| context.failed(e))
}

/// How many that an earlier version took note of are forgotten with each record, when they have expired.
const FORGOTTEN_AT_ONCE: i64 = 4;

pub(super) fn forget_old_ones(connection: &Connection, context: &Context<'_>, now: Timestamp) -> Result<(), StoreError> {
    let sql = "DELETE FROM serials WHERE rowid IN (SELECT rowid FROM serials WHERE expires_at < ? ORDER BY expires_at LIMIT ?)";
    let bound = params![now.minus(REMEMBERED).unix(), FORGOTTEN_AT_ONCE];
    connection.prepare_cached(sql).and_then(|mut delete| delete.execute(bound)).map_err(|e| context.failed(e))?;
    Ok(())
}
