use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use meshroot::csr::ProvenRequest;
use meshroot::issue::Authorized;
use meshroot::key::{KeyAlgorithm, PrivateKey};
use meshroot::profile::{Profile, ProfileKind};
use meshroot::spiffe::SpiffeId;
use meshroot::time::Timestamp;
use meshroot_store::Issuance;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use tracing::warn;

use super::kept::Kept;
use crate::config::{Config, Names};
use crate::mesh::{Mesh, MeshError};

/// The service's own certificate, issued by the service itself.
#[derive(Debug)]
pub(crate) struct Own {
    names: Names,
    addresses: Vec<IpAddr>,
    /// Where it is kept; nowhere when the service has no folder.
    kept: Option<Kept>,
}

/// Who it is in its own trust domain.
const PATH: &str = "/meshroot/service";

impl Own {
    pub(crate) fn new(config: &Config) -> Self {
        let mut addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        addresses.push(config.listen.address.ip());
        addresses.extend(&config.names.addresses);
        addresses.retain(|address| !address.is_unspecified());
        addresses.sort_unstable();
        addresses.dedup();
        Self { names: config.names.clone(), addresses, kept: config.administration.socket.as_deref().map(Kept::beside) }
    }

    /// Issues it, records it, and answers it with the time at which to do so again: after two thirds of its life.
    pub(crate) fn issue(&self, mesh: &Mesh) -> Result<(CertifiedKey, Timestamp), MeshError> {
        let snapshot = mesh.now();
        let wanted = self.names.cluster.as_deref();
        let none = || MeshError::NoCa(wanted.map(|name| format!(" of a cluster '{name}'")).unwrap_or_default());
        let (domain, ca) = snapshot.issuer(wanted).ok_or_else(none)?;
        let trust_domain = domain.hierarchy.trust_domain();
        let now = mesh.clock().now();

        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, mesh.crypto())?;
        let signer = key.signer(mesh.crypto())?;
        let request = ProvenRequest::from_signer(&*signer, mesh.crypto())?;
        let id = SpiffeId::parse(&format!("{}{PATH}", trust_domain.id())).ok();
        let mut dns = vec!["localhost".to_owned()];
        dns.extend(self.names.dns.iter().filter(|name| *name != "localhost").cloned());
        let grant = Authorized::server(request, id, dns, self.addresses.clone()).map_err(meshroot::issue::IssueError::from)?;
        let issued = ca.issuer.issue(grant, &Profile::server(), mesh.crypto().entropy(), now)?;
        let recorded = mesh.store().record_one(Issuance {
            issued,
            trust_domain: trust_domain.clone(),
            authority: ca.authority.clone(),
            kind: ProfileKind::Server.to_string(),
            caller: "service".into(),
            at: now,
            since: now,
        })?;
        let lifetime = recorded.validity().not_after.since(now);
        let renew_at = now.plus(lifetime.mul_f64(2.0 / 3.0));
        if let Some(Err(e)) = self.kept.as_ref().map(|kept| kept.write(recorded.chain_pem(), &key, mesh)) {
            warn!(code = e.code(), error = %e, "the service's certificate is not kept for a start on an older copy of the store");
        }
        let chain = recorded.chain_der().into_iter().map(|der| CertificateDer::from(der.to_vec()));
        Ok((certified(chain.collect(), &key)?, renew_at))
    }

    /// The one that was issued last, and until when it is good: for a service that may not issue another.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn last(&self, mesh: &Mesh) -> Result<(CertifiedKey, Timestamp), String> {
        let kept = self.kept.as_ref().ok_or("without administration.socket none is kept")?;
        let (chain, key) = kept.read(mesh)?;
        let until = chain.first().map_or(mesh.clock().now(), |leaf| leaf.validity().not_after);
        let chain = chain.iter().map(|certificate| CertificateDer::from(certificate.der().to_vec()));
        Ok((certified(chain.collect(), &key).map_err(|e| e.to_string())?, until))
    }
}

fn certified(chain: Vec<CertificateDer<'static>>, key: &PrivateKey) -> Result<CertifiedKey, MeshError> {
    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.pkcs8_der().to_vec()));
    let signing =
        any_supported_type(&der).map_err(|_| MeshError::Key(meshroot::key::KeyError::SignerFailed("the TLS library refuses the key".into())))?;
    Ok(CertifiedKey::new(chain, signing))
}
