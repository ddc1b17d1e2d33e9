//! What one certificate must be for others. Without any departure these are the rules of [`rules`](super::super::rules).

use std::borrow::Cow;

use der::asn1::ObjectIdentifier;

use crate::spiffe::SpiffeIdRef;
use crate::time::Timestamp;
use crate::verify::rules::{CaRules, alt_names, extended_key_usage, name_constraints};
use crate::verify::{Purpose, Reason, Rules};
use crate::x509::encode::{BIT_STRING, BOOLEAN, SEQUENCE};
use crate::x509::extension as ext;
use crate::x509::reader::DerReader;
use crate::x509::wire::TbsRef;
use crate::x509::{BasicConstraints, DistinguishedName, ExtendedKeyUsage, KeyUsage};

use super::reading;
use super::table::Departure as D;

const CRL_DISTRIBUTION_POINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.31");
const CERTIFICATE_POLICIES: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.32");
const POLICY_MAPPINGS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.33");

/// As [`check_svid`](crate::verify::rules::check_svid) or [`check_leaf`](crate::verify::rules::check_leaf).
pub(in crate::verify) fn check_leaf(tbs: &TbsRef<'_>, rules: &Rules, purpose: Purpose) -> Result<(), Reason> {
    let d = rules.departures;
    check_any(tbs, rules, false)?;
    if tbs.version != 2 && !(rules.leaf_may_be_v1 || d.has(D::LeafMayBeOld)) {
        return Err(Reason::Version);
    }
    let may_be_ca = rules.leaf_may_be_ca || d.has(D::LeafMayBeCa);
    if let Some(constraints) = basic_constraints(tbs, rules)? {
        if constraints.ca && !may_be_ca {
            return Err(Reason::LeafIsCa);
        }
        if !constraints.ca && constraints.path_len.is_some() && d.has(D::PathLengthInLeaf) {
            return Err(Reason::TheirRule("a path length without CA:TRUE"));
        }
    }
    check_leaf_usage(tbs, rules, purpose, may_be_ca)?;
    if tbs.extension(ext::NAME_CONSTRAINTS).is_some() && !(may_be_ca || d.has(D::LeafMaySign)) {
        return Err(Reason::NameConstraintsInLeaf);
    }
    check_leaf_purpose(tbs, rules, purpose)?;
    let names = alt_names(tbs)?;
    let san_critical = tbs.extension(ext::SUBJECT_ALT_NAME).is_none_or(|e| e.critical);
    if tbs.subject == DistinguishedName::EMPTY && !san_critical && !d.has(D::SanNeedNotBeCritical) {
        return Err(Reason::SanNotCritical);
    }
    if !rules.svid || d.has(D::SpiffeIdUnread) {
        return Ok(());
    }
    match names.ok_or(Reason::NoUri)?.uris.as_slice() {
        [] => Err(Reason::NoUri),
        [one] if SpiffeIdRef::parse(one).map_err(Reason::NotASpiffeId)?.path().is_empty() => Err(Reason::NoPath),
        [_] => Ok(()),
        several => Err(Reason::SeveralUris(several.len())),
    }
}

fn check_leaf_usage(tbs: &TbsRef<'_>, rules: &Rules, purpose: Purpose, may_be_ca: bool) -> Result<(), Reason> {
    let d = rules.departures;
    let critical = tbs.extension(ext::KEY_USAGE).is_some_and(|e| e.critical);
    let Some(usage) = key_usage(tbs, rules)? else {
        let demanded = rules.svid && !d.has(D::LeafKeyUsageOptional);
        return if demanded { Err(Reason::KeyUsageMissing) } else { Ok(()) };
    };
    if rules.svid && !critical && !d.has(D::LeafKeyUsageOptional) {
        return Err(Reason::KeyUsageNotCritical);
    }
    if usage.contains(KeyUsage::KEY_CERT_SIGN) && !(may_be_ca || d.has(D::LeafMaySign)) {
        return Err(Reason::KeyUsageForbids("keyCertSign"));
    }
    if rules.svid && usage.contains(KeyUsage::CRL_SIGN) && !d.has(D::LeafMaySign) {
        return Err(Reason::KeyUsageForbids("cRLSign"));
    }
    let agreement = usage.contains(KeyUsage::KEY_AGREEMENT) || purpose == Purpose::ServerAuth && usage.contains(KeyUsage::KEY_ENCIPHERMENT);
    let enough = usage.contains(KeyUsage::DIGITAL_SIGNATURE) || d.has(D::LeafKeyUsageUnread) || d.has(D::LeafKeyAgreement) && agreement;
    if rules.svid && !enough {
        return Err(Reason::KeyUsageLacks("digitalSignature"));
    }
    Ok(())
}

