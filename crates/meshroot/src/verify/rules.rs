//! What one certificate must be, whatever stands above and below it.

use std::sync::Arc;

use der::asn1::ObjectIdentifier;

use crate::spiffe::SpiffeIdRef;
use crate::time::Timestamp;
use crate::x509::encode::{OID, SEQUENCE};
use crate::x509::extension as ext;
use crate::x509::reader::DerReader;
use crate::x509::wire::{ExtensionRef, TbsRef};
use crate::x509::{AltNames, BasicConstraints, DistinguishedName, ExtendedKeyUsage, KeyUsage, SerialNumber};

use super::names::NameConstraints;
use super::reason::{CertificateAt, Reason, Rejection};
use super::{Purpose, Rules};

/// The place of a certificate in a path, for messages.
pub(super) fn at(position: usize, tbs: &TbsRef<'_>) -> CertificateAt {
    CertificateAt { position, subject: DistinguishedName::from_der_unchecked(tbs.subject), serial: SerialNumber::from_bytes(tbs.serial) }
}

pub(super) fn reject(position: usize, tbs: &TbsRef<'_>, reason: Reason) -> Rejection {
    Rejection { certificate: Some(at(position, tbs)), reason }
}

/// What a CA certificate says about those below it.
#[derive(Debug, Default)]
pub(super) struct CaRules {
    pub(super) path_len: Option<u8>,
    pub(super) names: Option<Arc<NameConstraints>>,
}

pub(super) fn in_time(tbs: &TbsRef<'_>, now: Timestamp) -> Result<(), Reason> {
    let validity = tbs.validity;
    if now > validity.not_after {
        return Err(Reason::Expired { not_after: validity.not_after, now });
    }
    if now < validity.not_before {
        return Err(Reason::NotYetValid { not_before: validity.not_before, now });
    }
    Ok(())
}

/// An anchor of which only name and key count: its name constraints are kept all the same.
pub(super) fn check_bare_anchor(tbs: &TbsRef<'_>) -> Result<CaRules, Reason> {
    Ok(CaRules { path_len: None, names: name_constraints(tbs)? })
}

/// A certificate that signs others (RFC 5280 §6.1.4, SPIFFE X509-SVID §4). `anchor`: it is one of the bundle's own.
pub(super) fn check_ca(tbs: &TbsRef<'_>, anchor: bool, rules: &Rules, purpose: Purpose) -> Result<CaRules, Reason> {
    check_any(tbs, rules)?;
    if tbs.subject == DistinguishedName::EMPTY {
        return Err(Reason::CaWithoutSubject);
    }
    let extension = tbs.extension(ext::BASIC_CONSTRAINTS).ok_or(Reason::NotACa)?;
    let constraints = BasicConstraints::decode(extension.value).map_err(|_| Reason::MalformedExtension("basicConstraints"))?;
    if !constraints.ca {
        return Err(Reason::NotACa);
    }
    if rules.demand_criticality && !extension.critical {
        return Err(Reason::NotCritical("basicConstraints"));
    }
    match key_usage(tbs)? {
        Some(usage) if !usage.contains(KeyUsage::KEY_CERT_SIGN) => return Err(Reason::KeyUsageLacks("keyCertSign")),
        // An anchor was chosen by an operator; RFC 5280 §6.1.1 (d) takes from it only a name and a key.
        None if rules.ca_needs_key_usage && !anchor => return Err(Reason::KeyUsageMissing),
        _ => {}
    }
    if let Some(usage) = extended_key_usage(tbs)? {
        // What a CA may not do itself, it cannot pass on; anyExtendedKeyUsage passes on everything.
        purpose
            .demands()
            .find(|(_, in_usage)| !(usage.any || in_usage(&usage)))
            .map_or(Ok(()), |(needed, _)| Err(Reason::ExtendedKeyUsage { needed }))?;
    }
    if let Some(names) = alt_names(tbs)?.filter(|_| rules.svid) {
        for uri in &names.uris {
            if SpiffeIdRef::parse(uri).is_ok_and(|id| !id.path().is_empty()) {
                return Err(Reason::CaWithPath);
            }
        }
    }
    if rules.demand_key_identifiers && tbs.subject_key_id().is_none() {
        return Err(Reason::KeyIdentifierMissing("subjectKeyIdentifier"));
    }
    if rules.demand_criticality && tbs.extension(ext::NAME_CONSTRAINTS).is_some_and(|e| !e.critical) {
        return Err(Reason::NotCritical("nameConstraints"));
    }
    Ok(CaRules { path_len: constraints.path_len, names: name_constraints(tbs)? })
}

