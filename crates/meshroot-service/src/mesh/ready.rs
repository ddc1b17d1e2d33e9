//! Whether certificates can be issued: tried, not guessed.

use std::time::Duration;

use super::Mesh;

/// The shortest leaf that is handed out; a CA with less left cannot issue it.
const SHORTEST_LEAF: Duration = Duration::from_secs(300);

/// A message that no certificate is: what is signed here is of no use to anybody.
const MESSAGE: &[u8] = b"meshroot readiness check, not a certificate";

/// Every issuing CA is valid long enough and makes a signature that verifies, and the store takes writes.
pub(crate) fn check(mesh: &Mesh) -> Result<(), String> {
    let now = mesh.clock().now();
    mesh.published().map_err(|e| e.to_string())?;
    let snapshot = mesh.now();
    if snapshot.trust_domains().is_empty() {
        return Err("the store holds no trust domain".into());
    }
    for domain in snapshot.trust_domains() {
        if let Some((cluster, why)) = domain.unable.first() {
            return Err(format!("the cluster '{cluster}' cannot issue: {why}"));
        }
        for (cluster, ca) in domain.issuers() {
            let validity = ca.issuer.path().validity();
            if now < validity.not_before {
                return Err(format!("the clock says {now}, before the CA of '{cluster}' becomes valid at {}", validity.not_before));
            }
            if now.plus(SHORTEST_LEAF) > validity.not_after {
                return Err(format!("the CA of '{cluster}', or one above it, expires at {}", validity.not_after));
            }
            ca.try_out(mesh.crypto(), MESSAGE).map_err(|e| format!("the CA of '{cluster}' cannot sign: {e}"))?;
        }
    }
    mesh.store().check_writable().map_err(|e| e.to_string())
}
