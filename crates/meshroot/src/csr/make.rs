#![cfg(feature = "ring")]
//! Making requests, with rcgen; whatever holds the private key signs.

use rcgen::string::Ia5String;
use rcgen::{CertificateParams, DistinguishedName, PublicKeyData, SanType, SignatureAlgorithm, SigningKey};

use super::Csr;
use crate::key::{KeyAlgorithm, KeyError, Signer};
use crate::spiffe::SpiffeId;

impl Csr {
    /// Makes a request for a workload's certificate, the way ztunnel does: an empty subject, and the SPIFFE ID in a
    /// critical subjectAltName.
    ///
    /// # Errors
    /// [`KeyError::SignerFailed`], or a key that no request can carry.
    pub fn for_workload(signer: &dyn Signer, id: &SpiffeId) -> Result<Self, KeyError> {
        let uri = Ia5String::try_from(id.as_str()).map_err(failed)?;
        Self::make(signer, vec![SanType::URI(uri)])
    }

    /// Makes a request that names nobody: whoever answers it decides by who asked.
    ///
    /// # Errors
    /// As [`for_workload`](Self::for_workload).
    pub fn for_key(signer: &dyn Signer) -> Result<Self, KeyError> {
        Self::make(signer, Vec::new())
    }

    fn make(signer: &dyn Signer, names: Vec<SanType>) -> Result<Self, KeyError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.subject_alt_names = names;
        let request = params.serialize_request(&RcgenKey { signer, algorithm: rcgen_algorithm(signer.public_key().algorithm())? }).map_err(failed)?;
        Self::from_der(request.der()).map_err(|e| KeyError::SignerFailed(e.to_string()))
    }
}

fn failed(e: rcgen::Error) -> KeyError {
    KeyError::SignerFailed(e.to_string())
}

/// Our signer, as rcgen wants to see one.
struct RcgenKey<'a> {
    signer: &'a dyn Signer,
    algorithm: &'static SignatureAlgorithm,
}

fn rcgen_algorithm(key: KeyAlgorithm) -> Result<&'static SignatureAlgorithm, KeyError> {
    Ok(match key {
        KeyAlgorithm::EcdsaP256 => &rcgen::PKCS_ECDSA_P256_SHA256,
        KeyAlgorithm::EcdsaP384 => &rcgen::PKCS_ECDSA_P384_SHA384,
        KeyAlgorithm::Ed25519 => &rcgen::PKCS_ED25519,
        KeyAlgorithm::Rsa(_) => &rcgen::PKCS_RSA_SHA256,
    })
}

impl PublicKeyData for RcgenKey<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.signer.public_key().key_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

impl SigningKey for RcgenKey<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.signer.sign(message).map_err(|_| rcgen::Error::RemoteKeyError)
    }
}
