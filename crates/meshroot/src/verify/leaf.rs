use crate::key::Crypto;
use crate::time::Timestamp;
use crate::x509::wire::CertRef;

use super::path::CaPath;
use super::reason::{Reason, Rejection};
use super::revoked::check_status;
use super::rules::{check_ca, check_svid, in_time, reject};
use super::search::certificate_at;
use super::{Purpose, Rules};
use crate::revocation::{CrlSet, Subject, VerifiedCrls};
use crate::spiffe::SpiffeIdRef;
use crate::x509::Certificate;
use crate::x509::wire::TbsRef;

impl CaPath {
    /// Validates a workload's certificate below this path: one signature verification.
    pub(crate) fn validate_svid<'a>(&self, leaf: &CertRef<'a>, crypto: &Crypto, now: Timestamp) -> Result<SpiffeIdRef<'a>, Rejection> {
        let at_leaf = |reason| reject(0, &leaf.tbs, reason);
        let id = check_svid(&leaf.tbs, &Rules::spiffe()).map_err(at_leaf)?;
        self.validate_below(leaf, crypto, now)?;
        Ok(id)
    }

    /// Validates a CA certificate that this path's CA signed: its own rules, and that a CA may stand there at all.
    pub(crate) fn validate_ca_below(&self, cert: &CertRef<'_>, crypto: &Crypto, now: Timestamp) -> Result<(), Rejection> {
        check_ca(&cert.tbs, false, &Rules::spiffe(), Purpose::Both).map_err(|reason| reject(0, &cert.tbs, reason))?;
        for (above, ca) in self.certificates().iter().enumerate() {
            let below = self.certificates().iter().take(above).filter(|ca| !ca.is_self_issued()).count().saturating_add(1);
            if let Some(allowed) = ca.basic_constraints().and_then(|c| c.path_len).filter(|allowed| below > usize::from(*allowed)) {
                let certificate = Some(certificate_at(ca, above.saturating_add(1)));
                return Err(Rejection { certificate, reason: Reason::PathLength { allowed, found: below } });
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
        self.check_policies(cert)?;
        let algorithm = crate::x509::signature_algorithm(cert.signature_algorithm).ok_or_else(|| here(Reason::SignatureAlgorithm))?;
        let key = self.key().ok_or_else(|| Rejection::whole(Reason::EmptyChain))?;
        crypto.verify(key, algorithm, tbs.raw, cert.signature).map_err(|_| here(Reason::BadSignature))
    }

    /// Asks the CRLs about a certificate below this path and about every one of the path but the anchor.
    pub(super) fn check_revocation(
        &self,
        cert: &CertRef<'_>,
        crls: &CrlSet,
        crypto: &Crypto,
        now: Timestamp,
        memo: &mut VerifiedCrls,
    ) -> Result<(), Rejection> {
        if crls.is_empty() {
            return Ok(());
        }
        if let Some(signing) = self.signing() {
            check_status(crls, &Subject::of_tbs(&cert.tbs), signing, crypto, now, memo).map_err(|reason| reject(0, &cert.tbs, reason))?;
        }
        for (index, (ca, issuer)) in self.certificates().iter().zip(self.certificates().iter().skip(1)).enumerate() {
            check_status(crls, &Subject::of(ca), issuer, crypto, now, memo)
                .map_err(|reason| Rejection { certificate: Some(certificate_at(ca, index.saturating_add(1))), reason })?;
        }
        Ok(())
    }
}

/// Whether `tbs` names this CA as its issuer, by name and, where both are there, by key identifier.
fn names_issuer(tbs: &TbsRef<'_>, issuer: &Certificate) -> bool {
    let hint = match (issuer.subject_key_id(), tbs.authority_key_id()) {
        (Some(subject), Some(authority)) => subject.as_bytes() == authority,
        _ => true,
    };
    tbs.issuer == issuer.subject().as_der() && hint
}
