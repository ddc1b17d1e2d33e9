use std::collections::BTreeMap;

use super::row::Value;
use super::tables::{Kind, Table};
use crate::checksum::Checksum;

/// The trust domains' names, by the numbers that rows have.
pub(super) type Names = BTreeMap<i64, String>;

/// Whether a row is what was once written. Rows whose checksums depend on more than themselves and a trust domain's name are those that a
/// store reads, all of them, when it was made of an export: of them nothing is said here.
pub(super) fn is_sound(table: &Table, row: &[Value], names: &Names) -> bool {
    let named = match table.name {
        "events" | "bundles" | "sealed_keys" | "last_expiries" | "idempotency_keys" | "revocation_changes" | "denial_lifts" | "restorations" => false,
        "denials" if !is_of_its_trust_domain(table, row, names) => return false,
        "denials" => false,
        "revocations" | "crls" | "ca_requests" => true,
        _ => return true,
    };
    let mut sum = Checksum::of(table.name);
    for ((column, kind), value) in table.columns.iter().zip(row) {
        sum = match (table.name, *column, value) {
            // The identity says it; what became of a request follows from what comes behind.
            (_, "checksum", _) | ("denials", "trust_domain", _) | ("ca_requests", "outcome", _) => sum,
            ("ca_requests", "authority" | "decided_at" | "decided_by", Value::Null) => sum,
            (_, "trust_domain", Value::Int(number)) if named => match names.get(number) {
                Some(name) => sum.text(name),
                None => return false,
            },
            (_, _, Value::Int(number)) => sum.int(*number),
            (_, _, Value::Text(text)) => sum.text(text),
            (_, _, Value::Bytes(octets)) => sum.bytes(octets),
            (_, _, Value::Null) => match kind {
                Kind::Int => sum.int(i64::MAX),
                Kind::Text | Kind::Bytes => sum.bytes(&[]),
            },
        };
    }
    let outcome_follows = match (value(table, row, "outcome"), value(table, row, "authority")) {
        (Some(Value::Text(outcome)), authority) => outcome == "signed" && authority != Some(&Value::Null),
        (Some(_), authority) => authority == Some(&Value::Null),
        (None, _) => true,
    };
    outcome_follows && value(table, row, "checksum").and_then(Value::int) == Some(sum.finish())
}

/// Whether a denial is of the trust domain of its identity.
fn is_of_its_trust_domain(table: &Table, row: &[Value], names: &Names) -> bool {
    let name = value(table, row, "trust_domain").and_then(Value::int).and_then(|number| names.get(&number));
    let (Some(name), Some(Value::Text(id))) = (name, value(table, row, "spiffe_id")) else { return false };
    id.strip_prefix("spiffe://").and_then(|rest| rest.strip_prefix(name.as_str())).is_some_and(|path| path.is_empty() || path.starts_with('/'))
}

fn value<'a>(table: &Table, row: &'a [Value], column: &str) -> Option<&'a Value> {
    table.columns.iter().position(|(name, _)| *name == column).and_then(|at| row.get(at))
}
