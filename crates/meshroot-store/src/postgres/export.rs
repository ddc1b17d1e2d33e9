//! All rows of a store, and a store made of them.

use std::cell::RefCell;

use meshroot::hierarchy::Event;
use meshroot::time::Timestamp;
use meshroot::x509::Certificate;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::failure::{Context, Fault};
use super::head::{Head, begin_part};
use super::rows::int;
use super::session::Session;
use super::submit::USE_SERIALS;
use super::{commit, idempotency, load, log, revocations, standing, tokens};
use crate::export::{Export, Header, IDEMPOTENCY_KEYS, ISSUANCES, Kind, Place, Sink, TABLES, Table, Value};
use crate::{Meta, Query, StoreError};

/// How many rows come or go at once.
const PAGE: usize = 1_000;

/// Call it in a transaction that sees one moment. A sink takes every row once, so this cannot be tried again.
pub(super) async fn export(session: &Session, context: &Context<'_>, meta: &Meta, sink: &RefCell<&mut Sink<'_>>) -> Result<Header, Fault> {
    for table in TABLES {
        let order = if *table == ISSUANCES { "part, position" } else { table.order };
        // Texts in the order of their octets, as everywhere.
        let declare =
            format!("DECLARE every_row NO SCROLL CURSOR FOR SELECT {} FROM {} ORDER BY {}", table.names(), table.name, collated(table, order));
        session.run(&declare).await?;
        loop {
            let rows = session.query_once(&format!("FETCH {PAGE} FROM every_row"), &[]).await?;
            for row in &rows {
                (sink.borrow_mut())(table, values(table, row)?)?;
            }
            if rows.len() < PAGE {
                break;
            }
        }
        session.run("CLOSE every_row").await?;
    }
    let row = load::store_row(session, context).await?;
    let standing = standing::Row::read(session, context).await?.0;
    let position = session.one("SELECT position FROM log_head", &[]).await?.map(|row| int(&row, 0)).transpose()?.unwrap_or(0);
    let next_position = position.saturating_add(1);
    let place = Place { version: row.version, epoch: standing.epoch, doubt: standing.doubt, seen: standing.seen, next_position };
    Ok(Header::new(meta, &row.wrapped_data_key, place))
}

fn collated(table: &Table, order: &str) -> String {
    let is_text = |name: &str| table.columns.iter().any(|(column, kind)| *column == name && *kind == Kind::Text);
    let by = |name: &str| if is_text(name) { format!("{name} COLLATE \"C\"") } else { name.to_owned() };
    order.split(", ").map(by).collect::<Vec<_>>().join(", ")
}

fn values(table: &Table, row: &Row) -> Result<Vec<Value>, tokio_postgres::Error> {
    let value = |(at, (_, kind)): (usize, &(&str, Kind))| {
        Ok(match kind {
            Kind::Int => row.try_get::<_, Option<i64>>(at)?.map_or(Value::Null, Value::Int),
            Kind::Text => row.try_get::<_, Option<String>>(at)?.map_or(Value::Null, Value::Text),
            Kind::Bytes => row.try_get::<_, Option<Vec<u8>>>(at)?.map_or(Value::Null, Value::Bytes),
        })
    };
    table.columns.iter().enumerate().map(value).collect()
}

/// Fills a store that was just made, in the same transaction, and reads all of it.
pub(super) async fn import(session: &Session, context: &Context<'_>, export: &Export) -> Result<(), Fault> {
    for table in TABLES {
        if *table == ISSUANCES {
            import_log(session, context, export).await?;
            continue;
        }
        let mut page = Vec::with_capacity(PAGE);
        for row in export.rows(table)? {
            page.push(row?);
            if page.len() >= PAGE {
                write(session, table, None, &page).await?;
                page.clear();
            }
        }
        write(session, table, None, &page).await?;
    }
    let header = export.header();
    let mut row = commit::lock(session, context).await?;
    row.version = header.version;
    session.execute("UPDATE store SET version = $1, checksum = $2", &[&row.version, &row.checksum()]).await?;
    use_serials_of_cas(session, context).await?;
    verify(session, context, export).await?;
    // Last: nothing is written to an older copy.
    standing::Row { epoch: header.epoch, doubt: header.doubt.clone(), seen: header.seen }.write(session).await
}

/// The serial numbers of CA certificates count as used.
async fn use_serials_of_cas(session: &Session, context: &Context<'_>) -> Result<(), Fault> {
    for (number, domain) in (1i64..).zip(load::load(session, context).await?.trust_domains) {
        for event in &domain.events {
            if let Event::AuthorityAdded { certificate, .. } | Event::CertificateAdded { certificate, .. } = event {
                commit::use_serial(session, number, certificate).await?;
            }
        }
    }
    Ok(())
}

/// The serial numbers of entries of the log.
async fn use_serials(session: &Session, context: &Context<'_>, part: i64, rows: &[Vec<Value>]) -> Result<(), Fault> {
    let (mut serials, mut issuers, mut domains, mut expiries, mut positions) = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        let damaged = || context.damaged("an entry of the issuance log is none");
        let der = column(row, "certificate").and_then(Value::bytes).ok_or_else(damaged)?;
        let certificate = Certificate::from_der(der).map_err(|_| damaged())?;
        serials.push(certificate.serial().as_bytes().to_vec());
        issuers.push(certificate.issuer().as_der().to_vec());
        domains.push(number(row, "trust_domain", context)?);
        expiries.push(certificate.validity().not_after.unix());
        positions.push(number(row, "position", context)?);
    }
    session.execute(USE_SERIALS, &[&part, &serials, &issuers, &domains, &expiries, &positions]).await?;
    Ok(())
}

