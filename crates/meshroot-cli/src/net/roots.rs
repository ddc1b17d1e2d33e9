//! Whom HTTPS trusts: the system's roots, or those of `--ca`.

use std::path::Path;
use std::sync::Arc;

use meshroot::pem;
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::CertificateDer;

use super::{NetError, provider};
use crate::exit::Result;
use crate::input;

/// What verifies the servers of bundles (SPIFFE Federation §5.2.1, the profile `https_web`).
#[derive(Clone, Debug)]
pub(crate) struct WebRoots(pub(super) Arc<WebPkiServerVerifier>);

impl WebRoots {
    /// The roots in a PEM file, or the system's.
    pub(crate) fn read(ca: Option<&Path>) -> Result<Self> {
        let mut store = RootCertStore::empty();
        let place = match ca {
            Some(path) => {
                let roots = pem::certificates(&input::read(path)?).map_err(|e| NetError::Credentials(format!("{}: {e}", input::named(path))))?;
                store.add_parsable_certificates(roots.iter().map(|root| CertificateDer::from(root.der().to_vec())));
                input::named(path)
            }
            None => {
                store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                "the system's certificate store".to_owned()
            }
        };
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider()).build();
        let verifier = verifier.map_err(|e| NetError::Credentials(format!("{place} has no root that a server could be trusted by ({e})")))?;
        Ok(Self(verifier))
    }
}
