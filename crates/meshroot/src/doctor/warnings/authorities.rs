//! Each CA certificate of the mesh, once.

use std::collections::BTreeSet;

use crate::key::KeyAlgorithm;
use crate::lint::Severity;
use crate::time::{Timestamp, humanize};
use crate::x509::{Certificate, KeyUsage};

use super::{Mesh, Warning, constraints};

/// 1990-01-01T00:00:00Z: before there was X.509 version 3 nobody made such a certificate on purpose.
const LONG_AGO: Timestamp = Timestamp::from_unix(631_152_000);
/// 9000-01-01: nobody means a date like that.
const NEVER: Timestamp = Timestamp::from_unix(221_845_392_000);

/// A certificate and what it is to whom.
struct Ca<'a> {
    certificate: &'a Certificate,
    sites: BTreeSet<usize>,
    signs: bool,
    root: bool,
}

pub(super) fn warn(mesh: &Mesh<'_>, warnings: &mut Vec<Warning>) {
    for ca in all(mesh) {
        let places: Vec<usize> = ca.sites.iter().copied().collect();
        let source = mesh.places.of(ca.certificate, &places);
        let found = usage(&ca).into_iter().chain(key(&ca)).chain(dates(&ca, mesh)).chain(shape(&ca));
        warnings.extend(found.map(|warning| warning.at(source.clone()).of(mesh.names(ca.sites.iter().copied()))));
    }
}

fn all<'a>(mesh: &'a Mesh<'_>) -> Vec<Ca<'a>> {
    let mut by_der: std::collections::HashMap<&[u8], usize> = std::collections::HashMap::new();
    let mut found: Vec<Ca<'a>> = Vec::new();
    for (at, site) in mesh.sites.iter().enumerate() {
        let bundles = site.map.iter().flat_map(crate::bundle::BundleMap::iter).flat_map(|(_, bundle)| bundle.x509_authorities());
        let signing = site.signing.iter().map(|certificate| (certificate, true, false));
        let chain = site.chain.iter().map(|certificate| (certificate, false, false));
        let roots = site.roots().iter().chain(bundles).map(|certificate| (certificate, false, true));
        for (certificate, signs, root) in signing.chain(chain).chain(roots) {
            let index = *by_der.entry(certificate.der()).or_insert_with(|| {
                found.push(Ca { certificate, sites: BTreeSet::new(), signs: false, root: false });
                found.len().saturating_sub(1)
            });
            if let Some(ca) = found.get_mut(index) {
                ca.sites.insert(at);
                ca.signs |= signs;
                ca.root |= root;
            }
        }
    }
    found
}

fn usage(ca: &Ca<'_>) -> Vec<Warning> {
    let (certificate, who) = (ca.certificate, ca.certificate.subject());
    let mut found = Vec::new();
    if !certificate.is_ca() {
        let message = format!("{who} is used as a CA and is none: basicConstraints does not say CA:TRUE");
        found.push(Warning::new(Severity::Error, "doctor.not_a_ca", message, "use a CA certificate"));
        return found;
    }
    match certificate.key_usage() {
        None => found.push(Warning::new(
            Severity::Warning,
            "doctor.no_key_usage",
            format!("the CA {who} has no keyUsage: strict verifiers refuse it"),
            "make it again with keyUsage keyCertSign and cRLSign (RFC 5280 §4.2.1.3)",
        )),
        Some(usage) if !usage.contains(KeyUsage::KEY_CERT_SIGN) => found.push(Warning::new(
            Severity::Error,
            "doctor.no_key_cert_sign",
            format!("the CA {who} may not sign certificates (keyUsage {usage}): no verifier accepts what it signs, while istiod is ready and looks healthy"),
            "make it again with keyUsage keyCertSign and cRLSign",
        )),
        Some(usage) if !usage.contains(KeyUsage::CRL_SIGN) => found.push(Warning::new(
            Severity::Warning,
            "doctor.no_crl_sign",
            format!("the CA {who} may not sign CRLs (keyUsage {usage}): one ca-crl.pem in a cluster, and nothing under it is accepted there"),
            "add cRLSign when it is replaced, and use no CRLs until then",
        )),
        Some(_) => {}
    }
    if ca.signs && !ca.root && certificate.basic_constraints().is_some_and(|constraints| constraints.path_len.is_none()) {
        let message = format!("the CA {who} has no pathLenConstraint: whoever has its key can make further CAs");
        found.push(Warning::new(Severity::Notice, "doctor.no_path_length", message, "make the next one with pathLenConstraint 0"));
    }
    found
}

