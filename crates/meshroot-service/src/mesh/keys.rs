use std::sync::Arc;

use meshroot::hierarchy::Authority;
use meshroot::key::seal::{DataKey, SealContext, SealError, SealedKey};
use meshroot::key::{Crypto, PrivateKey, PublicKey, Signer};
use meshroot::spiffe::TrustDomain;
use meshroot_store::Store;

use super::{Mesh, MeshError};

/// An authority's signer; `None` when the store does not hold its key, as with a root that is kept apart.
pub(super) fn signer(
    store: &dyn Store,
    data_key: &DataKey,
    crypto: &Crypto,
    trust_domain: &TrustDomain,
    authority: &Authority,
) -> Result<Option<Arc<dyn Signer>>, MeshError> {
    let id = authority.id();
    let (Some(sealed), Some(certificate)) = (store.sealed_key(trust_domain, id)?, authority.certificate()) else { return Ok(None) };
    let context = SealContext { store: store.meta().id.as_str(), authority: id.as_str(), public_key: certificate.public_key() };
    let opened = SealedKey::from_bytes(&sealed).and_then(|sealed| data_key.open(crypto, &context, &sealed));
    let key = opened.map_err(|source| MeshError::Sealed { authority: id.to_string(), source })?;
    Ok(Some(key.signer(crypto)?))
}

impl Mesh {
    /// Seals a key that is no authority's for a place of this name.
    pub(crate) fn seal(&self, place: &str, key: &PrivateKey) -> Result<SealedKey, SealError> {
        self.data_key.seal(&self.crypto, self.crypto.entropy(), &self.place(place, key.public_key()), key)
    }

    /// Opens what [`seal`](Self::seal) sealed.
    pub(crate) fn open_sealed(&self, place: &str, public_key: &PublicKey, sealed: &SealedKey) -> Result<PrivateKey, SealError> {
        self.data_key.open(&self.crypto, &self.place(place, public_key), sealed)
    }

    fn place<'a>(&'a self, place: &'a str, public_key: &'a PublicKey) -> SealContext<'a> {
        SealContext { store: self.store.meta().id.as_str(), authority: place, public_key }
    }
}
