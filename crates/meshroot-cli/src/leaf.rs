//! Issuing for a workload or a server: the part that `sign`, `svid` and `istio istiod-tls` share.

use meshroot::issue::{Authorized, Issuer};
use meshroot::profile::Profile;
use meshroot::spiffe::SpiffeId;
use meshroot_store::{Issuance, Recorded};
use serde_json::{Value, json};

use crate::exit::{Failure, Result};
use crate::mesh::Mesh;
use crate::session::Session;
use crate::tree;

/// The SPIFFE ID of `--id`.
pub(crate) fn id(text: &str) -> Result<SpiffeId> {
    SpiffeId::parse(text).map_err(|e| Failure::from(e).at(format_args!("--id '{}'", text.escape_debug())))
}

/// What issues for the cluster of `--cluster`, unlocked.
pub(crate) fn issuer(session: &Session<'_>, mesh: &Mesh, cluster: &str) -> Result<Issuer> {
    let name = mesh.cluster(cluster)?;
    mesh.issuer(session, &mesh.unlock(session)?, &name)
}

/// Issues and records. Only what is recorded comes out, and says if its lifetime was cut.
pub(crate) fn issue(session: &Session<'_>, mesh: &Mesh, cluster: &str, issuer: &Issuer, grant: Authorized, profile: &Profile) -> Result<Recorded> {
    let issued = issuer.issue(grant, profile, session.crypto.entropy(), session.now)?;
    let (authority, _) = mesh.cluster_ca(&mesh.cluster(cluster)?)?;
    let recorded = mesh.store.record_one(Issuance {
        issued,
        trust_domain: mesh.trust_domain().clone(),
        authority: authority.id().clone(),
        kind: profile.kind().to_string(),
        caller: "operator".into(),
        at: session.now,
        since: session.now,
    })?;
    if let Some(cut) = recorded.lifetime_cut() {
        tree::say_cut(session.out, "the certificate", cut);
    }
    Ok(recorded)
}

/// The certificate for machines.
pub(crate) fn document(id: &SpiffeId, cluster: &str, recorded: &Recorded) -> Value {
    let cut = recorded.lifetime_cut().map(|cut| {
        json!({
            "asked_seconds": cut.asked.as_secs(),
            "got_seconds": cut.got.as_secs(),
            "by": cut.by.to_string(),
            "until": cut.until.to_string(),
            "reason": cut.to_string(),
        })
    });
    json!({
        "id": id.as_str(),
        "cluster": cluster,
        "serial": recorded.serial().to_string(),
        "not_before": recorded.validity().not_before.to_string(),
        "not_after": recorded.validity().not_after.to_string(),
        "lifetime_cut": cut,
        "record": recorded.position(),
        "chain": recorded.chain_pem(),
    })
}
