use super::{IssueError, Issued, LifetimeCut};
use crate::key::{Crypto, PublicKey, SignatureAlgorithm, Signer};
use crate::lint::Linted;
use crate::profile::ProfileKind;
use crate::spiffe::TrustDomain;
use crate::time::{Timestamp, Validity};
use crate::verify::CaPath;
use crate::x509::encode::signed;
use crate::x509::extension::SUBJECT_ALT_NAME;
use crate::x509::wire::CertRef;
use crate::x509::{AltNames, Certificate, DistinguishedName, SerialNumber};

/// A certificate that wants only its signature: linted, bound to its issuer, used up by signing.
///
/// An HSM or a KMS signs [`message`](Self::message) with [`algorithm`](Self::algorithm) in whatever way it likes, and
/// hands the signature to [`complete`](Self::complete).
#[derive(Debug)]
pub struct LintedTbs {
    pub(super) linted: Linted,
    pub(super) kind: ProfileKind,
    pub(super) algorithm: SignatureAlgorithm,
    pub(super) issuer: IssuerAt,
    pub(super) subject_key: PublicKey,
    pub(super) serial: SerialNumber,
    pub(super) validity: Validity,
    pub(super) lifetime_cut: Option<LifetimeCut>,
    pub(super) crypto: Crypto,
    pub(super) now: Timestamp,
}

/// Who signs, and what the result is validated against.
#[derive(Debug)]
pub(super) enum IssuerAt {
    /// A CA below, or at, an anchor of its trust domain's bundle.
    Path { path: CaPath, trust_domain: TrustDomain },
    /// The key itself.
    Itself,
}

impl LintedTbs {
    /// What is to be signed.
    pub fn message(&self) -> &[u8] {
        self.linted.tbs()
    }

    /// With which algorithm.
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// The serial number, so that it can be recorded before the signature exists.
    pub fn serial(&self) -> &SerialNumber {
        &self.serial
    }

    /// The validity period.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// Whether and why the certificate will live shorter than asked for.
    pub fn lifetime_cut(&self) -> Option<&LifetimeCut> {
        self.lifetime_cut.as_ref()
    }

    /// Adds the signature, and validates the finished certificate as a path before it is returned: one verification.
    ///
    /// # Errors
    /// [`IssueError::NotValid`] when the signature is not the issuer's, or anything else does not validate.
    pub fn complete(self, signature: &[u8]) -> Result<Issued, IssueError> {
        let der = signed(self.linted.tbs(), self.algorithm, signature);
        let certificate = CertRef::parse(&der)?;
        let mut id = None;
        match &self.issuer {
            IssuerAt::Itself => {
                let root = Certificate::from_der(&der)?;
                CaPath::self_signed(&root, &self.crypto, self.now).map_err(IssueError::NotValid)?;
            }
            IssuerAt::Path { path, .. } if self.kind.is_ca() => {
                path.validate_ca_below(&certificate, &self.crypto, self.now).map_err(IssueError::NotValid)?
            }
            IssuerAt::Path { path, trust_domain } => {
                if self.kind == ProfileKind::Workload {
                    let found = path.validate_svid(&certificate, &self.crypto, self.now).map_err(IssueError::NotValid)?;
                    if found.trust_domain() != *trust_domain {
                        return Err(IssueError::ForeignTrustDomain { ours: trust_domain.clone(), asked: found.trust_domain().to_owned() });
                    }
                    id = Some(found.to_owned());
                } else {
                    path.validate_below(&certificate, &self.crypto, self.now).map_err(IssueError::NotValid)?;
                }
            }
        }
        if certificate.tbs.spki != self.subject_key.spki_der() {
            return Err(IssueError::Key(crate::key::KeyError::InconsistentKeyPair));
        }
        // A workload's was just validated; the linter lets no second one pass.
        let id = id.or_else(|| {
            let names = certificate.tbs.extension(SUBJECT_ALT_NAME).and_then(|e| AltNames::decode(e.value).ok())?;
            Some(names.spiffe_id()?.to_owned())
        });
        // As the certificate says, so that nobody has to read it again to be sure.
        let issuer = DistinguishedName::from_der_unchecked(certificate.tbs.issuer);
        let (serial, validity) = (SerialNumber::from_bytes(certificate.tbs.serial), certificate.tbs.validity);
        let path = match self.issuer {
            IssuerAt::Itself => None,
            IssuerAt::Path { path, .. } => Some(path),
        };
        Ok(Issued { der, path, serial, validity, issuer, id, lifetime_cut: self.lifetime_cut })
    }

    /// Signs with a signer at hand, and [`complete`](Self::complete)s.
    pub(super) fn sign(self, signer: &dyn Signer) -> Result<Issued, IssueError> {
        let signature = signer.sign(self.message())?;
        self.complete(&signature)
    }
}
