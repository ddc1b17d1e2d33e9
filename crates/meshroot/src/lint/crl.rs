//! The rules for CRLs, field by field in the order of RFC 5280 §5.

use std::collections::BTreeSet;

use super::Finding;
use super::finding::Severity::{self, Error, Warning};
use crate::revocation::wire::identifiers::{CRL_NUMBER, DELTA_CRL_INDICATOR, FRESHEST_CRL, ISSUING_DISTRIBUTION_POINT};
use crate::revocation::wire::{EntryRef, TbsCrlRef, TimeRef};
use crate::revocation::{CrlError, RevocationReason};
use crate::time::Timestamp;
use crate::x509::extension::{AUTHORITY_KEY_IDENTIFIER, authority_key_identifier};
use crate::x509::reader::DerReader;
use crate::x509::{SerialNumber, encode, signature_algorithm};

const EMPTY_NAME: [u8; 2] = [0x30, 0x00];
const EMPTY_SEQUENCE: [u8; 2] = [0x30, 0x00];

/// What a CRL must look like. `ours`: we are about to sign it, so recommendations bind too, and it is complete and for all
/// certificates of its issuer.
pub(super) fn rules(tbs: &TbsCrlRef<'_>, ours: bool, out: &mut Vec<Finding>) -> Result<(), CrlError> {
    let advice = if ours { Error } else { Warning };
    head(tbs, out);
    number(tbs, advice, out);
    authority_key(tbs, advice, out);
    scope(tbs, advice, out);
    entries(tbs, advice, out)
}

fn head(tbs: &TbsCrlRef<'_>, out: &mut Vec<Finding>) {
    let mut say = |code, field, message: &str, source| out.push(Finding::error(code, field, message, source));
    if tbs.version != 1 {
        say("lint.crl_version", "version", "it is not 2", "RFC 5280 §5.1.2.1");
    }
    if signature_algorithm(tbs.signature_algorithm).is_none() {
        say("lint.crl_signature_algorithm", "signature", "the algorithm is unknown, weak (SHA-1, MD5) or misspelled", "RFC 5280 §5.1.1.2");
    }
    if tbs.issuer == EMPTY_NAME {
        say("lint.crl_issuer_empty", "issuer", "it is empty", "RFC 5280 §5.1.2.3");
    }
    if !encoded_by_year(tbs.this_update) {
        say("lint.crl_time_encoding", "thisUpdate", "years through 2049 must be UTCTime, later ones GeneralizedTime", "RFC 5280 §5.1.2.4");
    }
    match tbs.next_update {
        None => say("lint.crl_next_update_missing", "nextUpdate", "it is missing, so the CRL would never be out of date", "RFC 5280 §5.1.2.5"),
        Some(next) => {
            if next.at <= tbs.this_update.at {
                say("lint.crl_validity_reversed", "nextUpdate", "it does not lie behind thisUpdate", "RFC 5280 §5.1.2.5");
            }
            if !encoded_by_year(next) {
                say("lint.crl_time_encoding", "nextUpdate", "years through 2049 must be UTCTime, later ones GeneralizedTime", "RFC 5280 §5.1.2.5");
            }
        }
    }
}

/// UTCTime through 2049, GeneralizedTime from 2050 on (and before 1950, which no UTCTime can say).
fn encoded_by_year(time: TimeRef) -> bool {
    const YEARS_1950_TO_2049: core::ops::Range<i64> = -631_152_000..2_524_608_000;
    time.tag == if YEARS_1950_TO_2049.contains(&time.at.unix()) { encode::UTC_TIME } else { encode::GENERALIZED_TIME }
}

