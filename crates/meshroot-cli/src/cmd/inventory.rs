//! `inventory`: who got which certificate.

use std::fmt::Write;

use serde_json::Value;

use crate::administration::ask;
use crate::args::Inventory;
use crate::exit::{Exit, Result};
use crate::session::Session;

pub(super) fn run(session: &Session<'_>, args: &Inventory) -> Result<Exit> {
    let out = session.out;
    let mut path = format!("/v1/inventory?limit={}", args.limit);
    for (name, value) in [("id", &args.id), ("authority", &args.authority), ("serial", &args.serial)] {
        if let Some(value) = value {
            let _ = write!(path, "&{name}={}", escaped(value));
        }
    }
    if let Some(after) = args.after {
        let _ = write!(path, "&after={after}");
    }
    let found = ask(session, "GET", &path, None)?;
    for row in found.get("certificates").and_then(Value::as_array).into_iter().flatten() {
        let text = |member: &str| row.get(member).and_then(Value::as_str).unwrap_or("-");
        let record = row.get("record").and_then(Value::as_u64).unwrap_or_default();
        out.line(format_args!(
            "{record}  {}  {}  until {}  by {}  for {}",
            text("id"),
            text("serial"),
            text("not_after"),
            text("authority"),
            text("caller")
        ));
    }
    if let Some(next) = found.get("next_after").and_then(Value::as_u64) {
        out.say(format_args!("there is more: --after {next}"));
    }
    out.document(&found);
    Ok(Exit::Ok)
}

/// Percent-encoding for a query.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for octet in value.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~/:".contains(&octet) {
            text.push(char::from(octet));
        } else {
            let _ = write!(text, "%{octet:02X}");
        }
    }
    text
}
