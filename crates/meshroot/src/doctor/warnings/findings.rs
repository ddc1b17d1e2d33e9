//! What `istio::check` says about each set, but for what is said here about all sets at once.

use crate::istio::Severity as Bad;
use crate::lint::Severity;

use super::{Mesh, Warning};

/// Findings about CA certificates and CRLs that come once for all clusters, from other files of this module.
const SAID_ELSEWHERE: [&str; 9] = [
    "istio.crl_expired",
    "istio.ed25519_ca",
    "istio.no_crl_sign",
    "istio.no_key_cert_sign",
    "istio.no_key_usage",
    "istio.other_root_not_a_ca",
    "istio.other_root_not_valid",
    "istio.roots_share_a_name",
    "istio.uri_name_constraint",
];

pub(super) fn warn(mesh: &Mesh<'_>, warnings: &mut Vec<Warning>) {
    for site in mesh.sites {
        for (source, finding) in site.findings.iter().filter(|(_, finding)| !SAID_ELSEWHERE.contains(&finding.code)) {
            let severity = if finding.severity == Bad::Hurts { Severity::Warning } else { Severity::Error };
            let mut message = finding.message.clone();
            if let Some(says) = &finding.istiod_says {
                message = format!("{message}. istiod says: {says}");
            }
            let warning = Warning::new(severity, finding.code, message, finding.remedy.clone());
            warnings.push(warning.at(format!("{source}: {}", finding.file)).of([&site.name]));
        }
    }
}
