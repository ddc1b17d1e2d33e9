//! Each CA certificate on the way from the signing CA to the root, and how it fits the one above.

mod usage;

use der::Decode;
use x509_cert::spki::AlgorithmIdentifierRef;

use super::path::{Link, Place, key_ids_differ};
use super::{CANNOT_VERIFY, Finding, file_of};
use crate::istio::files::Reading;
use crate::key::KeyAlgorithm;
use crate::time::{Timestamp, humanize};
use crate::x509::wire::CertRef;
use crate::x509::{Certificate, extension as ext};

const MAKE_AGAIN: &str = "make the certificate again";

pub(super) fn check(links: &[Link<'_>], reading: &Reading<'_>, now: Timestamp, findings: &mut Vec<Finding>) {
    for (height, link) in links.iter().enumerate() {
        let file = file_of(link, reading);
        let cert = link.cert;
        findings.extend(validity(cert, file, now));
        findings.extend(usage::authority(link, file, height));
        findings.extend(usage::key_usage(link, file, height));
        findings.extend(usage::extended(cert, file));
        findings.extend(usage::path_length(cert, file, height));
        findings.extend(signature(link, file));
        findings.extend(extensions(link, file));
        findings.extend(name(cert, file));
        if cert.public_key().algorithm() == KeyAlgorithm::Ed25519 && link.place == Place::Signing {
            findings.push(Finding::hurts(
                "istio.ed25519_ca",
                file,
                format!("{} has an Ed25519 key: istiod signs with it, yet many TLS libraries do not verify such signatures", cert.subject()),
                "use ECDSA P-256",
            ));
        }
        if height == 0 && cert.subject_key_id().is_none() {
            findings.push(Finding::hurts(
                "istio.no_subject_key_id",
                file,
                format!(
                    "{} has no subjectKeyIdentifier: leaves cannot say which key signed them, and strict verifiers refuse the CA",
                    cert.subject()
                ),
                "make the certificate again with a subjectKeyIdentifier (RFC 5280 §4.2.1.2)",
            ));
        }
    }
    for pair in links.windows(2) {
        if let [below, above] = pair {
            findings.extend(step(below.cert, above.cert, file_of(below, reading)));
        }
    }
    findings.extend(look_alikes(links, reading));
}

fn validity(cert: &Certificate, file: &'static str, now: Timestamp) -> Option<Finding> {
    let validity = cert.validity();
    let who = cert.subject();
    let says = |what: &str, at: Timestamp| format!("{CANNOT_VERIFY}certificate has expired or is not yet valid: current time {now} is {what} {at}");
    if now > validity.not_after {
        let message = format!("{who} expired at {}, {} ago", validity.not_after, humanize(now.since(validity.not_after)));
        return Some(
            Finding::refused("istio.expired", file, message, "renew it, and with it what it signed").says(says("after", validity.not_after)),
        );
    }
    if now < validity.not_before {
        let message = format!("{who} is valid only from {}, in {}", validity.not_before, humanize(validity.not_before.since(now)));
        return Some(
            Finding::refused("istio.not_yet_valid", file, message, "wait, or set the clock right").says(says("before", validity.not_before)),
        );
    }
    None
}

/// The algorithms that Go refuses, by their OIDs, and how Go calls them.
const INSECURE: [(&str, &str); 6] = [
    ("1.2.840.113549.1.1.5", "SHA1-RSA"),
    ("1.3.14.3.2.29", "SHA1-RSA"),
    ("1.2.840.10045.4.1", "ECDSA-SHA1"),
    ("1.2.840.113549.1.1.4", "MD5-RSA"),
    ("1.2.840.113549.1.1.2", "MD2-RSA"),
    ("1.2.840.10040.4.3", "DSA-SHA1"),
];

fn signature(link: &Link<'_>, file: &'static str) -> Option<Finding> {
    let cert = link.cert;
    if cert.signature_algorithm().is_some() {
        return None;
    }
    let who = cert.subject();
    let parsed = CertRef::parse(cert.der()).ok()?;
    let oid =
        AlgorithmIdentifierRef::from_der(parsed.signature_algorithm).map_or_else(|_| "unreadable".to_owned(), |algorithm| algorithm.oid.to_string());
    let insecure = INSECURE.iter().find(|(known, _)| *known == oid).map(|(_, name)| *name);
    let name = insecure.unwrap_or(&oid);
    if link.place == Place::Root || cert.is_self_issued() {
        // Nobody verifies the signature of a trust anchor.
        let message = format!("the root {who} is signed with {name}; nobody verifies that signature, but scanners complain");
        return Some(Finding::hurts("istio.root_signature", file, message, "use a root signed with SHA-256 when it is replaced"));
    }
    Some(match insecure {
        Some(name) => Finding::refused("istio.weak_signature", file, format!("{who} is signed with {name}, which is broken"), "sign it again with SHA-256")
            .says(format!("{CANNOT_VERIFY}certificate signed by unknown authority (possibly because of \"x509: cannot verify signature: insecure algorithm {name}\" …)")),
        None => Finding::breaks(
            "istio.unknown_signature",
            file,
            format!("{who} is signed with {name}, which the TLS libraries of a mesh do not all verify"),
            "sign it again with ECDSA or RSA PKCS#1 v1.5 and SHA-256, SHA-384 or SHA-512",
        ),
    })
}

/// Extensions that Go cannot parse, and critical ones that it does not know.
fn extensions(link: &Link<'_>, file: &'static str) -> Vec<Finding> {
    let cert = link.cert;
    const CERTIFICATE_POLICIES: der::asn1::ObjectIdentifier = der::asn1::ObjectIdentifier::new_unwrap("2.5.29.32");
    let Ok(parsed) = CertRef::parse(cert.der()) else { return Vec::new() };
    let who = cert.subject();
    let mut findings = Vec::new();
    let mut seen = Vec::new();
    for extension in &parsed.tbs.extensions {
        let oid = extension.oid;
        let readable = match oid {
            ext::BASIC_CONSTRAINTS => cert.basic_constraints().is_some(),
            ext::KEY_USAGE => cert.key_usage().is_some(),
            ext::EXTENDED_KEY_USAGE => cert.extended_key_usage().is_some(),
            ext::SUBJECT_ALT_NAME => cert.alt_names().is_some(),
            ext::SUBJECT_KEY_IDENTIFIER => ext::subject_key_identifier(extension.value).is_ok(),
            ext::AUTHORITY_KEY_IDENTIFIER => ext::authority_key_identifier(extension.value).is_ok(),
            _ => true,
        };
        if !readable || seen.contains(&oid) {
            let what = if readable { "stands in it twice" } else { "is malformed" };
            let message = format!("{who}: the extension {oid} {what}");
            // Of the other files istiod leaves such a certificate out and misses it afterwards.
            let says = if link.place == Place::Signing {
                "failed to parse cert PEM: failed to parse X.509 certificate".into()
            } else {
                format!("{CANNOT_VERIFY}certificate signed by unknown authority")
            };
            findings.push(Finding::refused("istio.bad_extension", file, message, MAKE_AGAIN).says(says));
            break;
        }
        seen.push(oid);
        let known =
            [ext::BASIC_CONSTRAINTS, ext::KEY_USAGE, ext::EXTENDED_KEY_USAGE, ext::SUBJECT_ALT_NAME, ext::NAME_CONSTRAINTS, CERTIFICATE_POLICIES];
        if extension.critical && !known.contains(&oid) {
            let message = format!("{who} has the critical extension {oid}, which verifiers do not know and so must refuse");
            findings.push(
                Finding::refused("istio.critical_extension", file, message, "make the certificate again without it")
                    .says(format!("{CANNOT_VERIFY}unhandled critical extension")),
            );
        }
    }
    findings
}

fn name(cert: &Certificate, file: &'static str) -> Option<Finding> {
    cert.subject().is_empty().then(|| {
        Finding::hurts(
            "istio.empty_subject",
            file,
            "the subject of a CA certificate is empty: strict verifiers refuse it, and as workloads' subjects are empty too, their certificates seem self-issued",
            "give every CA a name of its own (RFC 5280 §4.1.2.6)",
        )
    })
}

/// How a certificate fits the one that signed it.
fn step(below: &Certificate, above: &Certificate, file: &'static str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if key_ids_differ(below, above) {
        findings.push(Finding::breaks(
            "istio.key_ids_differ",
            file,
            format!(
                "the authorityKeyIdentifier of {} is not the subjectKeyIdentifier of {}: Go looks at the signature, Envoy does not find the issuer",
                below.subject(),
                above.subject()
            ),
            "sign the certificate again with the right key identifier",
        ));
    }
    let (dies, issuer_dies) = (below.validity().not_after, above.validity().not_after);
    if dies > issuer_dies {
        findings.push(Finding::hurts(
            "istio.outlives_issuer",
            file,
            format!(
                "{} is valid until {dies}, {} longer than its issuer {}: it looks healthy when nothing under it is trusted any more",
                below.subject(),
                humanize(dies.since(issuer_dies)),
                above.subject()
            ),
            "make it end no later than its issuer",
        ));
    }
    findings
}

/// Different keys under one name on one path.
fn look_alikes(links: &[Link<'_>], reading: &Reading<'_>) -> Option<Finding> {
    links.iter().enumerate().find_map(|(height, link)| {
        let cert = link.cert;
        let other = links
            .iter()
            .skip(height.saturating_add(1))
            .find(|above| above.cert.subject() == cert.subject() && above.cert.public_key() != cert.public_key() && !cert.subject().is_empty())?;
        let message = format!("it has the name of a CA above it, {}, and another key", other.cert.subject());
        let remedy = "give every CA a name of its own";
        let file = file_of(link, reading);
        // OpenSSL and BoringSSL take a certificate for self-signed when both names are equal and no identifier objects.
        let told_apart = matches!((cert.authority_key_id(), cert.subject_key_id()), (Some(signer), Some(own)) if signer != own);
        Some(if told_apart {
            let message = format!("{message}: only key identifiers tell them apart, and istiod's check of CRLs looks at the name alone");
            Finding::hurts("istio.same_subject", file, message, remedy)
        } else {
            let message = format!("{message}, and no key identifier tells them apart: Envoy takes it for self-signed and refuses it");
            Finding::breaks("istio.same_subject", file, message, remedy)
        })
    })
}
