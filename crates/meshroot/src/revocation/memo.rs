use std::collections::HashMap;

use super::{Crl, CrlProblem};
use crate::key::Crypto;
use crate::x509::extension::KEY_USAGE;
use crate::x509::wire::CertRef;
use crate::x509::{Certificate, KeyUsage};

/// More pairs of CRL and issuer than any mesh has; a full memory is emptied, and fills again.
const MAX_REMEMBERED: usize = if cfg!(test) { 16 } else { 16_384 };

/// Which CRL was found to be signed, or not signed, by which issuer, so that a steady stream of certificates pays for
/// each signature once.
///
/// It holds facts and no opinion: it may be kept for as long as one likes, and be used with any set and at any time.
#[derive(Clone, Debug, Default)]
pub struct VerifiedCrls {
    /// By the CRL's identity, which stays its own for as long as the CRL is held here.
    known: HashMap<usize, Vec<Known>>,
    count: usize,
}

#[derive(Clone, Debug)]
struct Known {
    crl: Crl,
    issuer: Certificate,
    verdict: Result<(), CrlProblem>,
}

impl VerifiedCrls {
    /// Nothing is remembered.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many pairs of CRL and issuer are remembered.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn verify(&mut self, crl: &Crl, issuer: &Certificate, crypto: &Crypto) -> Result<(), CrlProblem> {
        let of_crl = self.known.get(&crl.identity()).map_or(&[][..], Vec::as_slice);
        if let Some(known) = of_crl.iter().find(|known| known.crl.is(crl) && known.issuer == *issuer) {
            return known.verdict.clone();
        }
        let verdict = verify(crl, issuer, crypto);
        if self.count >= MAX_REMEMBERED {
            *self = Self::default();
        }
        self.count = self.count.saturating_add(1);
        self.known.entry(crl.identity()).or_default().push(Known { crl: crl.clone(), issuer: issuer.clone(), verdict: verdict.clone() });
        verdict
    }
}

/// Whether `issuer` signed this CRL and may have (RFC 5280 §6.3.3 (f), (g)).
pub(super) fn verify(crl: &Crl, issuer: &Certificate, crypto: &Crypto) -> Result<(), CrlProblem> {
    if crl.signature_algorithm().is_none() {
        return Err(CrlProblem::SignatureAlgorithm);
    }
    crl.verify_signature(issuer.public_key(), crypto).map_err(|_| CrlProblem::Signature)?;
    if may_sign_crls(issuer) { Ok(()) } else { Err(CrlProblem::SignerLacksCrlSign) }
}

/// A keyUsage, if there is one, must have cRLSign. One that cannot be read has nothing.
pub(super) fn may_sign_crls(issuer: &Certificate) -> bool {
    let Ok(parsed) = CertRef::parse(issuer.der()) else { return false };
    parsed.tbs.extension(KEY_USAGE).is_none_or(|e| KeyUsage::decode(e.value).is_ok_and(|usage| usage.contains(KeyUsage::CRL_SIGN)))
}