fn number(tbs: &TbsCrlRef<'_>, advice: Severity, out: &mut Vec<Finding>) {
    const FIELD: &str = "cRLNumber";
    const SOURCE: &str = "RFC 5280 §5.2.3";
    let Some(extension) = tbs.extension(CRL_NUMBER) else {
        out.push(Finding::error("lint.crl_number_missing", FIELD, "it is missing", SOURCE));
        return;
    };
    if extension.critical {
        out.push(Finding::error("lint.crl_number_critical", FIELD, "it must not be critical", SOURCE));
    }
    // Read here without the parser that the CRL will be read with.
    let mut value = DerReader::new(extension.value);
    let octets = value.required(encode::INTEGER).and_then(|integer| integer.integer());
    match octets {
        Ok([first, ..]) if first & 0x80 != 0 => out.push(Finding::error("lint.crl_number_negative", FIELD, "it is negative", SOURCE)),
        Ok([0]) => out.push(Finding::new(advice, "lint.crl_number_zero", FIELD, "it is zero: count from 1", SOURCE)),
        Ok(long) if long.len() > 20 => out.push(Finding::error("lint.crl_number_long", FIELD, "it is longer than 20 octets", SOURCE)),
        Ok(_) if value.is_finished() => {}
        _ => out.push(Finding::error("lint.crl_number_malformed", FIELD, "it cannot be read", SOURCE)),
    }
}

fn authority_key(tbs: &TbsCrlRef<'_>, advice: Severity, out: &mut Vec<Finding>) {
    const FIELD: &str = "authorityKeyIdentifier";
    const SOURCE: &str = "RFC 5280 §5.2.1";
    let Some(extension) = tbs.extension(AUTHORITY_KEY_IDENTIFIER) else {
        out.push(Finding::error("lint.crl_aki_missing", FIELD, "it is missing", SOURCE));
        return;
    };
    if extension.critical {
        out.push(Finding::error("lint.crl_aki_critical", FIELD, "it must not be critical", "RFC 5280 §4.2.1.1"));
    }
    match authority_key_identifier(extension.value) {
        Err(_) => out.push(Finding::error("lint.crl_aki_malformed", FIELD, "it cannot be read", SOURCE)),
        Ok(id) if id.is_none_or(<[u8]>::is_empty) => out.push(Finding::new(advice, "lint.crl_aki_no_key", FIELD, "it names no key", SOURCE)),
        Ok(_) => {}
    }
}

fn scope(tbs: &TbsCrlRef<'_>, advice: Severity, out: &mut Vec<Finding>) {
    let understood = [CRL_NUMBER, AUTHORITY_KEY_IDENTIFIER, ISSUING_DISTRIBUTION_POINT, DELTA_CRL_INDICATOR, FRESHEST_CRL];
    let mut say = |severity, code, field, message: &str, source| out.push(Finding::new(severity, code, field, message, source));
    for extension in &tbs.extensions {
        if extension.critical && !understood.contains(&extension.oid) {
            let message = format!("{} is critical, and peers of a mesh do not know it", extension.oid);
            say(Error, "lint.crl_unknown_critical", "crlExtensions", &message, "RFC 5280 §5.2");
        }
    }
    if let Some(delta) = tbs.extension(DELTA_CRL_INDICATOR) {
        if !delta.critical {
            say(Error, "lint.crl_delta_not_critical", "deltaCRLIndicator", "it must be critical", "RFC 5280 §5.2.4");
        }
        say(advice, "lint.crl_delta", "deltaCRLIndicator", "peers of a mesh do not use delta CRLs", "RFC 5280 §5.2.4");
    }
    if let Some(point) = tbs.extension(ISSUING_DISTRIBUTION_POINT) {
        if !point.critical {
            say(Error, "lint.crl_idp_not_critical", "issuingDistributionPoint", "it must be critical", "RFC 5280 §5.2.5");
        }
        if point.value == EMPTY_SEQUENCE {
            say(Error, "lint.crl_idp_empty", "issuingDistributionPoint", "it says nothing, and must be left out then", "RFC 5280 §5.2.5");
        }
        let message = "it covers only a part of the certificates, or indirectly, and some peers of a mesh use no such CRLs";
        say(advice, "lint.crl_partial", "issuingDistributionPoint", message, "RFC 5280 §5.2.5");
    }
    if tbs.extension(FRESHEST_CRL).is_some_and(|freshest| freshest.critical) {
        say(Error, "lint.crl_freshest_critical", "freshestCRL", "it must not be critical", "RFC 5280 §5.2.6");
    }
}