fn key(ca: &Ca<'_>) -> Option<Warning> {
    let who = ca.certificate.subject();
    match ca.certificate.public_key().algorithm() {
        algorithm @ KeyAlgorithm::Rsa(4096..) if !ca.root => {
            let message = format!(
                "the CA {who} has an {algorithm} key: istiod signs each leaf several times slower than with RSA-2048, and every handshake carries half a kilobyte more for each certificate it signed"
            );
            Some(Warning::new(Severity::Warning, "doctor.rsa_4096", message, "use ECDSA P-256 for the CA that signs workloads"))
        }
        KeyAlgorithm::EcdsaP384 => {
            let message = format!("the CA {who} has an ECDSA P-384 key: a verification costs several times that of P-256, in every handshake");
            Some(Warning::new(Severity::Notice, "doctor.p384", message, "use ECDSA P-256 unless a policy demands P-384"))
        }
        KeyAlgorithm::Ed25519 => {
            let message = format!("the CA {who} has an Ed25519 key: many TLS libraries of a mesh do not verify its signatures");
            Some(Warning::new(Severity::Warning, "doctor.ed25519", message, "use ECDSA P-256"))
        }
        _ => None,
    }
}

fn dates(ca: &Ca<'_>, mesh: &Mesh<'_>) -> Vec<Warning> {
    let (validity, who) = (ca.certificate.validity(), ca.certificate.subject());
    let what = if ca.root { "root" } else { "CA" };
    let mut found = Vec::new();
    if validity.not_before < LONG_AGO {
        let message = format!("the {what} {who} is valid from {} on: somebody's clock or software was wrong", validity.not_before);
        found.push(Warning::new(Severity::Warning, "doctor.odd_dates", message, "make it again with the right dates"));
    }
    if validity.not_after > NEVER {
        let message = format!("the {what} {who} is valid until {}: nobody will ever have practised replacing it", validity.not_after);
        found.push(Warning::new(Severity::Warning, "doctor.never_expires", message, "give it an end, and rotate before"));
    }
    if mesh.now > validity.not_after {
        // Of a signing CA the matrix speaks.
        let severity = if ca.signs { Severity::Error } else { Severity::Warning };
        let message = format!("the {what} {who} expired at {}: nothing under it is accepted", validity.not_after);
        found.push(Warning::new(severity, "doctor.expired", message, "renew it, or remove it if nothing uses it any more"));
    } else if mesh.now < validity.not_before {
        let message = format!("the {what} {who} is valid only from {} on, in {}", validity.not_before, humanize(validity.not_before.since(mesh.now)));
        found.push(Warning::new(Severity::Warning, "doctor.not_yet_valid", message, "wait with it, or set the clock right"));
    } else if validity.remaining(mesh.now) < mesh.settings.horizon {
        let message = format!("the {what} {who} expires at {}, in {}", validity.not_after, humanize(validity.remaining(mesh.now)));
        let remedy = if ca.root {
            "rotate now: publish a new root everywhere, then sign the CAs under it, then take the old one away"
        } else {
            "renew it now: leaves get shorter and shorter before it ends"
        };
        found.push(Warning::new(Severity::Warning, "doctor.expires_soon", message, remedy));
    }
    found
}

fn shape(ca: &Ca<'_>) -> Vec<Warning> {
    let (certificate, who) = (ca.certificate, ca.certificate.subject());
    let mut found = Vec::new();
    if let Some(limits) = constraints::on_uris(certificate) {
        let message = format!(
            "the CA {who} limits the URIs below it ({limits}): rustls, and with it ztunnel, refuses every SPIFFE ID under such a limit, Go and Envoy read it differently"
        );
        found.push(Warning::new(Severity::Warning, "doctor.uri_constraint", message, "do without it where ambient mode or rustls is used"));
    }
    if certificate.signature_algorithm().is_none() && !certificate.is_self_issued() {
        let message = format!("the CA {who} is signed with an algorithm that is unknown or too weak (SHA-1, MD5)");
        found.push(Warning::new(Severity::Error, "doctor.weak_signature", message, "have it signed again with SHA-256"));
    }
    if ca.signs && certificate.is_self_issued() {
        let message = format!(
            "the CA {who} is a root that signs workloads itself: its key is online, and it can be replaced only by telling everybody about a new root"
        );
        let remedy = "make one root, keep its key offline, and give each cluster a CA under it: meshroot quickstart";
        found.push(Warning::new(Severity::Warning, "doctor.self_signed", message, remedy));
    }
    found
}
