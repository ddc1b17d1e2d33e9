//! What a CA certificate says it may be used for.

use super::super::path::{Link, Place};
use super::super::{CANNOT_VERIFY, Finding};
use crate::x509::wire::CertRef;
use crate::x509::{Certificate, KeyUsage};

/// basicConstraints. The signing CA stands at height 0.
pub(super) fn authority(link: &Link<'_>, file: &'static str, height: usize) -> Option<Finding> {
    let cert = link.cert;
    if cert.is_ca() {
        return None;
    }
    let who = cert.subject();
    let remedy = "use a certificate with basicConstraints CA:TRUE";
    if height == 0 {
        let message = format!("{who} is no CA certificate: basicConstraints does not say CA:TRUE");
        return Some(Finding::refused("istio.not_a_ca", file, message, remedy).says("certificate is not authorized to sign other certificates"));
    }
    if link.place == Place::Root && CertRef::parse(cert.der()).is_ok_and(|parsed| parsed.tbs.version == 0) {
        let message = format!("the root {who} is a certificate of version 1, which cannot say that it is a CA: strict verifiers refuse it");
        return Some(Finding::hurts("istio.root_version_1", file, message, "use a root of version 3 when it is replaced"));
    }
    let message = format!("{who} signed a CA certificate and is no CA itself: basicConstraints does not say CA:TRUE");
    Some(Finding::refused("istio.issuer_not_a_ca", file, message, remedy).says(format!(
        "{CANNOT_VERIFY}certificate signed by unknown authority (possibly because of \"x509: invalid signature: parent certificate cannot sign this kind of certificate\" …)"
    )))
}

/// keyUsage: Go asks the issuers for keyCertSign, and of the signing CA itself nothing.
pub(super) fn key_usage(link: &Link<'_>, file: &'static str, height: usize) -> Option<Finding> {
    let cert = link.cert;
    let who = cert.subject();
    let Some(usage) = cert.key_usage() else {
        return cert.is_ca().then(|| {
            let message = format!("{who} has no keyUsage, which strict verifiers want of a CA");
            Finding::hurts("istio.no_key_usage", file, message, "make it again with keyUsage keyCertSign and cRLSign (RFC 5280 §4.2.1.3)")
        });
    };
    if !usage.contains(KeyUsage::KEY_CERT_SIGN) {
        let message = format!("the keyUsage of {who} is {usage}: without keyCertSign no verifier accepts a certificate that it signs");
        let remedy = "make it again with keyUsage keyCertSign and cRLSign";
        return Some(if height == 0 {
            let message = format!("{message}; istiod's own is the first, so nobody even reaches it");
            Finding::breaks("istio.no_key_cert_sign", file, message, remedy)
        } else {
            Finding::refused("istio.no_key_cert_sign", file, message, remedy).says(format!(
                "{CANNOT_VERIFY}certificate signed by unknown authority (possibly because of \"x509: invalid signature: parent certificate cannot sign this kind of certificate\" …)"
            ))
        });
    }
    (!usage.contains(KeyUsage::CRL_SIGN)).then(|| {
        let message = format!("the keyUsage of {who} is {usage}: without cRLSign nothing under it can ever be revoked by Istio's CRLs");
        Finding::hurts("istio.no_crl_sign", file, message, "add cRLSign when the CA is replaced")
    })
}

/// extKeyUsage of a CA limits everything below it, in Go, BoringSSL and webpki alike.
pub(super) fn extended(cert: &Certificate, file: &'static str) -> Option<Finding> {
    let usage = cert.extended_key_usage()?;
    let who = cert.subject();
    let remedy = "make it again without extKeyUsage, or with both serverAuth and clientAuth";
    if !usage.server_auth && !usage.any {
        let message = format!("the extKeyUsage of {who} has no serverAuth: no server under it is trusted, istiod included");
        return Some(
            Finding::refused("istio.eku_without_server_auth", file, message, remedy)
                .says(format!("{CANNOT_VERIFY}certificate specifies an incompatible key usage")),
        );
    }
    // Go takes anyExtendedKeyUsage for all of them; BoringSSL and webpki look for the purpose itself.
    (!usage.server_auth || !usage.client_auth).then(|| {
        let missing = if usage.server_auth { "clientAuth" } else { "serverAuth" };
        let message = format!("the extKeyUsage of {who} does not name {missing}: Envoy and ztunnel refuse one side of every mutual TLS handshake");
        Finding::breaks("istio.eku_incomplete", file, message, remedy)
    })
}

/// pathLenConstraint: at height 1 a CA has one CA below it, and that one signs the leaves.
pub(super) fn path_length(cert: &Certificate, file: &'static str, height: usize) -> Option<Finding> {
    let allowed = usize::from(cert.basic_constraints()?.path_len?);
    let who = cert.subject();
    let remedy = "make it again with a larger pathLenConstraint, or have a higher CA sign";
    if allowed >= height {
        return None;
    }
    let message = format!("{who} allows {allowed} CAs below it (pathLenConstraint), and there are {height}");
    // At load the signing certificate itself counts as the leaf, so Go sees one CA less than there will be.
    Some(if allowed < height.saturating_sub(1) {
        Finding::refused("istio.path_length", file, message, remedy).says(format!("{CANNOT_VERIFY}too many intermediates for path length constraint"))
    } else {
        Finding::breaks("istio.path_length", file, format!("{message}: every workload's certificate is refused"), remedy)
    })
}
