use core::fmt;
use core::ops::Range;
use std::sync::Arc;

use super::extensions::Extensions;
use super::wire::{CrlRef, EntryRef};
use super::{Conformance, CrlError, CrlNumber, CrlProblem, RevocationReason, RevokedEntry, Scope};
use crate::key::{BadSignature, Crypto, KeyId, PublicKey, SignatureAlgorithm};
use crate::time::Timestamp;
use crate::x509::reader::DerReader;
use crate::x509::{DistinguishedName, SerialNumber, signature_algorithm};

/// A parsed CRL that owns its DER (RFC 5280 §5.1). Clones share it.
///
/// It was read, no more: who signed it, whether it is current, and what it covers is for a [`CrlSet`](super::CrlSet) to
/// judge. Reading is linear in the length (the index of serials is sorted), holds the DER and 12 bytes an entry, and a
/// lookup is a binary search.
#[derive(Clone)]
pub struct Crl(Arc<Parsed>);

struct Parsed {
    der: Box<[u8]>,
    /// Where the signed part lies in `der`.
    signed: Range<usize>,
    signature: Range<usize>,
    algorithm: Option<SignatureAlgorithm>,
    version: u8,
    issuer: DistinguishedName,
    this_update: Timestamp,
    next_update: Option<Timestamp>,
    number: Option<CrlNumber>,
    number_is_critical: bool,
    authority_key_id: Option<KeyId>,
    scope: Scope,
    /// The names of its distribution point: GeneralNames with their headers.
    points: Box<[Box<[u8]>]>,
    problem: Option<CrlProblem>,
    /// By serial number, equal ones in the CRL's order.
    index: Box<[Slot]>,
}

/// Where an entry, and its serial without leading zeros, lie in the DER; 32 bits address 16 MiB.
#[derive(Clone, Copy)]
struct Slot {
    entry: u32,
    serial: u32,
    serial_len: u32,
}

impl Slot {
    fn new(entry: &EntryRef<'_>) -> Self {
        let zeros = entry.serial.iter().take_while(|octet| **octet == 0).count();
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self {
            entry: narrow(entry.offset),
            serial: narrow(entry.serial_offset.saturating_add(zeros)),
            serial_len: narrow(entry.serial.len().saturating_sub(zeros)),
        }
    }

    fn serial(self, der: &[u8]) -> &[u8] {
        let start = self.serial as usize;
        der.get(start..start.saturating_add(self.serial_len as usize)).unwrap_or_default()
    }
}

impl Crl {
    /// Reads one CRL in DER; nothing may follow it.
    ///
    /// A CRL that is well formed and cannot be used (indirect, delta, with a critical extension that we do not know) is
    /// read; [`problem`](Self::problem) tells.
    ///
    /// # Errors
    /// What is malformed, and where.
    pub fn from_der(der: &[u8]) -> Result<Self, CrlError> {
        let crl = CrlRef::parse(der)?;
        let tbs = &crl.tbs;
        let extensions = Extensions::decode(tbs)?;
        let mut of_entries = None;
        let mut index = Vec::new();
        for entry in tbs.entries() {
            let entry = entry?;
            of_entries = of_entries.or_else(|| problem_of(&entry));
            index.push(Slot::new(&entry));
        }
        // CAs write entries in order of time or of serial; the sort makes use of runs.
        index.sort_by(|a, b| a.serial(der).cmp(b.serial(der)));
        // The signed part starts behind the header of the whole, and the signature ends where the whole does.
        let header = der.len().saturating_sub(crl.content_len);
        Ok(Self(Arc::new(Parsed {
            signed: header..header.saturating_add(tbs.raw.len()),
            signature: der.len().saturating_sub(crl.signature.len())..der.len(),
            algorithm: signature_algorithm(crl.signature_algorithm),
            version: tbs.version,
            issuer: DistinguishedName::from_der_unchecked(tbs.issuer),
            this_update: tbs.this_update.at,
            next_update: tbs.next_update.map(|time| time.at),
            number: extensions.number,
            number_is_critical: extensions.number_is_critical,
            authority_key_id: extensions.authority_key_id,
            scope: extensions.point.scope,
            points: extensions.point.names.into_iter().map(Box::from).collect(),
            problem: extensions.problem.or(of_entries),
            index: index.into(),
            der: der.into(),
        })))
    }

    /// The CRL, byte for byte.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// The CRL in PEM (RFC 7468 §6), with a line break behind it.
    pub fn to_pem(&self) -> String {
        crate::pem::encode("X509 CRL", &self.0.der)
    }

    /// 1 or 2. Version 1 has no extensions, so no number, no scope and no reasons.
    pub fn version(&self) -> u8 {
        self.0.version.saturating_add(1)
    }

    /// Who signed it, by name.
    pub fn issuer(&self) -> &DistinguishedName {
        &self.0.issuer
    }

    /// When it was made: the first second in which it is valid.
    pub fn this_update(&self) -> Timestamp {
        self.0.this_update
    }

    /// When a newer one is there: the first second in which it is out of date.
    pub fn next_update(&self) -> Option<Timestamp> {
        self.0.next_update
    }

