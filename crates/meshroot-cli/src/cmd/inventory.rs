//! `inventory`: who got which certificate.

use std::fmt::Write;

use serde_json::Value;

use crate::administration::ask;
use crate::args::Inventory;
use crate::exit::{Exit, Result};
use crate::output::Out;
use crate::session::Session;

pub(super) fn run(session: &Session<'_>, args: &Inventory) -> Result<Exit> {
    let out = session.out;
    let found = ask(session, "GET", &path(session, args), None)?;
    dependents(out, &found);
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
    let number = |member: &str| found.get(member).and_then(Value::as_u64);
    if let Some(next) = number("next_after") {
        out.say(format_args!("there is more: --after {next}"));
    }
    if let (Some(known), Some(last), None) = (number("known_until_record"), number("last_record"), number("next_after"))
        && known < last
    {
        out.warn(format_args!("the inventory is still being made: records behind {known}, up to {last}, were not searched"));
    }
    out.document(&found);
    Ok(Exit::Ok)
}

fn path(session: &Session<'_>, args: &Inventory) -> String {
    let mut path = format!("/v1/inventory?limit={}", args.limit);
    let by = args.expires_within.map(|within| session.now.plus(within).to_string());
    let after = (args.unexpired || by.is_some()).then(|| session.now.to_string());
    for (name, value) in [
        ("id", &args.id),
        ("cluster", &args.cluster),
        ("authority", &args.authority),
        ("depends_on", &args.depends_on),
        ("caller", &args.caller),
        ("serial", &args.serial),
        ("expires_after", &after),
        ("expires_by", &by),
        ("after", &args.after.map(|after| after.to_string())),
    ] {
        if let Some(value) = value {
            let _ = write!(path, "&{name}={}", escaped(value));
        }
    }
    path
}

/// Who depends on the authority that was named.
fn dependents(out: &Out, found: &Value) {
    let Some(depends) = found.get("depends_on") else { return };
    let text = |document: &Value, member: &str| document.get(member).and_then(Value::as_str).unwrap_or("-").to_owned();
    let count = |document: &Value| document.get("certificates").and_then(Value::as_u64).unwrap_or_default();
    out.line(format_args!(
        "{} unexpired certificates depend on {}, the last until {}",
        count(depends),
        text(depends, "authority"),
        text(depends, "last_expiry")
    ));
    for one in depends.get("by").and_then(Value::as_array).into_iter().flatten() {
        let (cluster, authority) = (text(one, "cluster"), text(one, "authority"));
        out.line(format_args!("  {cluster}  {authority}  {}, the last until {}", count(one), text(one, "last_expiry")));
    }
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
