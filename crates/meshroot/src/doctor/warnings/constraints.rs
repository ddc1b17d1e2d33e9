use der::Decode;
use x509_cert::ext::pkix::NameConstraints;
use x509_cert::ext::pkix::name::GeneralName;

use crate::x509::wire::CertRef;
use crate::x509::{Certificate, extension as ext};

/// Limits that are shown.
const SHOWN: usize = 5;

/// The limits on URIs in a CA's nameConstraints (RFC 5280 §4.2.1.10), in words.
pub(super) fn on_uris(certificate: &Certificate) -> Option<String> {
    let parsed = CertRef::parse(certificate.der()).ok()?;
    let limits = NameConstraints::from_der(parsed.tbs.extension(ext::NAME_CONSTRAINTS)?.value).ok()?;
    let lists = [("permitted", limits.permitted_subtrees), ("excluded", limits.excluded_subtrees)];
    let said: Vec<String> = lists
        .iter()
        .flat_map(|(kind, list)| list.iter().flatten().map(move |subtree| (kind, &subtree.base)))
        .filter_map(|(kind, name)| match name {
            GeneralName::UniformResourceIdentifier(uri) => Some(format!("{kind} '{}'", uri.as_str().escape_debug())),
            _ => None,
        })
        .take(SHOWN)
        .collect();
    (!said.is_empty()).then(|| said.join(", "))
}
