//! Making the certificates of a hierarchy.

use std::sync::Arc;

use super::{ClusterName, Role};
use crate::bundle::Bundle;
use crate::csr::ProvenRequest;
use crate::issue::{Authorized, IssueError, Issuer, self_sign};
use crate::key::{Crypto, PublicKey, Signer};
use crate::profile::Profile;
use crate::spiffe::TrustDomain;
use crate::time::Timestamp;
use crate::verify::CaPath;
use crate::x509::{Certificate, DistinguishedName};

/// The subject of a CA: `O=mesh.example, CN=west CA 81d0c4aa2b5ef017`. The start of the key's identifier makes it
/// unique, so that two CAs of one role are never taken for each other.
pub fn ca_name(trust_domain: &TrustDomain, role: &Role, key: &PublicKey, crypto: &Crypto) -> DistinguishedName {
    let key = key.key_id(crypto).to_string();
    let key = key.get(..16).unwrap_or(&key);
    let role = match role {
        Role::Root => "Root".to_owned(),
        // 64 characters in all: X.520's upper bound for a common name.
        Role::Cluster(name) => name.as_str().chars().take(43).collect(),
    };
    DistinguishedName::new(trust_domain.as_str(), &format!("{role} CA {key}"))
}

/// Makes a root for `trust_domain` with this signer.
///
/// # Errors
/// As [`self_sign`].
pub fn create_root(
    trust_domain: &TrustDomain,
    profile: &Profile,
    signer: &dyn Signer,
    crypto: &Crypto,
    now: Timestamp,
) -> Result<CaPath, IssueError> {
    let request = ProvenRequest::from_signer(signer, crypto)?;
    let name = ca_name(trust_domain, &Role::Root, signer.public_key(), crypto);
    let grant = Authorized::authority(request, trust_domain.clone(), name)?;
    let root = self_sign(grant, profile, signer, crypto, crypto.entropy(), now)?;
    CaPath::self_signed(&root, crypto, now).map_err(IssueError::NotValid)
}

/// Makes a cluster's CA: `root` signs for the key in `request`.
///
/// # Errors
/// As [`Issuer::issue`].
pub fn create_cluster_ca(
    root: &(Certificate, Arc<dyn Signer>),
    bundle: &Bundle,
    cluster: &ClusterName,
    request: ProvenRequest,
    profile: &Profile,
    crypto: &Crypto,
    now: Timestamp,
) -> Result<CaPath, IssueError> {
    let (certificate, signer) = root;
    let issuer = Issuer::new(core::slice::from_ref(certificate), bundle, Arc::clone(signer), crypto.clone(), now)?;
    let name = ca_name(bundle.trust_domain(), &Role::Cluster(cluster.clone()), request.public_key(), crypto);
    let grant = Authorized::authority(request, bundle.trust_domain().clone(), name)?;
    let issued = issuer.issue(grant, profile, crypto.entropy(), now)?;
    let made = Certificate::from_der(issued.der())?;
    CaPath::find(&made, &[], bundle.x509_authorities(), crypto, now).map_err(IssueError::NotValid)
}
