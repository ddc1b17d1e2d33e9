use std::collections::BTreeSet;

use crate::key::Crypto;
use crate::spiffe::SpiffeId;
use crate::time::Timestamp;
use crate::x509::{Certificate, DistinguishedName};

use super::super::pool::Pool;
use super::{Plane, Sent, Site};

/// What a cluster's workloads present.
#[derive(Debug)]
pub(in super::super) struct Row {
    pub(in super::super) signing: Option<Certificate>,
    /// What goes along with every leaf. The agent of a sidecar sends the roots too, ztunnel does not.
    presented: [Vec<Certificate>; 2],
    pub(in super::super) sent: Vec<Sent>,
    /// A workload that could be.
    pub(super) sample: Option<SpiffeId>,
    /// From its CA, or a leaf, up to its root, with the help of all evidence; without itself if it is a leaf.
    pub(in super::super) way_up: Vec<Certificate>,
    /// Who might vouch for it.
    pub(in super::super) signers: Vec<Signer>,
}

/// A name that a certificate gives its issuer or has itself; an anchor of another name cannot matter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) struct Signer {
    pub(in super::super) name: DistinguishedName,
    /// The key in DER, when it is known who signed: then an anchor of this name with another key cannot matter either.
    /// Meshes have hundreds of roots called `O=cluster.local`.
    pub(in super::super) key: Option<Box<[u8]>>,
}

impl Row {
    pub(super) fn of(site: &Site, pool: &Pool, crypto: &Crypto, now: Timestamp) -> Option<Self> {
        let domain = site.domain()?;
        let sample = SpiffeId::from_path(domain.as_ref(), "/ns/default/sa/default").ok();
        let start = site.signing.as_ref().or_else(|| site.sent.first()?.certificates.first());
        let mut way_up = start.map(|start| pool.climb(start, crypto, now)).unwrap_or_default();
        if site.signing.is_none() && !way_up.is_empty() {
            way_up.remove(0);
        }
        let signers = signers(site, &way_up, crypto);
        // Of the roots that are sent, those that signed themselves lead nowhere, but for the one at the end of the way.
        let leads = |root: &&Certificate| !root.is_self_issued() || way_up.contains(root);
        let sidecar: Vec<Certificate> = site.chain.iter().chain(site.roots().iter().filter(leads)).cloned().collect();
        let presented = [sidecar, site.chain.clone()];
        Some(Self { signing: site.signing.clone(), presented, sent: site.sent.clone(), sample, way_up, signers })
    }

    pub(in super::super) fn presented(&self, plane: Plane) -> &[Certificate] {
        let [sidecar, ambient] = &self.presented;
        match plane {
            Plane::Sidecar => sidecar,
            Plane::Ambient => ambient,
        }
    }
}

fn signers(site: &Site, way_up: &[Certificate], crypto: &Crypto) -> Vec<Signer> {
    let sent = site.sent.iter().flat_map(|sent| &sent.certificates);
    let all: Vec<&Certificate> = site.signing.iter().chain(&site.chain).chain(sent).chain(way_up).collect();
    let mut found = BTreeSet::new();
    for certificate in &all {
        found.insert(Signer { name: certificate.subject().clone(), key: Some(certificate.public_key().spki_der().into()) });
        let signed =
            |issuer: &&&Certificate| issuer.subject() == certificate.issuer() && certificate.verify_signature(issuer.public_key(), crypto).is_ok();
        let issuer = if signed(&certificate) { Some(certificate) } else { all.iter().find(signed) };
        found.insert(Signer { name: certificate.issuer().clone(), key: issuer.map(|issuer| issuer.public_key().spki_der().into()) });
    }
    // Its roots are presented too, and a cross-signed one leads further.
    for root in site.roots().iter().filter(|root| !root.is_self_issued()) {
        found.insert(Signer { name: root.issuer().clone(), key: None });
    }
    found.into_iter().collect()
}
