use super::Finding;
use super::path::{Link, Place};
use crate::istio::files::Reading;
use crate::x509::Certificate;

/// What goes along with every leaf: a peer that has only the root must be able to climb to it.
///
/// istiod verifies the signing certificate itself, so it never notices when the chain lacks that certificate.
pub(super) fn check(links: &[Link<'_>], reading: &Reading<'_>, chain: &[Certificate], roots: &[Certificate], findings: &mut Vec<Finding>) {
    let Some(ca) = links.first().map(|link| link.cert) else { return };
    if reading.chain.bytes.is_none() {
        return;
    }
    let file = reading.chain.name;
    let is_root = roots.contains(ca);
    if !is_root && !chain.contains(ca) {
        let what = match chain {
            [] => "no certificate is in it".to_owned(),
            _ if chain.iter().all(|cert| roots.contains(cert)) => "only roots are in it".to_owned(),
            [first, ..] => format!("it is another CA's: it begins with {} and does not contain {}", first.subject(), ca.subject()),
        };
        findings.push(Finding::breaks(
            "istio.chain_without_ca",
            file,
            format!("{what}: leaves and istiod's own certificate go out without the signing CA's, and no peer finds the way to the root"),
            format!("put the signing certificate first, then its issuers upwards: {}", order(links)),
        ));
        return;
    }
    // What the chain should hold at least, in this order.
    let wanted: Vec<_> = links.iter().filter(|link| link.place != Place::Root).map(|link| link.cert).collect();
    let found: Vec<_> = chain.iter().filter(|cert| wanted.contains(cert)).collect();
    let in_order = is_root || chain.first() == Some(ca) && found.iter().zip(&wanted).all(|(a, b)| **a == **b);
    if !in_order {
        findings.push(Finding::hurts(
            "istio.chain_order",
            file,
            format!(
                "the certificates are not in the order of TLS: the signing certificate, {}, has to come first, then its issuers upwards",
                ca.subject()
            ),
            format!("order them: {}", order(links)),
        ));
    }
    // A cross-signed certificate of a CA or root that is known helps peers which trust the other signer.
    let related = |cert: &Certificate| {
        links.iter().map(|link| link.cert).chain(roots).any(|known| known.public_key() == cert.public_key() && known.subject() == cert.subject())
    };
    for stranger in chain.iter().filter(|cert| !related(cert)) {
        findings.push(Finding::hurts(
            "istio.chain_stranger",
            file,
            format!("{} is not on the way from the signing CA to a root, and goes out with every certificate", stranger.subject()),
            "remove it from the chain",
        ));
    }
}

fn order(links: &[Link<'_>]) -> String {
    let names: Vec<_> = links.iter().filter(|link| link.place != Place::Root).map(|link| link.cert.subject().to_string()).collect();
    names.join(" ← ")
}
