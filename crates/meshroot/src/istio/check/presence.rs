use super::{CacertsFiles, Finding};
use crate::istio::files::{CA_CERT, CA_CRL, ISTIO_GENERATED, Reading, TLS_CA, TLS_CRT};

/// Which files are there (istiod: `checkCABundleCompleteness`, `detectSigningCABundleAndCRL`).
pub(super) fn check(files: &CacertsFiles, reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let missing = reading.missing();
    if files.is_empty() {
        findings.push(Finding::breaks(
            "istio.no_files",
            CA_CERT,
            "none of the files of a plug-in CA is there: istiod would make a CA of its own, which no other cluster trusts",
            "look for a folder or a Secret with ca-cert.pem, ca-key.pem, cert-chain.pem and root-cert.pem",
        ));
    } else if let Some(first) = missing.first() {
        let message = format!("the set is incomplete: {} is missing", missing.join(", "));
        findings.push(
            Finding::refused("istio.incomplete", first, message, "add what is missing, or remove all files")
                .says("incomplete signing CA bundle detected"),
        );
    }
    if files.istio_generated {
        findings.push(Finding::hurts(
            "istio.istio_generated",
            ISTIO_GENERATED,
            "the marker says that istiod made this CA for itself: with USE_CACERTS_FOR_SELF_SIGNED_CA it replaces the files when it likes",
            "leave the marker out of a set that comes from elsewhere",
        ));
    }
    if reading.kubernetes_tls {
        kubernetes_tls(files, findings);
    }
}

fn kubernetes_tls(files: &CacertsFiles, findings: &mut Vec<Finding>) {
    if files.ca_cert.is_some() || files.ca_key.is_some() || files.cert_chain.is_some() || files.root_cert.is_some() {
        findings.push(Finding::hurts(
            "istio.two_layouts",
            TLS_CRT,
            "both layouts are there: istiod reads tls.crt, tls.key and ca.crt and ignores ca-cert.pem and its companions",
            "keep one of the two",
        ));
    }
    if files.ca_crl.is_some() {
        findings.push(Finding::hurts(
            "istio.crl_ignored",
            CA_CRL,
            "istiod reads no CRL beside tls.crt: nothing is revoked",
            "use the layout with ca-cert.pem to revoke anything",
        ));
    }
    let welded = files.tls_crt.as_ref().is_some_and(|cert| cert.last().is_some_and(|byte| *byte != b'\n'));
    if welded && files.tls_ca.as_ref().is_some_and(|ca| ca.starts_with(b"-----")) {
        findings.push(Finding::breaks(
            "istio.no_line_break",
            TLS_CRT,
            format!("no line break stands at the end: istiod puts {TLS_CA} right behind it, and the certificates at the seam can no longer be read"),
            "end the file with a line break",
        ));
    }
}
