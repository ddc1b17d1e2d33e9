use std::collections::BTreeSet;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value as Json;

// The store's own files: see grpc.rs. The store's feature for PostgreSQL is none of this crate.
#[allow(dead_code, unexpected_cfgs, reason = "the store uses all of it")]
#[path = "../../crates/meshroot-store/src/export/row.rs"]
mod row;
#[allow(dead_code, reason = "the store uses all of it")]
#[path = "../../crates/meshroot-store/src/export/tables.rs"]
pub(crate) mod tables;

use row::{Value, of_line, to_line};
use tables::{Kind, TABLES, Table};

/// A line of a file of a store's export; the first byte says of which table. It is a row exactly when a naive reading finds every column
/// and nothing else, each of its kind; and the row is written as a line that is read as itself.
pub fn store_export(data: &[u8]) {
    let Some((number, line)) = data.split_first() else { return };
    let Ok(line) = core::str::from_utf8(line) else { return };
    let table = TABLES[usize::from(*number) % TABLES.len()];
    let row = of_line(table, line);
    let naive = serde_json::from_str::<Json>(line).ok().and_then(|json| naive(json, table));
    assert_eq!(row, naive, "{}", table.name);
    let Some(row) = row else { return };

    let written = to_line(table, &row);
    assert!(written.ends_with('\n') && !written.trim_end_matches('\n').contains('\n'), "a row of two lines");
    assert_eq!(of_line(table, &written), Some(row));
    // Of another table it is none, but of one with the same columns.
    for other in TABLES.iter().filter(|other| other.columns != table.columns) {
        let names = |columns: &[(&'static str, Kind)]| columns.iter().map(|(name, _)| *name).collect::<BTreeSet<_>>();
        assert!(of_line(other, &written).is_none() || names(other.columns) == names(table.columns), "{} or {}", table.name, other.name);
    }
}

fn naive(json: Json, table: &Table) -> Option<Vec<Value>> {
    let columns = table.columns;
    let members = json.as_object()?;
    let known: BTreeSet<_> = columns.iter().map(|(name, _)| *name).collect();
    if members.keys().map(String::as_str).collect::<BTreeSet<_>>() != known {
        return None;
    }
    let value = |(name, kind): &(&str, Kind)| match (&json[*name], kind) {
        (Json::Null, _) if table.order.contains(name) => None,
        (Json::Null, _) => Some(Value::Null),
        (json, Kind::Int) => json.as_i64().map(Value::Int),
        (json, Kind::Text) => json.as_str().map(|text| Value::Text(text.to_owned())),
        (json, Kind::Bytes) => BASE64_STANDARD.decode(json.as_str()?).ok().map(Value::Bytes),
    };
    columns.iter().map(value).collect()
}

/// A row of every table.
pub fn store_export_seeds() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    let value = |kind: &Kind| match kind {
        Kind::Int => Value::Int(7),
        Kind::Text => Value::Text("west".to_owned()),
        Kind::Bytes => Value::Bytes(vec![1, 2, 3]),
    };
    (0..).zip(TABLES).map(move |(number, table)| {
        let row: Vec<_> = table.columns.iter().map(|(_, kind)| value(kind)).collect();
        (table.name, [&[number], to_line(table, &row).as_bytes()].concat())
    })
}
