//! A verdict in words, and as JSON.

use meshroot::revocation::CrlSet;
use meshroot::time::{Timestamp, humanize};
use meshroot::verify::views::View;
use meshroot::verify::{Rejection, ValidatedSvid};
use meshroot::x509::Certificate;
use serde_json::{Value, json};

use super::anchors::Anchors;
use super::{crls, views};
use crate::output::{Out, Style};

/// What a chain was judged by.
pub(super) struct Judged<'a> {
    pub(super) anchors: &'a Anchors,
    pub(super) crls: &'a CrlSet,
    pub(super) at: Timestamp,
}

pub(super) fn accepted(svid: &ValidatedSvid, judged: &Judged<'_>, views: &[View], out: &Out) {
    let at = judged.at;
    let until = svid.not_after();
    if out.is_json() {
        return out.document(&json!({
            "valid": true,
            "spiffe_id": svid.id().to_string(),
            "trust_domain": svid.id().trust_domain().to_string(),
            "path": svid.path().iter().map(certificate).collect::<Vec<_>>(),
            "until": until.to_string(),
            "at": at.to_string(),
            "bundle": about(judged.anchors),
            "crls": crls::about(judged.crls),
            "views": views::about(views),
        }));
    }
    out.line(format_args!("{}: {}", out.styled(Style::Good, "valid"), svid.id()));
    out.line(format_args!("  until       {until} (for another {})", humanize(until.since(at))));
    for (index, ca) in svid.path().iter().enumerate() {
        let role = if index.saturating_add(1) == svid.path().len() { "trusted as" } else { "signed by" };
        out.line(format_args!("  {role:10}  {} (serial {}, until {})", ca.subject(), ca.serial(), ca.validity().not_after));
    }
    judged_by(judged, out);
    views::others(views, true, out);
}

pub(super) fn rejected(rejection: &Rejection, judged: &Judged<'_>, views: &[View], out: &Out) {
    if out.is_json() {
        return out.document(&json!({
            "valid": false,
            "reason": reason(rejection),
            "certificate": at_fault(rejection),
            "at": judged.at.to_string(),
            "bundle": about(judged.anchors),
            "crls": crls::about(judged.crls),
            "views": views::about(views),
        }));
    }
    out.line(format_args!("{}: {}", out.styled(Style::Bad, "not valid"), rejection.reason));
    why(rejection, out);
    judged_by(judged, out);
    views::others(views, false, out);
}

/// Where it went wrong, and by which rule.
pub(super) fn why(rejection: &Rejection, out: &Out) {
    if let Some(certificate) = &rejection.certificate {
        out.line(format_args!("  where       {certificate}"));
    }
    out.line(format_args!("  found       {}", rejection.found()));
    out.line(format_args!("  needed      {}", rejection.needed()));
    out.line(format_args!("  rule        {} ({})", rejection.source(), rejection.code()));
}

pub(super) fn reason(rejection: &Rejection) -> Value {
    json!({
        "code": rejection.code(),
        "message": rejection.reason.to_string(),
        "source": rejection.source(),
        "found": rejection.found(),
        "needed": rejection.needed(),
    })
}

pub(super) fn at_fault(rejection: &Rejection) -> Option<Value> {
    let at_fault = rejection.certificate.as_ref()?;
    Some(json!({ "position": at_fault.position, "subject": at_fault.subject.to_string(), "serial": at_fault.serial.to_string() }))
}

pub(super) fn judged_by(judged: &Judged<'_>, out: &Out) {
    let anchors = judged.anchors;
    out.line(format_args!("  at          {}", judged.at));
    out.line(format_args!("  bundle      {}", anchors.what));
    for ignored in &anchors.ignored {
        out.line(format_args!("  {}     {ignored}", out.styled(Style::Warn, "ignored")));
    }
    crls::print(judged.crls, out);
}

fn certificate(ca: &Certificate) -> Value {
    json!({ "subject": ca.subject().to_string(), "serial": ca.serial().to_string(), "not_after": ca.validity().not_after.to_string() })
}

pub(super) fn about(anchors: &Anchors) -> Value {
    let names: Vec<String> = anchors.map.iter().map(|(name, _)| name.to_string()).collect();
    json!({ "what": anchors.what, "trust_domains": names, "ignored": anchors.ignored })
}
