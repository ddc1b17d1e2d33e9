use crate::x509::wire::CertRef;
use crate::x509::{Certificate, CertificateError};

use super::MAX_POOL;
use super::names::same_name;
use super::reason::{Reason, Rejection};
use super::rules::reject;

/// The CA certificates that came with a leaf, in any order. What cannot be read or used is no reason to refuse a chain
/// that does not need it; it is kept for the case that it would have been needed.
#[derive(Default)]
pub(super) struct Pool {
    pub(super) certificates: Vec<Certificate>,
    /// Certificates with a subject and without a key that we take.
    unusable: Vec<Unusable>,
    /// The first that cannot be read.
    pub(super) unreadable: Option<CertificateError>,
}

struct Unusable {
    subject: Vec<u8>,
    /// At position 0.
    rejection: Rejection,
}

impl Pool {
    /// Reads them.
    ///
    /// # Errors
    /// When there are more than anybody needs.
    pub(super) fn read(intermediates: &[impl AsRef<[u8]>]) -> Result<Self, Rejection> {
        if intermediates.len() > MAX_POOL {
            return Err(Rejection::whole(Reason::ChainTooLong { found: intermediates.len(), most: MAX_POOL }));
        }
        let mut pool = Self { certificates: Vec::with_capacity(intermediates.len()), ..Self::default() };
        for der in intermediates {
            match Certificate::from_der(der.as_ref()) {
                Ok(certificate) => pool.certificates.push(certificate),
                Err(e) => pool.set_aside(der.as_ref(), e),
            }
        }
        Ok(pool)
    }

    fn set_aside(&mut self, der: &[u8], e: CertificateError) {
        match (CertRef::parse(der), e) {
            (Ok(parsed), CertificateError::Key(e)) => {
                self.unusable.push(Unusable { subject: parsed.tbs.subject.into(), rejection: reject(0, &parsed.tbs, Reason::Key(e)) });
            }
            (_, e) => {
                self.unreadable.get_or_insert(e);
            }
        }
    }

    /// Why the issuer of this name, which is there, cannot be used.
    pub(super) fn unusable(&self, issuer: &[u8], position: usize) -> Option<Rejection> {
        let found = self.unusable.iter().find(|unusable| same_name(&unusable.subject, issuer))?;
        let mut rejection = found.rejection.clone();
        if let Some(at) = &mut rejection.certificate {
            at.position = position;
        }
        Some(rejection)
    }

    /// The reason of a failed search: a certificate that cannot be read may have been the issuer that was missing.
    pub(super) fn explain(&self, rejection: Rejection) -> Rejection {
        match (&rejection.reason, &self.unreadable) {
            (Reason::UnknownIssuer { .. }, Some(e)) => Rejection::whole(Reason::from(e.clone())),
            _ => rejection,
        }
    }
}

impl From<&[Certificate]> for Pool {
    fn from(certificates: &[Certificate]) -> Self {
        Self { certificates: certificates.to_vec(), ..Self::default() }
    }
}