    /// Its number, of two CRLs the newer one's is larger.
    pub fn number(&self) -> Option<&CrlNumber> {
        self.0.number.as_ref()
    }

    /// The key identifier inside authorityKeyIdentifier.
    pub fn authority_key_id(&self) -> Option<&KeyId> {
        self.0.authority_key_id.as_ref()
    }

    /// How it is signed, if with an algorithm that we know.
    pub fn signature_algorithm(&self) -> Option<SignatureAlgorithm> {
        self.0.algorithm
    }

    /// Which of its issuer's certificates it covers.
    pub fn scope(&self) -> Scope {
        self.0.scope
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.0.index.len()
    }

    /// Whether nothing is revoked.
    pub fn is_empty(&self) -> bool {
        self.0.index.is_empty()
    }

    /// What it says of this serial number; of several entries the first.
    pub fn get(&self, serial: &SerialNumber) -> Option<RevokedEntry> {
        self.find(serial.as_bytes())
    }

    /// The entries, in the order of the CRL.
    pub fn entries(&self) -> impl Iterator<Item = RevokedEntry> + '_ {
        CrlRef::parse(&self.0.der).ok().into_iter().flat_map(|crl| crl.tbs.entries()).filter_map(|entry| Some(revoked(&entry.ok()?)))
    }

    /// Why it cannot be used, whoever signed it and whatever is asked; by RFC 5280 to the letter.
    pub fn problem(&self) -> Option<CrlProblem> {
        self.problem_by(Conformance::Rfc5280)
    }

    /// Whether `issuer_key` signed this CRL. Says nothing about names, times or scope.
    ///
    /// # Errors
    /// [`BadSignature`], also for algorithms that we do not know.
    pub fn verify_signature(&self, issuer_key: &PublicKey, crypto: &Crypto) -> Result<(), BadSignature> {
        let part = |range: &Range<usize>| self.0.der.get(range.clone()).ok_or(BadSignature);
        let algorithm = self.0.algorithm.ok_or(BadSignature)?;
        crypto.verify(issuer_key, algorithm, part(&self.0.signed)?, part(&self.0.signature)?)
    }

    pub(super) fn problem_by(&self, conformance: Conformance) -> Option<CrlProblem> {
        let crl = &self.0;
        let unknown_algorithm = crl.algorithm.is_none().then_some(CrlProblem::SignatureAlgorithm);
        let form = match conformance {
            Conformance::Lenient => None,
            Conformance::Rfc5280 if crl.number_is_critical => Some(CrlProblem::NumberCritical),
            Conformance::Rfc5280 if crl.number.is_none() => Some(CrlProblem::NumberMissing),
            Conformance::Rfc5280 if crl.next_update.is_none() => Some(CrlProblem::NextUpdateMissing),
            Conformance::Rfc5280 => None,
        };
        crl.problem.clone().or(unknown_algorithm).or(form)
    }

    /// The entry of a serial in big-endian octets, with or without leading zeros.
    pub(super) fn find(&self, serial: &[u8]) -> Option<RevokedEntry> {
        let zeros = serial.iter().take_while(|octet| **octet == 0).count();
        let serial = serial.get(zeros..).unwrap_or_default();
        let (der, index) = (&*self.0.der, &self.0.index);
        let slot = index.get(index.partition_point(|slot| slot.serial(der) < serial)).filter(|slot| slot.serial(der) == serial)?;
        let element = DerReader::new(der.get(slot.entry as usize..)?).element().ok()?;
        EntryRef::read(element, 0).ok().map(|entry| revoked(&entry))
    }

    /// The names of its distribution point, each a GeneralName in DER.
    pub(super) fn points(&self) -> &[Box<[u8]>] {
        &self.0.points
    }

    /// The same value, not only an equal one.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// What [`is`](Self::is) compares: unique while the value lives.
    pub(super) fn identity(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }
}

fn revoked(entry: &EntryRef<'_>) -> RevokedEntry {
    RevokedEntry { serial: SerialNumber::from_bytes(entry.serial), at: entry.revoked.at, reason: entry.reason, invalid_since: entry.invalid_since }
}

/// What an entry makes of the whole CRL: RFC 5280 §5.3 forbids using it for any certificate.
fn problem_of(entry: &EntryRef<'_>) -> Option<CrlProblem> {
    let serial = || SerialNumber::from_bytes(entry.serial);
    if entry.has_certificate_issuer {
        return Some(CrlProblem::Indirect);
    }
    if let Some(oid) = entry.unknown_critical {
        return Some(CrlProblem::UnknownCriticalEntryExtension { oid: oid.to_string(), serial: serial() });
    }
    (entry.reason == Some(RevocationReason::RemoveFromCrl)).then(|| CrlProblem::RemoveFromCrl(serial()))
}

impl PartialEq for Crl {
    fn eq(&self, other: &Self) -> bool {
        self.is(other) || self.0.der == other.0.der
    }
}

impl Eq for Crl {}

impl fmt::Debug for Crl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Crl({}, {} entries, from {}", self.0.issuer, self.len(), self.0.this_update)?;
        match self.0.next_update {
            Some(next) => write!(f, " until {next})"),
            None => f.write_str(")"),
        }
    }
}
