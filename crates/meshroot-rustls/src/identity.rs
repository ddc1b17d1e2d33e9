use std::sync::Arc;

use arc_swap::ArcSwap;
use meshroot::spiffe::SpiffeId;
use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::Credential;

/// Who we are: what is shown to peers, on either side. Configurations share it, and what is replaced here is shown from
/// the next handshake on.
#[derive(Debug)]
pub struct Identity(ArcSwap<Credential>);

impl Identity {
    /// Shows this.
    pub fn new(credential: Credential) -> Self {
        Self(ArcSwap::from_pointee(credential))
    }

    /// Shows this from now on. Open connections go on as they are. To be sure that peers will accept it, ask
    /// [`Trust::validate`](crate::Trust::validate) before.
    pub fn replace(&self, credential: Credential) {
        self.0.store(Arc::new(credential));
    }

    /// Who we are now.
    pub fn id(&self) -> SpiffeId {
        self.0.load().id().clone()
    }

    /// What is shown now.
    pub fn credential(&self) -> Arc<Credential> {
        self.0.load_full()
    }
}

/// The same certificate whatever name is asked for, and when none is: SPIFFE names nobody by DNS.
impl ResolvesServerCert for Identity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(self.0.load().certified()))
    }
}

/// The same certificate whatever roots the server names: it may not name those of its trust domains at all.
impl ResolvesClientCert for Identity {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(self.0.load().certified()))
    }

    fn has_certs(&self) -> bool {
        true
    }
}
