//! All rows of a store, and a store made of them.

use meshroot::hierarchy::Event;
use meshroot::time::Timestamp;
use rusqlite::{Connection, ToSql, params_from_iter};

use super::failure::Context;
use super::load::{self, StoreRow};
use super::references::{Certificates, References, Whole};
use super::{log, revocations, segments, serials, standing, tokens};
use crate::export::{Export, Header, ISSUANCES, Kind, Place, Sink, TABLES, Table, Value};
use crate::{Meta, Query, StoreError};

pub(super) fn export(connection: &Connection, context: &Context<'_>, meta: &Meta, sink: &mut Sink<'_>) -> Result<Header, StoreError> {
    for table in TABLES {
        if *table == ISSUANCES {
            for segment in segments::held(connection, context)? {
                let certificates = Certificates::of(connection, context, &segment);
                read(connection, context, table, &segment.table(), Some(certificates), sink)?;
            }
        } else {
            read(connection, context, table, table.name, None, sink)?;
        }
    }
    let row = load::store_row(connection, context)?;
    let standing = standing::Row::read(connection, context)?;
    let next_position = segments::open(connection, context)?.newest(connection, context)?.saturating_add(1);
    let place = Place { version: row.version, epoch: standing.epoch, doubt: standing.doubt, seen: standing.seen, next_position };
    Ok(Header::new(meta, &row.wrapped_data_key, place))
}

/// The rows of a table, those of the log with their certificates whole.
fn read(
    connection: &Connection,
    context: &Context<'_>,
    table: &'static Table,
    from: &str,
    mut certificates: Option<Certificates<'_>>,
    sink: &mut Sink<'_>,
) -> Result<(), StoreError> {
    let failed = |e| context.failed(e);
    let mut select = connection.prepare(&format!("SELECT {} FROM {from} ORDER BY {}", table.names(), table.order)).map_err(failed)?;
    let mut rows = select.query([]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let value = |(at, (_, kind)): (usize, &(&str, Kind))| -> rusqlite::Result<Value> {
            Ok(match kind {
                Kind::Int => row.get::<_, Option<i64>>(at)?.map_or(Value::Null, Value::Int),
                Kind::Text => row.get::<_, Option<String>>(at)?.map_or(Value::Null, Value::Text),
                Kind::Bytes => row.get::<_, Option<Vec<u8>>>(at)?.map_or(Value::Null, Value::Bytes),
            })
        };
        let mut values = table.columns.iter().enumerate().map(value).collect::<rusqlite::Result<Vec<_>>>().map_err(failed)?;
        if let Some(certificates) = &mut certificates {
            change_certificate(&mut values, |kept| certificates.whole(kept.position, kept.known, kept.certificate.to_vec()))?;
        }
        sink(table, values)?;
    }
    Ok(())
}

