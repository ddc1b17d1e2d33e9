//! Real certificates of workloads.

use crate::lint::Severity;
use crate::time::humanize;

use super::{Mesh, Warning};

pub(super) fn warn(mesh: &Mesh<'_>, warnings: &mut Vec<Warning>) {
    for site in mesh.sites {
        for sent in &site.sent {
            let Some(leaf) = sent.certificates.first() else { continue };
            let validity = leaf.validity();
            let (lifetime, left) = (validity.not_after.since(validity.not_before), validity.remaining(mesh.now));
            // Agents and ztunnel renew at half the lifetime; with a fifth left that has failed again and again.
            if validity.contains(mesh.now) && left.saturating_mul(5) < lifetime {
                let message = format!(
                    "the certificate expires at {}, in {}: it should have been renewed at half its lifetime",
                    validity.not_after,
                    humanize(left)
                );
                let remedy = "look at the agent's log: it cannot reach its CA, or is refused";
                warnings.push(Warning::new(Severity::Warning, "doctor.not_renewed", message, remedy).at(sent.source.clone()).of([&site.name]));
            }
        }
    }
}
