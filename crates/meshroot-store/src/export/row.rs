use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value as Json};

use super::tables::{Kind, Table};

/// A value of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// None.
    Null,
    /// A whole number.
    Int(i64),
    /// A text.
    Text(String),
    /// Octets.
    Bytes(Vec<u8>),
}

impl Value {
    pub(crate) fn int(&self) -> Option<i64> {
        if let Self::Int(number) = self { Some(*number) } else { None }
    }

    #[cfg(feature = "postgres")]
    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    #[cfg(feature = "postgres")]
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        if let Self::Bytes(octets) = self { Some(octets) } else { None }
    }
}

/// A row as a line of JSON.
pub(super) fn to_line(table: &Table, row: &[Value]) -> String {
    let member = |((name, _), value): (&(&str, Kind), &Value)| {
        let value = match value {
            Value::Null => Json::Null,
            Value::Int(number) => (*number).into(),
            Value::Text(text) => text.as_str().into(),
            Value::Bytes(octets) => BASE64_STANDARD.encode(octets).into(),
        };
        ((*name).to_owned(), value)
    };
    let mut line = Json::Object(table.columns.iter().zip(row).map(member).collect()).to_string();
    line.push('\n');
    line
}

/// A line as a row; `None` if it is none of this table.
pub(super) fn of_line(table: &Table, line: &str) -> Option<Vec<Value>> {
    let members: Map<String, Json> = serde_json::from_str(line).ok()?;
    if members.len() != table.columns.len() {
        return None;
    }
    let value = |(name, kind): &(&str, Kind)| match (members.get(*name)?, kind) {
        // A database would find a number of its own for a row without one.
        (Json::Null, _) => (!table.is_ordered_by(name)).then_some(Value::Null),
        (Json::Number(number), Kind::Int) => Some(Value::Int(number.as_i64()?)),
        (Json::String(text), Kind::Text) => Some(Value::Text(text.clone())),
        (Json::String(text), Kind::Bytes) => Some(Value::Bytes(BASE64_STANDARD.decode(text).ok()?)),
        _ => None,
    };
    table.columns.iter().map(value).collect()
}