/// A leaf of any kind, for `purpose` (RFC 5280 §6.1.5, §4.2.1.12); answers its subjectAltName.
pub(super) fn check_leaf<'a>(tbs: &TbsRef<'a>, rules: &Rules, purpose: Purpose) -> Result<Option<AltNames<'a>>, Reason> {
    check_any(tbs, rules)?;
    if tbs.version != 2 && !rules.leaf_may_be_v1 {
        return Err(Reason::Version);
    }
    if let Some(extension) = tbs.extension(ext::BASIC_CONSTRAINTS) {
        let constraints = BasicConstraints::decode(extension.value).map_err(|_| Reason::MalformedExtension("basicConstraints"))?;
        if constraints.ca && !rules.leaf_may_be_ca {
            return Err(Reason::LeafIsCa);
        }
    }
    if key_usage(tbs)?.is_some_and(|usage| usage.contains(KeyUsage::KEY_CERT_SIGN)) && !rules.leaf_may_be_ca {
        return Err(Reason::KeyUsageForbids("keyCertSign"));
    }
    if tbs.extension(ext::NAME_CONSTRAINTS).is_some() && !rules.leaf_may_be_ca {
        return Err(Reason::NameConstraintsInLeaf);
    }
    if let Some(usage) = extended_key_usage(tbs)? {
        purpose
            .demands()
            .find(|(_, in_usage)| !(usage.any || in_usage(&usage)))
            .map_or(Ok(()), |(needed, _)| Err(Reason::ExtendedKeyUsage { needed }))?;
    }
    let names = alt_names(tbs)?;
    if tbs.subject == DistinguishedName::EMPTY && tbs.extension(ext::SUBJECT_ALT_NAME).is_some_and(|e| !e.critical) {
        return Err(Reason::SanNotCritical);
    }
    Ok(names)
}

/// The rules of an X.509-SVID for a workload; answers its SPIFFE ID.
pub(super) fn check_svid<'a>(tbs: &TbsRef<'a>, rules: &Rules) -> Result<SpiffeIdRef<'a>, Reason> {
    let names = check_leaf(tbs, rules, Purpose::Any)?;
    let usage = key_usage(tbs)?.ok_or(Reason::KeyUsageMissing)?;
    if tbs.extension(ext::KEY_USAGE).is_some_and(|e| !e.critical) {
        return Err(Reason::KeyUsageNotCritical);
    }
    if usage.contains(KeyUsage::CRL_SIGN) {
        return Err(Reason::KeyUsageForbids("cRLSign"));
    }
    if !usage.contains(KeyUsage::DIGITAL_SIGNATURE) {
        return Err(Reason::KeyUsageLacks("digitalSignature"));
    }
    if let Some(usage) = extended_key_usage(tbs)? {
        // X509-SVID §4.4: both, by name.
        Purpose::Both.demands().find(|(_, in_usage)| !in_usage(&usage)).map_or(Ok(()), |(needed, _)| Err(Reason::ExtendedKeyUsage { needed }))?;
    }
    let names = names.ok_or(Reason::NoUri)?;
    let uri = match names.uris.as_slice() {
        [] => return Err(Reason::NoUri),
        [one] => one,
        several => return Err(Reason::SeveralUris(several.len())),
    };
    let id = SpiffeIdRef::parse(uri).map_err(Reason::NotASpiffeId)?;
    if id.path().is_empty() {
        return Err(Reason::NoPath);
    }
    Ok(id)
}

