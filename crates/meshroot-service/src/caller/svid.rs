use std::sync::Arc;

use meshroot::hierarchy::{AuthorityState, ClusterName, Role};
use meshroot::key::Crypto;
use meshroot::revocation::CrlSet;
use meshroot::spiffe::SpiffeId;
use meshroot::time::Timestamp;
use meshroot::x509::Certificate;
use meshroot_store::{IssuanceRow, Revocation};
use rustls::pki_types::CertificateDer;

use super::AuthenticationError;
use super::remembered::Digest;
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

/// What was found out about a chain.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    workload: Arc<Workload>,
    under: Versions,
}

/// What a verdict was found under: with another bundle, other authorities or other revocations it may be another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Versions {
    store: u64,
    revocations: u64,
}

impl Versions {
    fn of(mesh: &Mesh) -> Self {
        Self { store: mesh.now().version(), revocations: mesh.revoked().version() }
    }
}

/// By what a chain is remembered: every octet of it counts.
pub(super) fn digest(chain: &[CertificateDer<'static>], crypto: &Crypto) -> Digest {
    let mut all = Vec::with_capacity(chain.iter().map(|der| der.len().saturating_add(8)).fold(0, usize::saturating_add));
    for der in chain {
        all.extend_from_slice(&(der.len() as u64).to_be_bytes());
        all.extend_from_slice(der);
    }
    crypto.sha256(&all)
}

/// Who showed this chain a moment ago, if nothing changed since. What may change without
/// these versions does not belong in here.
pub(super) fn remembered(app: &App, digest: &Digest) -> Option<Arc<Workload>> {
    let judged = app.recent.chains.get(digest, app.mesh.clock().now())?;
    (judged.under == Versions::of(&app.mesh)).then_some(judged.workload)
}

/// Who shows this chain, judged against the bundle, the records and the authorities of this moment.
pub(super) async fn workload(app: &Arc<App>, chain: Arc<[CertificateDer<'static>]>, digest: Digest) -> Result<Arc<Workload>, AuthenticationError> {
    let mesh = Arc::clone(&app.mesh);
    let now = mesh.clock().now();
    let judged = tokio::task::spawn_blocking(move || judge(&mesh, &chain, now)).await;
    let (judged, last_second) = judged.map_err(|_| AuthenticationError::Stopping)??;
    app.recent.chains.put(digest, judged.clone(), now, last_second);
    Ok(judged.workload)
}

/// The verdict, and the last second in which all of the path is valid.
fn judge(mesh: &Mesh, chain: &[CertificateDer<'static>], now: Timestamp) -> Result<(Judged, Timestamp), AuthenticationError> {
    // Before anything is looked at: what changes meanwhile makes the verdict worth nothing to later requests.
    let under = Versions::of(mesh);
    let snapshot = mesh.now();
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
    let workload = Workload { id: svid.id().clone(), cluster: cluster.clone(), since: row.since, position: row.position };
    Ok((Judged { workload: Arc::new(workload), under }, svid.not_after()))
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
