use core::fmt;
use std::sync::Arc;

use meshroot::key::{Crypto, KeyError, PrivateKey};
use meshroot::pem::PemError;
use meshroot::spiffe::SpiffeId;
use meshroot::time::Validity;
use meshroot::x509::{Certificate, CertificateError};
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;

use crate::peer::id_of;

/// An X.509-SVID with the CA certificates that go with it and its private key: all of one piece.
pub struct Credential {
    id: SpiffeId,
    validity: Validity,
    certified: Arc<CertifiedKey>,
}

/// Why certificates and a key are no credential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// The certificates are not readable PEM.
    #[error("the certificates cannot be read: {0}")]
    Pem(#[from] PemError),
    /// A certificate cannot be read.
    #[error("certificate {index} of the chain cannot be read: {reason}")]
    Certificate {
        /// Which, from 0.
        index: usize,
        /// Why not.
        reason: CertificateError,
    },
    /// There is no certificate.
    #[error("there is no certificate: the X.509-SVID comes first, the CA certificates behind it")]
    NoCertificate,
    /// The private key cannot be read.
    #[error("the private key cannot be read: {0}")]
    Key(#[from] KeyError),
    /// TLS cannot sign with a key of this kind.
    #[error("TLS cannot use the private key: {0}")]
    UnusableKey(String),
    /// The key is another certificate's.
    #[error("the private key is not that of the first certificate, '{0}'")]
    OtherKey(SpiffeId),
    /// The first certificate is no X.509-SVID of a workload.
    #[error("the first certificate carries no SPIFFE ID of a workload, or more than one URI: the X.509-SVID has to come first")]
    NoIdentity,
}

impl CredentialError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Pem(_) => "credential.pem",
            Self::Certificate { .. } => "credential.certificate",
            Self::NoCertificate => "credential.no_certificate",
            Self::Key(e) => e.code(),
            Self::UnusableKey(_) => "credential.unusable_key",
            Self::OtherKey(_) => "credential.other_key",
            Self::NoIdentity => "credential.no_identity",
        }
    }
}

impl Credential {
    /// Reads PEM: the certificates, leaf first, and the key in any form that [`PrivateKey::from_pem`] reads,
    /// unencrypted.
    ///
    /// # Errors
    /// Something cannot be read, or they do not belong together.
    pub fn from_pem(chain: &[u8], key: &[u8], crypto: &Crypto) -> Result<Self, CredentialError> {
        let chain = meshroot::pem::certificates(chain)?;
        Self::new(&chain, &PrivateKey::from_pem(key, None, crypto)?)
    }

    /// Reads DER: each certificate, leaf first, and the key.
    ///
    /// # Errors
    /// As [`from_pem`](Self::from_pem).
    pub fn from_der(chain: &[impl AsRef<[u8]>], key: &[u8], crypto: &Crypto) -> Result<Self, CredentialError> {
        let read = |(index, der): (usize, &_)| -> Result<_, CredentialError> {
            Certificate::from_der(AsRef::<[u8]>::as_ref(der)).map_err(|reason| CredentialError::Certificate { index, reason })
        };
        let chain: Vec<_> = chain.iter().enumerate().map(read).collect::<Result<_, _>>()?;
        Self::new(&chain, &PrivateKey::from_der(key, None, crypto)?)
    }

    /// Puts the two together.
    ///
    /// # Errors
    /// They do not belong together, or TLS cannot use them.
    pub fn new(chain: &[Certificate], key: &PrivateKey) -> Result<Self, CredentialError> {
        let leaf = chain.first().ok_or(CredentialError::NoCertificate)?;
        let id = id_of(leaf).ok_or(CredentialError::NoIdentity)?;
        if leaf.public_key() != key.public_key() {
            return Err(CredentialError::OtherKey(id));
        }
        let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.pkcs8_der()));
        let signing = any_supported_type(&der).map_err(|e| CredentialError::UnusableKey(e.to_string()))?;
        let certificates = chain.iter().map(|certificate| CertificateDer::from(certificate.der().to_vec())).collect();
        Ok(Self { id, validity: leaf.validity(), certified: Arc::new(CertifiedKey::new(certificates, signing)) })
    }

    /// Who it makes us.
    pub fn id(&self) -> &SpiffeId {
        &self.id
    }

    /// From when until when the leaf is valid.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// The certificates, leaf first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.certified.cert
    }

    pub(crate) fn certified(&self) -> &Arc<CertifiedKey> {
        &self.certified
    }
}

/// Names the identity, and nothing of the key.
impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").field("id", &self.id).field("validity", &self.validity).finish_non_exhaustive()
    }
}