/// Puts another form of a certificate into a row of the log.
fn change_certificate(row: &mut [Value], change: impl FnOnce(&Whole<'_>) -> Result<Vec<u8>, StoreError>) -> Result<(), StoreError> {
    let [Value::Int(position), _, Value::Text(authority), Value::Text(kind), _, id, Value::Bytes(serial), _, _, _, _, Value::Bytes(certificate), _] =
        row
    else {
        // What is missing, the database refuses.
        return Ok(());
    };
    let id = if let Value::Text(id) = id { id.as_bytes() } else { &[] };
    let held = core::mem::take(certificate);
    *certificate = change(&Whole { position: *position, authority, kind, known: [serial, id], certificate: &held })?;
    Ok(())
}

/// Fills a store that was just made, and reads all of it.
pub(super) fn import(connection: &Connection, context: &Context<'_>, export: &Export) -> Result<(), StoreError> {
    for table in TABLES {
        if *table == ISSUANCES {
            // Before the log is there, which it would be compared with.
            use_serials_of_cas(connection, context, export)?;
            import_log(connection, context, export)?;
        } else {
            let insert = statement(table, table.name);
            for row in export.rows(table)? {
                write(connection, context, &insert, &row?)?;
            }
        }
    }
    let header = export.header();
    let standing = standing::Row { epoch: header.epoch, writes: 0, marked: false, doubt: header.doubt.clone(), seen: header.seen };
    standing.write(connection, context)?;
    verify(connection, context, export)
}

/// The serial numbers of CA certificates count as used; those of the log are taken from it.
fn use_serials_of_cas(connection: &Connection, context: &Context<'_>, export: &Export) -> Result<(), StoreError> {
    set_version(connection, context, export)?;
    for (number, domain) in (1i64..).zip(load::load(connection, context)?.trust_domains) {
        for event in &domain.events {
            if let Event::AuthorityAdded { certificate, .. } | Event::CertificateAdded { certificate, .. } = event {
                serials::use_of_ca(connection, context, number, certificate, domain.visible_at.unwrap_or(Timestamp::from_unix(0)))?;
            }
        }
    }
    Ok(())
}

fn set_version(connection: &Connection, context: &Context<'_>, export: &Export) -> Result<(), StoreError> {
    let mut row: StoreRow = load::store_row(connection, context)?;
    row.version = export.header().version;
    let sql = "UPDATE store SET version = ?, checksum = ?";
    connection.execute(sql, rusqlite::params![row.version, row.checksum()]).map_err(|e| context.failed(e))?;
    Ok(())
}

fn statement(table: &Table, into: &str) -> String {
    let places = vec!["?"; table.columns.len()].join(", ");
    format!("INSERT INTO {into} ({}) VALUES ({places})", table.names())
}

fn write(connection: &Connection, context: &Context<'_>, insert: &str, row: &[Value]) -> Result<(), StoreError> {
    let values = row.iter().map(|value| -> Box<dyn ToSql> {
        match value {
            Value::Null => Box::new(rusqlite::types::Null),
            Value::Int(number) => Box::new(*number),
            Value::Text(text) => Box::new(text.clone()),
            Value::Bytes(octets) => Box::new(octets.clone()),
        }
    });
    connection.prepare_cached(insert).and_then(|mut insert| insert.execute(params_from_iter(values))).map_err(|e| context.failed(e))?;
    Ok(())
}

/// A segment has no gaps: behind one the next begins.
fn import_log(connection: &Connection, context: &Context<'_>, export: &Export) -> Result<(), StoreError> {
    let mut segment = segments::open(connection, context)?;
    let (mut insert, mut references) = (statement(ISSUANCES, &segment.table()), References::default());
    let mut next = segment.first;
    for row in export.rows(ISSUANCES)? {
        let mut row = row?;
        let position = row.first().and_then(Value::int).ok_or_else(|| context.damaged("an entry of the issuance log has no position"))?;
        if position != next || position.saturating_sub(segment.first) >= segments::ENTRIES {
            segment = segments::begin_next(connection, context, position)?;
            (insert, references) = (statement(ISSUANCES, &segment.table()), References::default());
        }
        change_certificate(&mut row, |whole| Ok(references.keep(whole).to_vec()))?;
        write(connection, context, &insert, &row)?;
        next = position.saturating_add(1);
    }
    if export.header().next_position > next {
        segments::begin_next(connection, context, export.header().next_position)?;
    }
    Ok(())
}

/// Whether everything can be read as what was once written.
fn verify(connection: &Connection, context: &Context<'_>, export: &Export) -> Result<(), StoreError> {
    load::load(connection, context)?;
    revocations::load(connection, context, Timestamp::from_unix(i64::MIN))?;
    tokens::all(connection, context)?;
    let (mut after, mut entries) = (0, 0u64);
    loop {
        let page = log::issuances(connection, context, &Query { after, limit: Query::MOST, ..Query::default() })?;
        let Some(last) = page.last() else { break };
        after = last.position;
        entries = entries.saturating_add(u64::try_from(page.len()).unwrap_or(0));
    }
    load::sound(entries == export.issuances(), context, || "the issuance log".to_owned())
}
