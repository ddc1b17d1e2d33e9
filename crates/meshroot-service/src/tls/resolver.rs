use std::sync::Arc;

use arc_swap::ArcSwapOption;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// The certificate that is shown; swapped while connections go on. The same one whatever name is asked for, and when
/// none is: clients that dial an address send no name.
#[derive(Debug, Default)]
pub(crate) struct Served(ArcSwapOption<CertifiedKey>);

impl Served {
    pub(crate) fn replace(&self, key: CertifiedKey) {
        self.0.store(Some(Arc::new(key)));
    }

    /// The chain that is shown, leaf first, in DER.
    pub(crate) fn leaf(&self) -> Option<Vec<u8>> {
        self.0.load().as_ref().and_then(|key| key.cert.first().map(|leaf| leaf.to_vec()))
    }
}

impl ResolvesServerCert for Served {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.load_full()
    }
}
