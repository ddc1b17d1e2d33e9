//! Who has seen a later bundle than the one that is published here: then the store has forgotten it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::{Extension, FromRequestParts};
use axum::http::{HeaderMap, Request};
use meshroot::revocation::CrlSet;
use meshroot::spiffe::TrustDomain;
use meshroot_store::Seen;
use tracing::{error, warn};

use super::App;
use crate::caller::Caller;
use crate::net::Peer;

/// How many workloads have to say so. One alone may lie, and would stop every cluster's CA; an administrator may do that.
const WORKLOADS: usize = 3;

/// The most identities that are remembered: more are not needed.
const REMEMBERED: usize = 16;

/// Numbers beyond are no number of ours: a change adds one, and a restoration jumps to the seconds since 1970.
const GREATEST: u64 = 1 << 48;

/// Who has said so until now.
#[derive(Debug, Default)]
pub(crate) struct Witnesses(Mutex<BTreeSet<String>>);

impl Witnesses {
    /// Adds one, and answers whether there are enough.
    fn add(&self, name: String) -> bool {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() < REMEMBERED {
            names.insert(name);
        }
        names.len() >= WORKLOADS
    }

    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Weighs a claim. What a stranger says counts for nothing.
pub(super) async fn weigh(app: &Arc<App>, trust_domain: &str, sequence: u64, headers: &HeaderMap, peer: Option<Extension<Peer>>) {
    if sequence > GREATEST || app.mesh.standing().older.is_some() {
        return;
    }
    let Ok(trust_domain) = TrustDomain::parse(trust_domain) else { return };
    let Some((by, enough)) = witness(app, headers, peer).await else { return };
    warn!(%trust_domain, sequence, by, "somebody has seen a later bundle than the one that is published here");
    if !enough {
        return;
    }
    let seen = Seen { trust_domain, sequence, by, at: app.mesh.clock().now() };
    let mesh = Arc::clone(&app.mesh);
    let noted = tokio::task::spawn_blocking(move || mesh.store().doubt(&seen).map(|is| (is, mesh.refresh().is_ok()))).await;
    match noted {
        Ok(Ok((true, _))) => {
            error!("the store is an older copy: nothing is published or issued until an administrator says `meshroot store restored`")
        }
        Ok(Ok((false, _))) | Err(_) => {}
        Ok(Err(e)) => error!(code = e.code(), error = %e, "that the store is an older copy could not be noted"),
    }
}

/// Who says it, and whether that is enough.
async fn witness(app: &Arc<App>, headers: &HeaderMap, peer: Option<Extension<Peer>>) -> Option<(String, bool)> {
    let mut request = Request::new(Body::empty());
    *request.headers_mut() = headers.clone();
    let chain = peer.as_ref().and_then(|Extension(peer)| peer.chain.clone());
    if let Some(Extension(peer)) = peer {
        request.extensions_mut().insert(peer);
    }
    let (mut parts, _) = request.into_parts();
    match Caller::from_request_parts(&mut parts, app).await {
        Ok(Caller::Administrator { name }) => Some((name, true)),
        Ok(Caller::Workload(workload)) => {
            let name = workload.id.to_string();
            Some((name.clone(), app.witnesses.add(name)))
        }
        // A certificate of our own CA that is not on record is just what a store has forgotten that was put back.
        _ => {
            let svid = app.mesh.now().validator.validate(&chain?, &CrlSet::empty(), app.mesh.clock().now()).ok()?;
            let name = svid.id().to_string();
            Some((name.clone(), app.witnesses.add(name)))
        }
    }
}
