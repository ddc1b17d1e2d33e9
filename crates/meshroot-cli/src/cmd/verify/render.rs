//! A verdict in words, and as JSON.

use meshroot::revocation::CrlSet;
use meshroot::time::{Timestamp, humanize};
use meshroot::verify::{Rejection, ValidatedSvid};
use meshroot::x509::Certificate;
use serde_json::{Value, json};

use super::anchors::Anchors;
use super::crls;
use crate::output::{Out, Style};

/// What a chain was judged by.
pub(super) struct Judged<'a> {
    pub(super) anchors: &'a Anchors,
    pub(super) crls: &'a CrlSet,
    pub(super) at: Timestamp,
}

pub(super) fn accepted(svid: &ValidatedSvid, judged: &Judged<'_>, out: &Out) {
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
        }));
    }
    out.line(format_args!("{}: {}", out.styled(Style::Good, "valid"), svid.id()));
    out.line(format_args!("  until       {until} (for another {})", humanize(until.since(at))));
    for (index, ca) in svid.path().iter().enumerate() {
        let role = if index.saturating_add(1) == svid.path().len() { "trusted as" } else { "signed by" };
        out.line(format_args!("  {role:10}  {} (serial {}, until {})", ca.subject(), ca.serial(), ca.validity().not_after));
    }
    judged_by(judged, out);
}

pub(super) fn rejected(rejection: &Rejection, judged: &Judged<'_>, out: &Out) {
    let reason = &rejection.reason;
    if out.is_json() {
        let at_fault = rejection
            .certificate
            .as_ref()
            .map(|c| json!({ "position": c.position, "subject": c.subject.to_string(), "serial": c.serial.to_string() }));
        return out.document(&json!({
            "valid": false,
            "reason": {
                "code": reason.code(),
                "message": reason.to_string(),
                "source": reason.source(),
                "found": rejection.found(),
                "needed": rejection.needed(),
            },
            "certificate": at_fault,
            "at": judged.at.to_string(),
            "bundle": about(judged.anchors),
            "crls": crls::about(judged.crls),
        }));
    }
    out.line(format_args!("{}: {reason}", out.styled(Style::Bad, "not valid")));
    if let Some(certificate) = &rejection.certificate {
        out.line(format_args!("  where       {certificate}"));
    }
    out.line(format_args!("  found       {}", rejection.found()));
    out.line(format_args!("  needed      {}", rejection.needed()));
    out.line(format_args!("  rule        {} ({})", reason.source(), reason.code()));
    judged_by(judged, out);
}

fn judged_by(judged: &Judged<'_>, out: &Out) {
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

fn about(anchors: &Anchors) -> Value {
    let names: Vec<String> = anchors.map.iter().map(|(name, _)| name.to_string()).collect();
    json!({ "what": anchors.what, "trust_domains": names, "ignored": anchors.ignored })
}
