use crate::key::Crypto;
use crate::time::Timestamp;
use crate::x509::wire::CertRef;

use super::path::{CaPath, names_issuer};
use super::reason::{CertificateAt, Reason, Rejection};
use super::rules::{check_ca, check_svid, in_time, reject};
use crate::spiffe::SpiffeIdRef;

impl CaPath {
    /// Validates a workload's certificate below this path: one signature verification.
    pub(crate) fn validate_svid<'a>(&self, leaf: &CertRef<'a>, crypto: &Crypto, now: Timestamp) -> Result<SpiffeIdRef<'a>, Rejection> {
        let at_leaf = |reason| reject(0, &leaf.tbs, reason);
        let id = check_svid(&leaf.tbs).map_err(at_leaf)?;
        self.validate_below(leaf, crypto, now)?;
        Ok(id)
    }

    /// Validates a CA certificate that this path's CA signed: its own rules, and that a CA may stand there at all.
    pub(crate) fn validate_ca_below(&self, cert: &CertRef<'_>, crypto: &Crypto, now: Timestamp) -> Result<(), Rejection> {
        check_ca(&cert.tbs, false).map_err(|reason| reject(0, &cert.tbs, reason))?;
        for (above, ca) in self.certificates().iter().enumerate() {
            let below = self.certificates().iter().take(above).filter(|ca| !ca.is_self_issued()).count().saturating_add(1);
            if let Some(allowed) = ca.basic_constraints().and_then(|c| c.path_len).filter(|allowed| below > usize::from(*allowed)) {
                let certificate = CertificateAt { position: above.saturating_add(1), subject: ca.subject().clone(), serial: ca.serial().clone() };
                return Err(Rejection { certificate: Some(certificate), reason: Reason::PathLength { allowed, found: below } });
            }
        }
        self.validate_below(cert, crypto, now)
    }

    /// What holds for any certificate that this path's CA signed: issuer, signature, time, names.
    pub(crate) fn validate_below(&self, cert: &CertRef<'_>, crypto: &Crypto, now: Timestamp) -> Result<(), Rejection> {
        let tbs = &cert.tbs;
        let here = |reason| reject(0, tbs, reason);
        let signing = self.signing().ok_or_else(|| Rejection::whole(Reason::EmptyChain))?;
        if !names_issuer(tbs, signing) {
            return Err(here(Reason::UnknownIssuer { issuer: crate::x509::DistinguishedName::from_der_unchecked(tbs.issuer) }));
        }
        in_time(tbs, now).map_err(here)?;
        self.is_valid_at(now)?;
        self.check_names(tbs).map_err(here)?;
        let algorithm = crate::x509::signature_algorithm(cert.signature_algorithm).ok_or_else(|| here(Reason::SignatureAlgorithm))?;
        let key = self.key().ok_or_else(|| Rejection::whole(Reason::EmptyChain))?;
        crypto.verify(key, algorithm, tbs.raw, cert.signature).map_err(|_| here(Reason::BadSignature))
    }
}
