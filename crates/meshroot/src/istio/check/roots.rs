use super::Finding;
use super::path::Link;
use crate::time::Timestamp;
use crate::x509::Certificate;

/// The roots that do not vouch for this signing CA: those of other clusters, of the past, or of the future.
pub(super) fn check(roots: &[Certificate], path: &[Link<'_>], file: &'static str, now: Timestamp, findings: &mut Vec<Finding>) {
    for root in roots.iter().filter(|root| !path.iter().any(|link| link.cert == *root)) {
        let who = root.subject();
        if !root.validity().contains(now) {
            let message = format!(
                "the root {who} is not valid now, only from {} to {}: nothing under it is trusted",
                root.validity().not_before,
                root.validity().not_after
            );
            findings.push(Finding::hurts("istio.other_root_not_valid", file, message, "remove it, or wait with it"));
        }
        if !root.is_ca() {
            let message = format!("{who} is no CA certificate, and stands among the roots");
            findings.push(Finding::hurts("istio.other_root_not_a_ca", file, message, "remove it: only CA certificates are roots (X509-SVID §4.1)"));
        }
    }
    // Sorted, so that a bundle of thousands costs no square.
    let mut by_name: Vec<_> = roots.iter().collect();
    by_name.sort_by(|a, b| a.subject().cmp(b.subject()));
    for pair in by_name.windows(2) {
        if let [a, b] = pair
            && a.subject() == b.subject()
            && a.public_key() != b.public_key()
        {
            findings.push(Finding::hurts(
                "istio.roots_share_a_name",
                file,
                format!("two roots with different keys are both called {}: verifiers may try the wrong one and report a bad signature", a.subject()),
                "give every CA a name of its own",
            ));
        }
    }
}