fn check_leaf_purpose(tbs: &TbsRef<'_>, rules: &Rules, purpose: Purpose) -> Result<(), Reason> {
    let d = rules.departures;
    if d.has(D::AnyPurposeInLeaf) && tbs.extension(ext::EXTENDED_KEY_USAGE).is_some_and(|e| e.value == [SEQUENCE, 0]) {
        return Ok(());
    }
    let Some(usage) = extended_key_usage(tbs)? else { return Ok(()) };
    let (wanted, any_counts) = match rules.svid {
        // X509-SVID §4.4: both, by name.
        true => (if d.has(D::OnePurpose) { purpose } else { Purpose::Both }, d.has(D::AnyPurposeInLeaf)),
        false => (purpose, !d.has(D::AnyIsNoPurpose)),
    };
    lacks(wanted, &usage, any_counts)
}

fn lacks(purpose: Purpose, usage: &ExtendedKeyUsage, any_counts: bool) -> Result<(), Reason> {
    let missing = purpose.demands().find(|(_, in_usage)| !(any_counts && usage.any || in_usage(usage)));
    missing.map_or(Ok(()), |(needed, _)| Err(Reason::ExtendedKeyUsage { needed }))
}

/// As [`check_ca`](crate::verify::rules::check_ca).
pub(in crate::verify) fn check_ca(tbs: &TbsRef<'_>, anchor: bool, rules: &Rules, purpose: Purpose) -> Result<CaRules, Reason> {
    let d = rules.departures;
    let unread = anchor && d.has(D::AnchorNeedNotBeCa);
    check_any(tbs, rules, unread)?;
    if tbs.subject == DistinguishedName::EMPTY && !d.has(D::NoIssuerName) {
        return Err(Reason::CaWithoutSubject);
    }
    let usage = if d.has(D::CaKeyUsageUnread) { None } else { key_usage(tbs, rules)? };
    let may_sign = usage.is_some_and(|usage| usage.contains(KeyUsage::KEY_CERT_SIGN));
    let constraints = basic_constraints(tbs, rules)?;
    let by_other_means =
        anchor && (d.has(D::OldAnchor) && tbs.version == 0 || d.has(D::AnchorByKeyUsage) && constraints.is_none() && may_sign && tbs.self_issued());
    if !(constraints.is_some_and(|constraints| constraints.ca) || by_other_means || unread) {
        return Err(Reason::NotACa);
    }
    let path_len = constraints.and_then(|constraints| constraints.path_len).filter(|_| !unread);
    if path_len == Some(u8::MAX) && d.has(D::HugePathLength) {
        return Err(Reason::TheirRule("a path length that is too large a number"));
    }
    if !d.has(D::CaKeyUsageUnread) {
        let none_in_effect = |usage: KeyUsage| usage.is_empty() && d.has(D::EmptyKeyUsage);
        match usage {
            Some(usage) if !(may_sign || none_in_effect(usage)) => return Err(Reason::KeyUsageLacks("keyCertSign")),
            None if rules.ca_needs_key_usage && !anchor && !d.has(D::CaKeyUsageOptional) => return Err(Reason::KeyUsageMissing),
            _ => {}
        }
    } else if tbs.extension(ext::KEY_USAGE).is_none() && rules.ca_needs_key_usage && !anchor && !d.has(D::CaKeyUsageOptional) {
        return Err(Reason::KeyUsageMissing);
    }
    if let Some(usage) = extended_key_usage(tbs)?.filter(|_| !unread) {
        lacks(purpose, &usage, !d.has(D::AnyIsNoPurpose))?;
    }
    if let Some(names) = alt_names(tbs)?.filter(|_| rules.svid && !d.has(D::SpiffeIdUnread)) {
        if names.uris.iter().any(|uri| SpiffeIdRef::parse(uri).is_ok_and(|id| !id.path().is_empty())) {
            return Err(Reason::CaWithPath);
        }
    }
    Ok(CaRules { path_len, names: name_constraints(tbs, rules)? })
}

