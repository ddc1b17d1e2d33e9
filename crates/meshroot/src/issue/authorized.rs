use core::net::IpAddr;

use super::Denial;
use crate::csr::ProvenRequest;
use crate::hierarchy::{Role, ca_name};
use crate::key::{Crypto, KeyId, PublicKey};
use crate::policy::{Grant, Granted};
use crate::profile::ProfileKind;
use crate::spiffe::{SpiffeId, SpiffeIdRef, TrustDomain};
use crate::x509::DistinguishedName;

/// A proven key, and the identity that somebody with the right to do so grants it.
#[derive(Clone, Debug)]
pub struct Authorized {
    pub(super) public_key: PublicKey,
    pub(super) subject: Subject,
}

/// Whom the certificate will be about.
#[derive(Clone, Debug)]
pub(super) enum Subject {
    Workload(SpiffeId),
    Server {
        id: Option<SpiffeId>,
        dns: Vec<String>,
        ips: Vec<IpAddr>,
    },
    /// `key_id`: the identifier that certificates below already name, when it is not ours to choose.
    Authority {
        trust_domain: TrustDomain,
        name: DistinguishedName,
        key_id: Option<KeyId>,
        subordinate: bool,
    },
}

impl Authorized {
    /// What a policy granted: the only way that a service uses, whose callers are strangers. The other constructors are for operators,
    /// who hold the CA's key themselves.
    ///
    /// # Errors
    /// When the request asks for another identity than the one granted, for several, or for the other kind of certificate; when its key
    /// is of another kind than the one the policy decided for.
    pub fn by_policy(request: ProvenRequest, grant: &Grant, crypto: &Crypto) -> Result<Self, Denial> {
        let found = request.public_key().algorithm();
        if found != grant.key() {
            return Err(Denial::OtherKey { found, granted: grant.key() });
        }
        match grant.granted() {
            Granted::Workload(id) => Self::workload(request, id.clone()),
            Granted::Server { id, dns, ips } => Self::server(request, id.clone(), dns.clone(), ips.clone()),
            Granted::ClusterCa => {
                let trust_domain = grant.trust_domain().clone();
                let name = ca_name(&trust_domain, &Role::Cluster(grant.cluster().clone()), request.public_key(), crypto);
                Self::authority(request, trust_domain, name)
            }
        }
    }

    /// Grants a workload its SPIFFE ID.
    ///
    /// The request may name the same ID or none. Other names in it are ignored: the certificate gets the granted ID
    /// and nothing else.
    ///
    /// # Errors
    /// When the request asks for another ID, for several, or to be a CA; when the ID names no workload.
    pub fn workload(request: ProvenRequest, id: SpiffeId) -> Result<Self, Denial> {
        if id.path().is_empty() {
            return Err(Denial::NotAWorkload(id));
        }
        agree(&request, Some(&id))?;
        Ok(Self { public_key: request.public_key, subject: Subject::Workload(id) })
    }

    /// Grants a server its DNS names and IP addresses, and its SPIFFE ID if it has one.
    ///
    /// # Errors
    /// As [`workload`](Self::workload); also without any name, or with one that is no DNS name.
    pub fn server(request: ProvenRequest, id: Option<SpiffeId>, dns: Vec<String>, ips: Vec<IpAddr>) -> Result<Self, Denial> {
        if let Some(id) = id.as_ref().filter(|id| id.path().is_empty()) {
            return Err(Denial::NotAWorkload(id.clone()));
        }
        if dns.is_empty() && ips.is_empty() {
            return Err(Denial::NoName);
        }
        if let Some(bad) = dns.iter().find(|name| !is_dns_name(name)) {
            return Err(Denial::NotADnsName(bad.clone()));
        }
        agree(&request, id.as_ref())?;
        Ok(Self { public_key: request.public_key, subject: Subject::Server { id, dns, ips } })
    }

    /// Grants a key the right to be a CA of this trust domain, under a subject that nobody else may have: two CAs of
    /// one name make verifiers of every kind report bad signatures.
    ///
    /// # Errors
    /// When the request names a SPIFFE ID other than the trust domain's own.
    pub fn authority(request: ProvenRequest, trust_domain: TrustDomain, name: DistinguishedName) -> Result<Self, Denial> {
        Self::ca(request, trust_domain, name, false)
    }

    /// As [`authority`](Self::authority), for another CA product that signs cluster CAs or workloads below ours.
    ///
    /// # Errors
    /// As [`authority`](Self::authority).
    pub fn subordinate_authority(request: ProvenRequest, trust_domain: TrustDomain, name: DistinguishedName) -> Result<Self, Denial> {
        Self::ca(request, trust_domain, name, true)
    }

    fn ca(request: ProvenRequest, trust_domain: TrustDomain, name: DistinguishedName, subordinate: bool) -> Result<Self, Denial> {
        let own = trust_domain.id();
        check_uris(&request, Some(&own))?;
        Ok(Self { public_key: request.public_key, subject: Subject::Authority { trust_domain, name, key_id: None, subordinate } })
    }

    /// The key that will be certified.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// The kinds of certificate that this grant may become.
    pub(super) fn fits(&self, kind: ProfileKind) -> bool {
        match &self.subject {
            Subject::Workload(_) => kind == ProfileKind::Workload,
            Subject::Server { .. } => kind == ProfileKind::Server,
            Subject::Authority { subordinate: true, .. } => kind == ProfileKind::SubordinateCa,
            Subject::Authority { subordinate: false, .. } => matches!(kind, ProfileKind::RootCa | ProfileKind::ClusterCa),
        }
    }

    /// The subject key identifier of the certificate.
    pub(super) fn key_id(&self, crypto: &Crypto) -> KeyId {
        match &self.subject {
            Subject::Authority { key_id: Some(given), .. } => given.clone(),
            _ => self.public_key.key_id(crypto),
        }
    }

    /// The trust domain of the certificate's SPIFFE ID, if it will have one.
    pub(super) fn trust_domain(&self) -> Option<crate::spiffe::TrustDomainRef<'_>> {
        match &self.subject {
            Subject::Workload(id) => Some(id.trust_domain()),
            Subject::Server { id, .. } => id.as_ref().map(SpiffeId::trust_domain),
            Subject::Authority { trust_domain, .. } => Some(trust_domain.as_ref()),
        }
    }
}

/// A leaf's request contradicts its grant when it asks to be a CA, or for another identity.
fn agree(request: &ProvenRequest, id: Option<&SpiffeId>) -> Result<(), Denial> {
    if request.asked.ca {
        return Err(Denial::AsksForCa);
    }
    check_uris(request, id)
}

fn check_uris(request: &ProvenRequest, granted: Option<&SpiffeId>) -> Result<(), Denial> {
    let uri = match request.asked.uris.as_slice() {
        [] => return Ok(()),
        [one] => one,
        several => return Err(Denial::SeveralUris(several.len())),
    };
    let asked = SpiffeIdRef::parse(uri).map_err(|reason| Denial::NotASpiffeId { uri: uri.chars().take(200).collect(), reason })?;
    if granted.map(SpiffeId::as_str) != Some(asked.as_str()) {
        return Err(Denial::OtherIdentity { asked: asked.to_owned(), granted: granted.cloned() });
    }
    Ok(())
}

/// Letters, digits and hyphens in labels of 1 to 63, 253 in all; no wildcard, which no server of a mesh needs.
pub(crate) fn is_dns_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(label)
}
