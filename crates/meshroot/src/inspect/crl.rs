//! Certificate revocation lists: named, not judged.

use super::certificate::name;
use super::context::Context;
use super::error::Broken;
use super::item::{Item, Kind};
use super::keys::signature_in_words;
use super::words;
use crate::time::{Timestamp, Validity};
use crate::x509::encode::{GENERALIZED_TIME, INTEGER, SEQUENCE, UTC_TIME};
use crate::x509::reader::DerReader;
use crate::x509::wire::read_time;

/// The fields of a CertificateList (RFC 5280 §5.1) that people look for.
struct Crl<'a> {
    issuer: &'a [u8],
    this_update: Timestamp,
    next_update: Option<Timestamp>,
    revoked: usize,
    signature_algorithm: &'a [u8],
}

pub(super) fn describe(der: &[u8], place: &str, context: &Context<'_>) -> Result<Item, Broken> {
    let crl = read(der).map_err(|e| Broken {
        what: "a certificate revocation list",
        place: place.into(),
        code: "inspect.crl",
        reason: e.to_string(),
        source: "RFC 5280 §5.1",
    })?;
    let mut item = Item::new(Kind::Crl, place, format!("certificate revocation list of {} (named, not judged)", name(crl.issuer)));
    item.field("issuer", name(crl.issuer));
    item.field("this update", crl.this_update.to_string());
    match crl.next_update {
        Some(next) => {
            let period = Validity { not_before: crl.this_update, not_after: next };
            item.field("next update", format!("{next} ({})", words::at(period, context.now)));
        }
        None => item.field("next update", "not said"),
    }
    item.field("revoked", words::count(crl.revoked, "certificate"));
    item.field("signature", signature_in_words(crl.signature_algorithm));
    item.field("SHA-256", words::hex(&context.crypto.sha256(der)));
    Ok(item)
}

fn read(der: &[u8]) -> der::Result<Crl<'_>> {
    let mut outer = DerReader::new(der);
    let mut fields = outer.required(SEQUENCE)?.inside();
    outer.finish()?;
    let mut tbs = fields.required(SEQUENCE)?.inside();
    let signature_algorithm = fields.required(SEQUENCE)?.whole;
    tbs.optional(INTEGER)?;
    tbs.required(SEQUENCE)?;
    let issuer = tbs.required(SEQUENCE)?.whole;
    let this_update = read_time(&mut tbs)?;
    let time_follows = matches!(tbs.peek(), Some(UTC_TIME | GENERALIZED_TIME));
    let next_update = time_follows.then(|| read_time(&mut tbs)).transpose()?;
    let mut revoked = 0usize;
    if let Some(entries) = tbs.optional(SEQUENCE)? {
        let mut entries = entries.inside();
        while !entries.is_finished() {
            entries.required(SEQUENCE)?;
            revoked = revoked.saturating_add(1);
        }
    }
    Ok(Crl { issuer, this_update, next_update, revoked, signature_algorithm })
}
