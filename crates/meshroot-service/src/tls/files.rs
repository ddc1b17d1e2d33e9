use std::fs;
use std::path::{Path, PathBuf};

use meshroot::key::{Crypto, PrivateKey};
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use zeroize::Zeroizing;

use crate::config::TlsFiles;

/// Why a certificate and key in files cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsFileError {
    /// A file cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("{}: {message}", path.display())]
    Unusable {
        /// Which.
        path: PathBuf,
        /// Why.
        message: String,
    },
}

impl TlsFileError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "tls.unreadable",
            Self::Unusable { .. } => "tls.unusable",
        }
    }
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, TlsFileError> {
    fs::read(path).map(Zeroizing::new).map_err(|source| TlsFileError::Unreadable { path: path.into(), source })
}

/// Reads both; they have to belong together.
pub(crate) fn load(files: &TlsFiles, crypto: &Crypto) -> Result<CertifiedKey, TlsFileError> {
    let unusable = |path: &Path, message: String| TlsFileError::Unusable { path: path.into(), message };
    let chain = meshroot::pem::certificates(&read(&files.certificate)?).map_err(|e| unusable(&files.certificate, e.to_string()))?;
    let key = PrivateKey::from_pem(&read(&files.key)?, None, crypto).map_err(|e| unusable(&files.key, e.to_string()))?;
    if chain.first().is_none_or(|leaf| leaf.public_key() != key.public_key()) {
        return Err(unusable(&files.key, format!("it is not the key of the first certificate in {}", files.certificate.display())));
    }
    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.pkcs8_der().to_vec()));
    let signing = any_supported_type(&der).map_err(|e| unusable(&files.key, e.to_string()))?;
    Ok(CertifiedKey::new(chain.iter().map(|certificate| CertificateDer::from(certificate.der().to_vec())).collect(), signing))
}
