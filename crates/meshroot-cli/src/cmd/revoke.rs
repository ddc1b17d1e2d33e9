//! `revoke`: certificates that are not to be trusted any more, and identities that get none.

use serde_json::{Map, Value, json};

use crate::administration::ask;
use crate::args::Revoke;
use crate::exit::{Exit, Result};
use crate::output::Style;
use crate::session::Session;

pub(super) fn run(session: &Session<'_>, args: &Revoke) -> Result<Exit> {
    if args.list {
        return list(session);
    }
    if let Some(number) = args.lift {
        let lifted = ask(session, "DELETE", &format!("/v1/denials/{number}"), None)?;
        session.out.line(format_args!("'{}' may get certificates again", text(&lifted, "id")));
        session.out.document(&lifted);
        return Ok(Exit::Ok);
    }
    let out = session.out;
    let done = ask(session, "POST", "/v1/revocations", Some(&wanted(args)))?;
    for one in items(&done, "revoked") {
        out.line(format_args!("{} {}", out.styled(Style::Good, "revoked"), certificate(one)));
    }
    let count = |member: &str| done.get(member).and_then(Value::as_u64).unwrap_or_default();
    let (shown, revoked) = (items(&done, "revoked").count(), count("revoked_count"));
    if revoked > u64::try_from(shown).unwrap_or(u64::MAX) {
        out.say(format_args!("{revoked} were revoked in all"));
    }
    if count("revoked_before_count") > 0 {
        out.say(format_args!("{} were revoked before", count("revoked_before_count")));
    }
    for denial in items(&done, "denied") {
        out.line(denied(denial));
    }
    for authority in done.get("tainted").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        out.warn(format_args!("'{authority}' issues nothing any more: make its cluster a new CA"));
    }
    for crl in items(&done, "crls") {
        out.say(format_args!("the CRL of {} has number {}, good until {}", text(crl, "authority"), text(crl, "number"), text(crl, "next_update")));
    }
    for missing in items(&done, "without_crl") {
        out.warn(format_args!(
            "no CRL of '{}' tells of it yet, since {}: `meshroot root requests` writes what its key has to sign",
            text(missing, "authority"),
            text(missing, "why")
        ));
    }
    out.document(&done);
    Ok(Exit::Ok)
}

fn wanted(args: &Revoke) -> Value {
    let mut body = Map::new();
    for (name, value) in [("serial", &args.serial), ("id", &args.id), ("caller", &args.caller)] {
        if let Some(value) = value {
            body.insert(name.into(), value.as_str().into());
        }
    }
    body.insert("reason".into(), args.reason.as_str().into());
    body.insert("deny".into(), args.deny.into());
    if let Some(span) = args.deny_for {
        body.insert("deny_for".into(), json!(format!("{}s", span.as_secs())));
    }
    body.into()
}

fn list(session: &Session<'_>) -> Result<Exit> {
    let out = session.out;
    let listed = ask(session, "GET", "/v1/revocations", None)?;
    for one in items(&listed, "revocations") {
        let told = if one.get("on_crl").and_then(Value::as_bool) == Some(false) { ", on no CRL yet" } else { "" };
        out.line(format_args!("{}  {}  since {}{told}", certificate(one), text(one, "reason"), text(one, "revoked_at")));
    }
    for denial in items(&listed, "denials") {
        out.line(denied(denial));
    }
    match text(&listed, "crl_set") {
        "complete" => out.say("the CRLs of all CAs are there"),
        missing => out.say(format_args!("there is no complete set of CRLs: {missing}")),
    }
    out.document(&listed);
    Ok(Exit::Ok)
}

fn certificate(one: &Value) -> String {
    format!("{}  {}  by {}  until {}", text(one, "serial"), text(one, "id"), text(one, "authority"), text(one, "not_after"))
}

fn denied(denial: &Value) -> String {
    let number = denial.get("number").and_then(Value::as_u64).unwrap_or_default();
    let until = denial.get("expires_at").and_then(Value::as_str).map_or_else(|| "until it is lifted".to_owned(), |at| format!("until {at}"));
    format!("denied {}  number {number}  {until}", text(denial, "id"))
}

fn items<'a>(document: &'a Value, member: &str) -> impl Iterator<Item = &'a Value> {
    document.get(member).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(document: &'a Value, member: &str) -> &'a str {
    document.get(member).and_then(Value::as_str).unwrap_or("-")
}
