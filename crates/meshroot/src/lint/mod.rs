//! The linter: judges finished DER, and knows nothing of how it was made.
//!
//! Everything we sign passes it first, as a value: only linted bytes reach a signer. It also judges what others
//! made, for people to read.

mod crl;
mod distinguished;
mod finding;
mod names;
mod rules;
#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "tests")]
mod tests;
mod thorough;

pub use finding::{Finding, Severity};

use crate::profile::ProfileKind;
use crate::revocation::CrlError;
use crate::revocation::wire::{CrlRef, TbsCrlRef};
use crate::x509::CertificateError;
use crate::x509::wire::{CertRef, TbsRef};

/// Judges a certificate that others made, by RFC 5280 and the SPIFFE standards, the worst first. Its kind is what it says
/// itself: a CA or not; and not being one, a server's when it has names of hosts and no URI.
///
/// # Errors
/// When the bytes are no certificate.
pub fn check_certificate(der: &[u8]) -> Result<Vec<Finding>, CertificateError> {
    let certificate = CertRef::parse(der)?;
    let mut findings = Vec::new();
    rules::general(&certificate.tbs, &mut findings);
    let kind = rules::apparent_kind(&certificate.tbs);
    rules::profile(&certificate.tbs, kind, false, &mut findings);
    thorough::others(&certificate.tbs, kind, &mut findings);
    findings.sort_by_key(|finding| core::cmp::Reverse(finding.severity));
    Ok(findings)
}

/// Judges a CRL that others made, by RFC 5280, the worst first. Of findings about entries the first of each kind is told.
///
/// # Errors
/// When the bytes are no CRL.
pub fn check_crl(der: &[u8]) -> Result<Vec<Finding>, CrlError> {
    let mut findings = Vec::new();
    crl::rules(&CrlRef::parse(der)?.tbs, false, &mut findings)?;
    findings.sort_by_key(|finding| core::cmp::Reverse(finding.severity));
    Ok(findings)
}

/// To-be-signed bytes of a certificate or a CRL that the linter found right. Nothing else makes this value.
#[derive(Debug)]
pub(crate) struct Linted {
    tbs: Vec<u8>,
}

impl Linted {
    /// Judges to-be-signed bytes as a certificate of this kind.
    pub(crate) fn certificate(tbs: Vec<u8>, kind: ProfileKind) -> Result<Self, Vec<Finding>> {
        let mut findings = Vec::new();
        match TbsRef::parse(&tbs) {
            Ok(parsed) => {
                rules::general(&parsed, &mut findings);
                rules::profile(&parsed, kind, true, &mut findings);
            }
            Err(e) => findings.push(Finding::error("lint.malformed", "tbsCertificate", e.to_string(), "RFC 5280 §4.1")),
        }
        findings.retain(|finding| finding.severity == Severity::Error);
        if findings.is_empty() { Ok(Self { tbs }) } else { Err(findings) }
    }

    /// Judges to-be-signed bytes as a complete CRL for all certificates of its issuer.
    pub(crate) fn crl(tbs: Vec<u8>) -> Result<Self, Vec<Finding>> {
        let mut findings = Vec::new();
        if let Err(e) = TbsCrlRef::parse(&tbs).and_then(|parsed| crl::rules(&parsed, true, &mut findings)) {
            findings.push(Finding::error("lint.malformed", "tbsCertList", e.to_string(), "RFC 5280 §5.1"));
        }
        findings.retain(|finding| finding.severity == Severity::Error);
        if findings.is_empty() { Ok(Self { tbs }) } else { Err(findings) }
    }

    pub(crate) fn tbs(&self) -> &[u8] {
        &self.tbs
    }
}