/// `unread`: critical extensions that are not understood are passed over.
fn check_any(tbs: &TbsRef<'_>, rules: &Rules, unread: bool) -> Result<(), Reason> {
    let d = rules.departures;
    let negative = tbs.serial.first().is_none_or(|first| first & 0x80 != 0);
    let too_long = tbs.serial.len() > 21 || (tbs.serial.len() == 21 && tbs.serial.first() != Some(&0));
    let odd = negative && !d.has(D::SerialNegative) || (too_long || tbs.serial == [0]) && !d.has(D::SerialZero);
    if odd && !rules.any_serial_number {
        return Err(Reason::SerialNumber);
    }
    if tbs.version != 2 && !tbs.extensions.is_empty() && !d.has(D::OldExtensionsRead) {
        return Err(Reason::Version);
    }
    if tbs.issuer == DistinguishedName::EMPTY && !d.has(D::NoIssuerName) {
        return Err(Reason::NoIssuerName);
    }
    for (index, extension) in tbs.extensions.iter().enumerate() {
        let twice = tbs.extensions.iter().take(index).any(|earlier| earlier.oid == extension.oid);
        let known = ext::UNDERSTOOD.contains(&extension.oid);
        let fine = if extension.oid == ext::SUBJECT_KEY_IDENTIFIER { d.has(D::KeyIdentifierTwice) } else { d.has(D::UnreadTwice) && !known };
        if twice && !fine {
            return Err(Reason::DuplicateExtension(extension.oid.to_string()));
        }
        if !extension.critical {
            continue;
        }
        let understood = match extension.oid {
            ext::SUBJECT_KEY_IDENTIFIER => return Err(Reason::Critical("subjectKeyIdentifier")),
            ext::AUTHORITY_KEY_IDENTIFIER => return Err(Reason::Critical("authorityKeyIdentifier")),
            CRL_DISTRIBUTION_POINTS => d.has(D::DistributionPoints),
            CERTIFICATE_POLICIES | POLICY_MAPPINGS | ext::INHIBIT_ANY_POLICY => d.has(D::Policies),
            ext::POLICY_CONSTRAINTS => d.has(D::PoliciesUnchecked),
            _ => known,
        };
        if !(understood || unread) {
            return Err(Reason::UnknownCriticalExtension(extension.oid.to_string()));
        }
    }
    reading::check(tbs, d)
}

pub(in crate::verify) fn in_time(tbs: &TbsRef<'_>, rules: &Rules, now: Timestamp) -> Result<(), Reason> {
    if rules.departures.has(D::LastSecond) && now == tbs.validity.not_after {
        return Err(Reason::Expired { not_after: tbs.validity.not_after, now });
    }
    crate::verify::rules::in_time(tbs, now)
}

fn basic_constraints(tbs: &TbsRef<'_>, rules: &Rules) -> Result<Option<BasicConstraints>, Reason> {
    let Some(extension) = tbs.extension(ext::BASIC_CONSTRAINTS) else { return Ok(None) };
    let spelled_out = [SEQUENCE, 3, BOOLEAN, 1, 0];
    if rules.departures.has(D::Defaults) && extension.value == spelled_out {
        return Ok(Some(BasicConstraints { ca: false, path_len: None }));
    }
    BasicConstraints::decode(extension.value).map(Some).map_err(|_| Reason::MalformedExtension("basicConstraints"))
}

fn key_usage(tbs: &TbsRef<'_>, rules: &Rules) -> Result<Option<KeyUsage>, Reason> {
    let Some(extension) = tbs.extension(ext::KEY_USAGE) else { return Ok(None) };
    if rules.departures.has(D::LeafKeyUsageUnread) && rules.departures.has(D::CaKeyUsageUnread) {
        // Whatever it holds, nothing follows from it.
        return Ok(Some(KeyUsage::DIGITAL_SIGNATURE));
    }
    let value = if rules.departures.has(D::Defaults) { without_trailing_zeros(extension.value) } else { Cow::Borrowed(extension.value) };
    KeyUsage::decode(&value).map(Some).map_err(|_| Reason::MalformedExtension("keyUsage"))
}

/// A BIT STRING whose last bits are zero, as DER has it; anything else as it is.
fn without_trailing_zeros(value: &[u8]) -> Cow<'_, [u8]> {
    let Ok(element) = DerReader::new(value).required(BIT_STRING) else { return Cow::Borrowed(value) };
    let Some((unused @ 0..=7, mut octets)) = element.content.split_first() else { return Cow::Borrowed(value) };
    if octets.last().is_some_and(|last| last.trailing_zeros() < u32::from(*unused)) {
        return Cow::Borrowed(value);
    }
    while let Some((0, before)) = octets.split_last() {
        octets = before;
    }
    let unused = octets.last().map_or(0, |last| last.trailing_zeros());
    let mut out = vec![BIT_STRING, u8::try_from(octets.len()).unwrap_or(0).saturating_add(1), u8::try_from(unused).unwrap_or(0)];
    out.extend_from_slice(octets);
    Cow::Owned(out)
}
