use std::sync::Arc;

use meshroot::hierarchy::Authority;
use meshroot::key::seal::{DataKey, SealContext, SealedKey};
use meshroot::key::{Crypto, Signer};
use meshroot::spiffe::TrustDomain;
use meshroot_store::Store;

use super::MeshError;

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