fn entries(tbs: &TbsCrlRef<'_>, advice: Severity, out: &mut Vec<Finding>) -> Result<(), CrlError> {
    let mut said = BTreeSet::new();
    let mut serials = Vec::new();
    let is_delta = tbs.extension(DELTA_CRL_INDICATOR).is_some();
    for entry in tbs.entries() {
        let entry = entry?;
        for finding in about(&entry, tbs.this_update.at, is_delta, advice) {
            // A million entries with one fault are one finding.
            if said.insert(finding.code) {
                out.push(finding);
            }
        }
        serials.push(entry.serial);
    }
    if tbs.revoked.is_some() && serials.is_empty() {
        let message = "it is there and empty: it must be left out when nothing is revoked";
        out.push(Finding::error("lint.crl_revoked_empty", "revokedCertificates", message, "RFC 5280 §5.1.2.6"));
    }
    serials.sort_unstable();
    if let Some([twice, ..]) = serials.windows(2).find(|pair| matches!(pair, [one, next] if one == next)) {
        let message = format!("serial {} stands there twice", SerialNumber::from_bytes(twice));
        out.push(Finding::new(advice, "lint.crl_serial_twice", "revokedCertificates", message, "RFC 5280 §5.1.2.6"));
    }
    Ok(())
}

/// What is wrong with one entry.
fn about(entry: &EntryRef<'_>, this_update: Timestamp, is_delta: bool, advice: Severity) -> Vec<Finding> {
    let mut found = Vec::new();
    let serial = SerialNumber::from_bytes(entry.serial);
    let mut say = |severity, code, message: &str, source| {
        found.push(Finding::new(severity, code, "revokedCertificates", format!("serial {serial}: {message}"), source));
    };
    match entry.serial {
        [first, ..] if first & 0x80 != 0 => say(Error, "lint.crl_serial_negative", "it is negative", "RFC 5280 §4.1.2.2"),
        [0] | [] => say(Error, "lint.crl_serial_zero", "it is zero", "RFC 5280 §4.1.2.2"),
        long if long.len() > 20 => say(Error, "lint.crl_serial_long", "it is longer than 20 octets", "RFC 5280 §4.1.2.2"),
        _ => {}
    }
    if !encoded_by_year(entry.revoked) {
        say(Error, "lint.crl_entry_time_encoding", "years through 2049 must be UTCTime, later ones GeneralizedTime", "RFC 5280 §5.1.2.6");
    }
    if entry.revoked.at > this_update {
        say(advice, "lint.crl_revoked_later", "it is revoked only after the CRL was made", "RFC 5280 §5.1.2.6");
    }
    match entry.reason {
        Some(RevocationReason::Unspecified) => say(advice, "lint.crl_reason_unspecified", "leave the reason out instead", "RFC 5280 §5.3.1"),
        Some(RevocationReason::RemoveFromCrl) if !is_delta => {
            say(Error, "lint.crl_remove_from_crl", "removeFromCRL may stand in delta CRLs only", "RFC 5280 §5.3.1");
        }
        _ => {}
    }
    if entry.has_certificate_issuer {
        say(advice, "lint.crl_certificate_issuer", "peers of a mesh do not use indirect CRLs", "RFC 5280 §5.3.3");
    }
    if let Some(oid) = entry.wrongly_critical {
        say(Error, "lint.crl_entry_critical", &format!("{oid} is critical and must not be, or must be and is not"), "RFC 5280 §5.3");
    }
    if let Some(oid) = entry.unknown_critical {
        say(Error, "lint.crl_entry_unknown_critical", &format!("{oid} is critical, and peers of a mesh do not know it"), "RFC 5280 §5.3");
    }
    found
}
