use std::sync::Arc;

use meshroot::hierarchy::{AuthorityState, ClusterName, Role};
use meshroot::revocation::CrlSet;
use meshroot::spiffe::SpiffeId;
use meshroot::time::Timestamp;
use meshroot::x509::Certificate;
use meshroot_store::{IssuanceRow, Revocation};
use rustls::pki_types::CertificateDer;

use super::AuthenticationError;
use crate::http::App;
use crate::mesh::{Domain, Mesh};

/// A workload with a certificate of ours that is still good.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    pub(crate) id: SpiffeId,
    /// The cluster whose CA signed the certificate; no other renews it.
    pub(crate) cluster: ClusterName,
    /// When the identity was last vouched for by something else than an earlier certificate.
    pub(crate) since: Timestamp,
    /// The certificate's entry in the issuance log.
    pub(crate) position: u64,
}

/// Who shows this chain, judged against the bundle, the records and the authorities of this moment.
pub(super) async fn workload(app: &Arc<App>, chain: Arc<[CertificateDer<'static>]>) -> Result<Workload, AuthenticationError> {
    let mesh = Arc::clone(&app.mesh);
    let judged = tokio::task::spawn_blocking(move || judge(&mesh, &chain)).await;
    judged.map_err(|_| AuthenticationError::Stopping)?
}

fn judge(mesh: &Mesh, chain: &[CertificateDer<'static>]) -> Result<Workload, AuthenticationError> {
    let snapshot = mesh.now();
    let now = mesh.clock().now();
    let svid = snapshot.validator.validate(chain, &CrlSet::empty(), now)?;
    let leaf = chain.first().and_then(|der| Certificate::from_der(der).ok()).ok_or(AuthenticationError::NotOurs)?;
    // Every holder of any cluster CA's key can make a certificate with any name; only those that we recorded count.
    let row = mesh.store().find(&leaf)?.ok_or(AuthenticationError::NotOurs)?;
    let domain = snapshot.trust_domain(row.trust_domain.as_str()).ok_or(AuthenticationError::NotOurs)?;
    let authority = domain.hierarchy.authority(row.authority.as_str()).ok_or(AuthenticationError::NotOurs)?;
    let Role::Cluster(cluster) = authority.role() else { return Err(AuthenticationError::NotOurs) };
    if !matches!(authority.state(), AuthorityState::Active | AuthorityState::Retiring) {
        return Err(AuthenticationError::Authority { authority: authority.id().to_string(), state: authority.state().to_string() });
    }
    is_not_revoked(mesh, domain, &row, svid.path())?;
    if row.kind != meshroot::profile::ProfileKind::Workload.to_string() {
        return Err(AuthenticationError::NotOurs);
    }
    Ok(Workload { id: svid.id().clone(), cluster: cluster.clone(), since: row.since, position: row.position })
}

/// Neither the certificate nor a CA above it is revoked. Asked with every request, from memory: a connection may be older
/// than a revocation.
fn is_not_revoked(mesh: &Mesh, domain: &Domain, row: &IssuanceRow, above: &[Certificate]) -> Result<(), AuthenticationError> {
    let revoked = mesh.revoked();
    let refused = |one: &Revocation| AuthenticationError::Revoked { at: one.at, reason: one.reason };
    if let Some(one) = revoked.find(&row.trust_domain, &row.authority, &row.serial) {
        return Err(refused(one));
    }
    for ca in above {
        let found = domain.signer_of(ca).and_then(|signer| revoked.find(&row.trust_domain, signer.id(), ca.serial()));
        if let Some(one) = found {
            return Err(refused(one));
        }
    }
    Ok(())
}
