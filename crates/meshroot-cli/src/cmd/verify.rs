//! `verify`: is a workload's certificate chain valid under a trust bundle, and if not, by which rule?

mod anchors;

use meshroot::key::Crypto;
use meshroot::pem;
use meshroot::revocation::CrlSet;
use meshroot::spiffe::TrustDomain;
use meshroot::time::{Timestamp, humanize};
use meshroot::verify::{Reason, Rejection, ValidatedSvid, Validator};
use meshroot::x509::{Certificate, CertificateError};
use serde_json::{Value, json};

use crate::args::Verify;
use crate::exit::{Exit, Failure, Result};
use crate::input;
use crate::output::{Out, Style};
use anchors::Anchors;

pub(super) fn run(args: &Verify, now: Timestamp, out: &Out) -> Result<Exit> {
    let at = args.at.unwrap_or(now);
    let trust_domain = args.trust_domain.as_deref().map(|name| TrustDomain::parse(name).map_err(Failure::from)).transpose()?;
    let bundle_name = input::named(&args.bundle);
    let chain_name = input::named(&args.chain);
    if args.bundle == args.chain {
        return Err(Failure::usage("verify.same_file", format!("{bundle_name} is both the bundle and the chain: name two files")));
    }
    let anchors = anchors::read(&input::read(&args.bundle)?, trust_domain).map_err(|failure| failure.at(&bundle_name))?;
    let chain = read_chain(&input::read(&args.chain)?).map_err(|failure| failure.at(&chain_name))?;
    match Validator::new(&anchors.map, Crypto::ring()).validate(&chain, &CrlSet::empty(), at) {
        Ok(svid) => {
            accepted(&svid, &anchors, at, out);
            Ok(Exit::Ok)
        }
        // Bytes that are no certificate are bad input; a key that nobody should use is a reason.
        Err(Rejection { reason: Reason::Malformed(e), .. }) if !matches!(e, CertificateError::Key(_)) => Err(Failure::from(e).at(&chain_name)),
        Err(rejection) => {
            rejected(&rejection, &anchors, at, out);
            Ok(Exit::Refused)
        }
    }
}

/// The certificates in DER. Whether they can be used is the validator's business.
fn read_chain(bytes: &[u8]) -> Result<Vec<Vec<u8>>> {
    if matches!(bytes, [0x30, length, ..] if *length >= 0x80) {
        return Ok(vec![bytes.to_vec()]);
    }
    let blocks = pem::parse(bytes)?;
    if blocks.is_empty() {
        return Err(pem::PemError::NoCertificate.into());
    }
    let certificate = |(number, block): (usize, &pem::Block)| match block.label.as_str() {
        "CERTIFICATE" => Ok(block.der.clone()),
        label => Err(pem::PemError::NotCertificate { block: number, line: block.line, label: label.to_owned() }.into()),
    };
    (1..).zip(&blocks).map(certificate).collect()
}

fn accepted(svid: &ValidatedSvid, anchors: &Anchors, at: Timestamp, out: &Out) {
    let until = svid.not_after();
    if out.is_json() {
        return out.document(&json!({
            "valid": true,
            "spiffe_id": svid.id().to_string(),
            "trust_domain": svid.id().trust_domain().to_string(),
            "path": svid.path().iter().map(certificate).collect::<Vec<_>>(),
            "until": until.to_string(),
            "at": at.to_string(),
            "bundle": about(anchors),
        }));
    }
    out.line(format_args!("{}: {}", out.styled(Style::Good, "valid"), svid.id()));
    out.line(format_args!("  until       {until} (for another {})", humanize(until.since(at))));
    for (index, ca) in svid.path().iter().enumerate() {
        let role = if index.saturating_add(1) == svid.path().len() { "trusted as" } else { "signed by" };
        out.line(format_args!("  {role:10}  {} (serial {}, until {})", ca.subject(), ca.serial(), ca.validity().not_after));
    }
    bundle_lines(anchors, at, out);
}

fn rejected(rejection: &Rejection, anchors: &Anchors, at: Timestamp, out: &Out) {
    let reason = &rejection.reason;
    if out.is_json() {
        let at_fault = rejection
            .certificate
            .as_ref()
            .map(|c| json!({ "position": c.position, "subject": c.subject.to_string(), "serial": c.serial.to_string() }));
        return out.document(&json!({
            "valid": false,
            "reason": { "code": reason.code(), "message": reason.to_string(), "source": reason.source() },
            "certificate": at_fault,
            "at": at.to_string(),
            "bundle": about(anchors),
        }));
    }
    out.line(format_args!("{}: {reason}", out.styled(Style::Bad, "not valid")));
    if let Some(certificate) = &rejection.certificate {
        out.line(format_args!("  where       {certificate}"));
    }
    out.line(format_args!("  rule        {} ({})", reason.source(), reason.code()));
    bundle_lines(anchors, at, out);
}

fn bundle_lines(anchors: &Anchors, at: Timestamp, out: &Out) {
    out.line(format_args!("  at          {at}"));
    out.line(format_args!("  bundle      {}", anchors.what));
    for ignored in &anchors.ignored {
        out.line(format_args!("  {}     {ignored}", out.styled(Style::Warn, "ignored")));
    }
}

fn certificate(ca: &Certificate) -> Value {
    json!({ "subject": ca.subject().to_string(), "serial": ca.serial().to_string(), "not_after": ca.validity().not_after.to_string() })
}

fn about(anchors: &Anchors) -> Value {
    let names: Vec<String> = anchors.map.iter().map(|(name, _)| name.to_string()).collect();
    json!({ "what": anchors.what, "trust_domains": names, "ignored": anchors.ignored })
}