impl Purpose {
    /// The extended key usages that it takes, by name and by where they stand.
    fn demands(self) -> impl Iterator<Item = (&'static str, fn(&ExtendedKeyUsage) -> bool)> {
        let server: (_, fn(&ExtendedKeyUsage) -> bool) = ("serverAuth", |usage| usage.server_auth);
        let client: (_, fn(&ExtendedKeyUsage) -> bool) = ("clientAuth", |usage| usage.client_auth);
        let (server, client) = match self {
            Self::Any => (None, None),
            Self::ServerAuth => (Some(server), None),
            Self::ClientAuth => (None, Some(client)),
            Self::Both => (Some(server), Some(client)),
        };
        server.into_iter().chain(client)
    }
}

pub(super) fn alt_names<'a>(tbs: &TbsRef<'a>) -> Result<Option<AltNames<'a>>, Reason> {
    match tbs.extension(ext::SUBJECT_ALT_NAME) {
        Some(e) => AltNames::decode(e.value).map(Some).map_err(|_| Reason::MalformedExtension("subjectAltName")),
        None => Ok(None),
    }
}

fn key_usage(tbs: &TbsRef<'_>) -> Result<Option<KeyUsage>, Reason> {
    match tbs.extension(ext::KEY_USAGE) {
        // RFC 5280 §4.2.1.3: at least one bit is set.
        Some(e) => match KeyUsage::decode(e.value) {
            Ok(usage) if !usage.is_empty() => Ok(Some(usage)),
            _ => Err(Reason::MalformedExtension("keyUsage")),
        },
        None => Ok(None),
    }
}

fn extended_key_usage(tbs: &TbsRef<'_>) -> Result<Option<ExtendedKeyUsage>, Reason> {
    match tbs.extension(ext::EXTENDED_KEY_USAGE) {
        Some(e) => ExtendedKeyUsage::decode(e.value).map(Some).map_err(|_| Reason::MalformedExtension("extKeyUsage")),
        None => Ok(None),
    }
}

fn name_constraints(tbs: &TbsRef<'_>) -> Result<Option<Arc<NameConstraints>>, Reason> {
    tbs.extension(ext::NAME_CONSTRAINTS).map(|e| NameConstraints::decode(e.value).map(Arc::new)).transpose()
}

/// What holds for every certificate: serial, version, issuer, no extension twice, no unknown critical one.
fn check_any(tbs: &TbsRef<'_>, rules: &Rules) -> Result<(), Reason> {
    let negative_or_zero = tbs.serial.first().is_none_or(|first| first & 0x80 != 0) || tbs.serial == [0];
    // 20 octets, and one more for the sign when the first bit is set.
    let too_long = tbs.serial.len() > 21 || (tbs.serial.len() == 21 && tbs.serial.first() != Some(&0));
    if (negative_or_zero || too_long) && !rules.any_serial_number {
        return Err(Reason::SerialNumber);
    }
    if tbs.version != 2 && !tbs.extensions.is_empty() {
        return Err(Reason::Version);
    }
    if tbs.issuer == DistinguishedName::EMPTY {
        return Err(Reason::NoIssuerName);
    }
    if let Some(oid) = repeated(tbs) {
        return Err(Reason::DuplicateExtension(oid.to_string()));
    }
    tbs.extensions.iter().try_for_each(|extension| check_extension(extension, rules))?;
    if rules.demand_key_identifiers {
        // §4.2.1.1: the key identifier, and neither of the other two fields without the other.
        let well_made = tbs.extension(ext::AUTHORITY_KEY_IDENTIFIER).map(|e| ext::is_key_identifier_alone(e.value));
        if !well_made.unwrap_or_else(|| tbs.self_issued()) {
            return Err(Reason::KeyIdentifierMissing("authorityKeyIdentifier"));
        }
    }
    // §4.2.1.6: not critical beside a subject.
    let beside_a_subject = || tbs.subject != DistinguishedName::EMPTY && tbs.extension(ext::SUBJECT_ALT_NAME).is_some_and(|e| e.critical);
    if rules.demand_criticality && beside_a_subject() {
        return Err(Reason::Critical("subjectAltName"));
    }
    Ok(())
}

