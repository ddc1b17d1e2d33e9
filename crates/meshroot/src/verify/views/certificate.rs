//! What one certificate must be for others. Without any departure these are the rules of [`rules`](super::super::rules).

use der::asn1::ObjectIdentifier;

use crate::spiffe::SpiffeIdRef;
use crate::time::Timestamp;
use crate::verify::rules::{CaRules, is_access_list, name_constraints, repeated};
use crate::verify::{Purpose, Reason, Rules};
use crate::x509::extension as ext;
use crate::x509::wire::TbsRef;
use crate::x509::{DistinguishedName, ExtendedKeyUsage, KeyUsage};

use super::table::Departure as D;
use super::{Departures, leniency, reading};

const CRL_DISTRIBUTION_POINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.31");

/// As [`check_svid`](crate::verify::rules::check_svid) or [`check_leaf`](crate::verify::rules::check_leaf).
pub(in crate::verify) fn check_leaf(tbs: &TbsRef<'_>, rules: &Rules, purpose: Purpose) -> Result<(), Reason> {
    let d = rules.departures;
    check_any(tbs, rules, false)?;
    if tbs.version != 2 && !(rules.leaf_may_be_v1 || d.has(D::LeafMayBeOld)) {
        return Err(Reason::Version);
    }
    let may_be_ca = rules.leaf_may_be_ca || d.has(D::LeafMayBeCa);
    if let Some(constraints) = leniency::basic_constraints(tbs, d)? {
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
    let names = leniency::alt_names(tbs, d)?;
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
    let Some(usage) = key_usage(tbs, d)? else {
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
    let Some(usage) = leniency::extended_key_usage(tbs, d)? else { return Ok(()) };
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
    let usage = if d.has(D::CaKeyUsageUnread) { None } else { key_usage(tbs, d)? };
    let may_sign = usage.is_some_and(|usage| usage.contains(KeyUsage::KEY_CERT_SIGN));
    let constraints = leniency::basic_constraints(tbs, d)?;
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
    if let Some(usage) = leniency::extended_key_usage(tbs, d)?.filter(|_| !unread) {
        lacks(purpose, &usage, !d.has(D::AnyIsNoPurpose))?;
    }
    let names = leniency::alt_names(tbs, d)?.filter(|_| rules.svid && !d.has(D::SpiffeIdUnread));
    if names.is_some_and(|names| names.uris.iter().any(|uri| SpiffeIdRef::parse(uri).is_ok_and(|id| !id.path().is_empty()))) {
        return Err(Reason::CaWithPath);
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
    if let Some(oid) = twice(tbs, rules) {
        return Err(Reason::DuplicateExtension(oid.to_string()));
    }
    for extension in &tbs.extensions {
        if !extension.critical {
            continue;
        }
        let understood = match extension.oid {
            ext::SUBJECT_KEY_IDENTIFIER => return Err(Reason::Critical("subjectKeyIdentifier")),
            ext::AUTHORITY_KEY_IDENTIFIER => return Err(Reason::Critical("authorityKeyIdentifier")),
            CRL_DISTRIBUTION_POINTS => d.has(D::DistributionPoints),
            oid if ext::POLICIES.contains(&oid) => rules.process_policies || d.has(D::PoliciesUnchecked),
            oid => ext::UNDERSTOOD.contains(&oid),
        };
        if !(understood || unread) {
            return Err(Reason::UnknownCriticalExtension(extension.oid.to_string()));
        }
    }
    if !d.has(D::KeyIdentifiersUnread) {
        if tbs.extension(ext::SUBJECT_KEY_IDENTIFIER).is_some_and(|e| ext::subject_key_identifier(e.value).is_err()) {
            return Err(Reason::MalformedExtension("subjectKeyIdentifier"));
        }
        if tbs.extension(ext::AUTHORITY_KEY_IDENTIFIER).is_some_and(|e| ext::authority_key_identifier(e.value).is_err()) {
            return Err(Reason::MalformedExtension("authorityKeyIdentifier"));
        }
    }
    if !d.has(D::AccessUnread) && tbs.extension(ext::AUTHORITY_INFORMATION_ACCESS).is_some_and(|e| !is_access_list(e.value)) {
        return Err(Reason::MalformedExtension("authorityInfoAccess"));
    }
    reading::check(tbs, d)
}

/// The first extension that is there twice and must not be.
fn twice(tbs: &TbsRef<'_>, rules: &Rules) -> Option<ObjectIdentifier> {
    let d = rules.departures;
    if !d.has(D::UnreadTwice) {
        return repeated(tbs);
    }
    let mut read = ext::UNDERSTOOD.into_iter().filter(|oid| !(d.has(D::KeyIdentifierTwice) && *oid == ext::SUBJECT_KEY_IDENTIFIER));
    read.find(|oid| tbs.extensions.iter().filter(|extension| extension.oid == *oid).count() > 1)
}

pub(in crate::verify) fn in_time(tbs: &TbsRef<'_>, rules: &Rules, now: Timestamp) -> Result<(), Reason> {
    if rules.departures.has(D::LastSecond) && now == tbs.validity.not_after {
        return Err(Reason::Expired { not_after: tbs.validity.not_after, now });
    }
    crate::verify::rules::in_time(tbs, now)
}

fn key_usage(tbs: &TbsRef<'_>, d: Departures) -> Result<Option<KeyUsage>, Reason> {
    if d.has(D::LeafKeyUsageUnread) && d.has(D::CaKeyUsageUnread) {
        // Whatever it holds, nothing follows from it.
        return Ok(tbs.extension(ext::KEY_USAGE).map(|_| KeyUsage::DIGITAL_SIGNATURE));
    }
    leniency::key_usage(tbs, d)
}