fn column<'r>(row: &'r [Value], name: &str) -> Option<&'r Value> {
    row.get(ISSUANCES.columns.iter().position(|(column, _)| *column == name)?)
}

fn number(row: &[Value], name: &str, context: &Context<'_>) -> Result<i64, StoreError> {
    column(row, name).and_then(Value::int).ok_or_else(|| context.damaged("an entry of the issuance log is none"))
}

async fn append(session: &Session, context: &Context<'_>, part: i64, rows: &[Vec<Value>]) -> Result<(), Fault> {
    write(session, ISSUANCES, Some(part), rows).await?;
    use_serials(session, context, part, rows).await
}

/// A part has no gaps: behind one the next begins.
async fn import_log(session: &Session, context: &Context<'_>, export: &Export) -> Result<(), Fault> {
    let mut head = Head::lock(session, context).await?;
    let mut page = Vec::with_capacity(PAGE);
    for row in export.rows(ISSUANCES)? {
        let row = row?;
        let (position, at) = (number(&row, "position", context)?, Timestamp::from_unix(number(&row, "at", context)?));
        if position != head.position.saturating_add(1) || head.needs_part(at) || page.len() >= PAGE {
            append(session, context, head.part, &page).await?;
            page.clear();
        }
        if position != head.position.saturating_add(1) || head.needs_part(at) {
            head = begin_part(session, head, position, at).await?;
        }
        head.position = position;
        head.part_last_expiry = head.part_last_expiry.max(number(&row, "not_after", context)?);
        page.push(row);
    }
    append(session, context, head.part, &page).await?;
    let next = export.header().next_position;
    if next > head.position.saturating_add(1) {
        head = begin_part(session, head, next, Timestamp::from_unix(head.part_started_at)).await?;
    }
    Ok(head.store(session).await?)
}

/// Inserts rows: a column after the other, as arrays.
async fn write(session: &Session, table: &Table, part: Option<i64>, rows: &[Vec<Value>]) -> Result<(), Fault> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut names = table.names();
    let mut arrays: Vec<Box<dyn ToSql + Sync>> = Vec::new();
    let mut types = Vec::new();
    for (at, (_, kind)) in table.columns.iter().enumerate() {
        let column = || rows.iter().map(move |row| row.get(at));
        arrays.push(match kind {
            Kind::Int => Box::new(column().map(|value| value.and_then(Value::int)).collect::<Vec<_>>()),
            Kind::Text => Box::new(column().map(|value| value.and_then(Value::text).map(str::to_owned)).collect::<Vec<_>>()),
            Kind::Bytes => Box::new(column().map(|value| value.and_then(Value::bytes).map(<[u8]>::to_vec)).collect::<Vec<_>>()),
        });
        types.push(match kind {
            Kind::Int => "bigint",
            Kind::Text => "text",
            Kind::Bytes => "bytea",
        });
    }
    // What this kind of store has besides.
    if let Some(part) = part {
        names.push_str(", part");
        types.push("bigint");
        arrays.push(Box::new(vec![part; rows.len()]));
    }
    if table == IDEMPOTENCY_KEYS {
        names.push_str(", name");
        types.push("bytea");
        let text = |row: &[Value], at: usize| row.get(at).and_then(Value::text).unwrap_or_default().to_owned();
        let digests: Vec<Vec<u8>> = rows.iter().map(|row| idempotency::digest_of(&text(row, 0), &text(row, 1)).to_vec()).collect();
        arrays.push(Box::new(digests));
    }
    let places: Vec<String> = (1..).zip(&types).map(|(at, kind): (usize, _)| format!("${at}::{kind}[]")).collect();
    let sql = format!("INSERT INTO {} ({names}) SELECT * FROM unnest({})", table.name, places.join(", "));
    let values: Vec<&(dyn ToSql + Sync)> = arrays.iter().map(|array| &**array).collect();
    session.query_once(&sql, &values).await?;
    Ok(())
}

/// Whether everything can be read as what was once written.
async fn verify(session: &Session, context: &Context<'_>, export: &Export) -> Result<(), Fault> {
    load::load(session, context).await?;
    revocations::load(session, context, Timestamp::from_unix(i64::MIN)).await?;
    tokens::all(session, context).await?;
    let (mut after, mut entries) = (0, 0u64);
    loop {
        let page = log::issuances(session, context, &Query { after, limit: Query::MOST, ..Query::default() }, true).await?;
        let Some(last) = page.last() else { break };
        after = last.position;
        entries = entries.saturating_add(u64::try_from(page.len()).unwrap_or(0));
    }
    Ok(context.sound(entries == export.issuances(), || "the issuance log".to_owned())?)
}

/// An error for who would take rows twice.
pub(super) fn interrupted(context: &Context<'_>) -> StoreError {
    StoreError::Unavailable { address: context.address.to_string(), detail: "the connection broke on the way: begin again".into() }
}