/// One extension by itself: this is asked about every one of every certificate.
fn check_extension(extension: &ExtensionRef<'_>, rules: &Rules) -> Result<(), Reason> {
    let ExtensionRef { oid, critical, value } = *extension;
    match oid {
        ext::BASIC_CONSTRAINTS | ext::KEY_USAGE | ext::SUBJECT_ALT_NAME | ext::EXTENDED_KEY_USAGE | ext::NAME_CONSTRAINTS => Ok(()),
        // RFC 5280 §4.2.1.1 and §4.2.1.2 tell CAs never to make these critical; nobody who does has read it.
        ext::SUBJECT_KEY_IDENTIFIER if critical => Err(Reason::Critical("subjectKeyIdentifier")),
        ext::AUTHORITY_KEY_IDENTIFIER if critical => Err(Reason::Critical("authorityKeyIdentifier")),
        // They only order candidates, and OpenSSL and Go refuse the certificate all the same: what is processed can be read.
        ext::SUBJECT_KEY_IDENTIFIER => ext::subject_key_identifier(value).map(|_| ()).map_err(|_| Reason::MalformedExtension("subjectKeyIdentifier")),
        ext::AUTHORITY_KEY_IDENTIFIER => {
            ext::authority_key_identifier(value).map(|_| ()).map_err(|_| Reason::MalformedExtension("authorityKeyIdentifier"))
        }
        ext::AUTHORITY_INFORMATION_ACCESS if !is_access_list(value) => Err(Reason::MalformedExtension("authorityInfoAccess")),
        // Processed either way, so what is missing here is only the word to those who do not.
        ext::POLICY_CONSTRAINTS if !critical && rules.demand_criticality => Err(Reason::NotCritical("policyConstraints")),
        ext::INHIBIT_ANY_POLICY if !critical && rules.demand_criticality => Err(Reason::NotCritical("inhibitAnyPolicy")),
        oid if rules.process_policies && ext::POLICIES.contains(&oid) => Ok(()),
        oid if critical && !ext::UNDERSTOOD.contains(&oid) => Err(Reason::UnknownCriticalExtension(oid.to_string())),
        _ => Ok(()),
    }
}

/// AuthorityInfoAccessSyntax (§4.2.2.1): one or more pairs of a method and a place. Nothing here follows them; but whoever
/// writes rubbish where others will look is not to be trusted with the rest.
fn is_access_list(value: &[u8]) -> bool {
    let read = || {
        let mut outer = DerReader::new(value);
        let list = outer.required(SEQUENCE)?;
        outer.finish()?;
        let mut items = list.inside();
        let mut count = 0usize;
        while !items.is_finished() {
            let mut fields = items.required(SEQUENCE)?.inside();
            fields.required(OID)?.object_identifier()?;
            fields.element()?;
            fields.finish()?;
            count = count.saturating_add(1);
        }
        der::Result::Ok(count)
    };
    read().is_ok_and(|count| count > 0)
}

/// The first extension that is there twice.
fn repeated(tbs: &TbsRef<'_>) -> Option<ObjectIdentifier> {
    /// Real certificates have fewer, and up to here comparing is faster than sorting.
    const FEW: usize = 24;
    if tbs.extensions.len() <= FEW {
        let earlier = |index, oid| tbs.extensions.iter().take(index).any(|earlier| earlier.oid == oid);
        return tbs.extensions.iter().enumerate().find(|(index, extension)| earlier(*index, extension.oid)).map(|(_, extension)| extension.oid);
    }
    let mut oids: Vec<_> = tbs.extensions.iter().map(|extension| extension.oid).collect();
    oids.sort_unstable();
    oids.windows(2).find_map(|pair| match pair {
        [one, other] if one == other => Some(*one),
        _ => None,
    })
}
