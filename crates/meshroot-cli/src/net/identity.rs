//! The credentials that a doctor shows, if it is given any.

use std::path::Path;
use std::sync::Arc;

use meshroot::pem;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::{NetError, provider};
use crate::exit::Result;
use crate::input;

/// A client certificate with its key.
#[derive(Clone, Debug)]
pub(crate) struct Identity(pub(super) Arc<CertifiedKey>);

impl Identity {
    /// Reads a chain (leaf first) and its unencrypted key, both PEM.
    pub(crate) fn read(chain: &Path, key: &Path) -> Result<Self> {
        let certificates = pem::certificates(&input::read(chain)?).map_err(|e| credentials(chain, &e))?;
        let chain_der = certificates.iter().map(|certificate| CertificateDer::from(certificate.der().to_vec())).collect();
        let key_text = input::read(key)?;
        let blocks = pem::parse(&key_text).map_err(|e| credentials(key, &e))?;
        let found = blocks.iter().find_map(|block| {
            Some(match block.label.as_str() {
                "PRIVATE KEY" => PrivateKeyDer::Pkcs8(block.der.clone().into()),
                "EC PRIVATE KEY" => PrivateKeyDer::Sec1(block.der.clone().into()),
                "RSA PRIVATE KEY" => PrivateKeyDer::Pkcs1(block.der.clone().into()),
                _ => return None,
            })
        });
        let found = found.ok_or_else(|| credentials(key, &"no unencrypted private key is in it"))?;
        let signer =
            provider().key_provider.load_private_key(found).map_err(|_| credentials(key, &"the key is of a kind that cannot sign in TLS"))?;
        let certified = CertifiedKey::new(chain_der, signer);
        // A peer would see only that the handshake fails.
        if matches!(certified.keys_match(), Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch))) {
            return Err(credentials(key, &format!("it is not the key of the certificate in {}", chain.display())).into());
        }
        Ok(Self(Arc::new(certified)))
    }
}

fn credentials(path: &Path, why: &dyn std::fmt::Display) -> NetError {
    NetError::Credentials(format!("{}: {why}", input::named(path)))
}
