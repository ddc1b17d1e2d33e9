//! Keeping CRLs current, and taking over what other processes revoke.

use std::sync::Arc;
use std::time::Duration;

use tracing::{error, info};

use crate::mesh::{Mesh, MeshError, Told};

/// How often the store is asked whether another process revoked something: how long another replica takes to refuse a
/// revoked certificate.
const REFRESH: Duration = Duration::from_secs(1);

/// Once, before anything is served: the CRLs are there from the first request on. What does not work now is tried again by
/// [`keep`], and must not keep a service from starting.
pub(crate) fn keep_once(mesh: &Mesh) {
    let mut spoken = String::new();
    tell(mesh.keep_revocations(), &mut spoken);
}

/// For as long as the service runs.
pub(crate) async fn keep(mesh: Arc<Mesh>) {
    let mut spoken = String::new();
    loop {
        tokio::time::sleep(REFRESH).await;
        let mesh = Arc::clone(&mesh);
        match tokio::task::spawn_blocking(move || mesh.keep_revocations()).await {
            Ok(told) => tell(told, &mut spoken),
            Err(e) => error!(error = %e, "keeping the CRLs failed"),
        }
    }
}

/// Says what was done, and what could not be done once, not every second.
fn tell(told: Result<Told, MeshError>, spoken: &mut String) {
    let fault = match told {
        Ok(told) => {
            for made in &told.crls {
                let number = made.crl.number().map(ToString::to_string).unwrap_or_default();
                info!(authority = %made.authority, number, entries = made.crl.len(), "a CRL was made");
            }
            told.untold.iter().map(|(authority, why)| format!("the CRL of '{authority}' could not be made: {why}")).collect::<Vec<_>>().join("; ")
        }
        Err(e) => format!("{e} [{}]", e.code()),
    };
    if !fault.is_empty() && fault != *spoken {
        error!(fault, "CRLs could not be kept current; those before are served on");
    }
    *spoken = fault;
}
