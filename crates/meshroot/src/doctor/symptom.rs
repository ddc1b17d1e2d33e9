//! What a refusal looks like from outside: the words of Envoy 1.40 with BoringSSL and of ztunnel with rustls.

use crate::revocation::CrlProblem;
use crate::verify::Reason;

use super::judge::is_about_revocation;
use super::{Cause, Plane, Symptom};

/// What an application behind Envoy gets; the reason stands in the proxy's access log only.
const BODY: &str = "503 upstream connect error or disconnect/reset before headers. reset reason: remote connection failure";
/// `ERR_PACK(ERR_LIB_SSL, 0)` of BoringSSL, which prefixes the numbers of its SSL errors.
const SSL_ERROR: u32 = 0x1000_0000;

/// `depth` counts from the leaf, as in BoringSSL; `self_signed`: the last certificate that was sent signed itself.
pub(super) fn of(cause: &Cause, plane: Plane, depth: usize, self_signed: bool) -> Symptom {
    match (plane, cause) {
        (Plane::Sidecar, Cause::Path(rejection)) => envoy(&rejection.reason, depth, self_signed),
        (Plane::Sidecar, Cause::TrustDomain { .. }) => envoy_names(),
        (Plane::Ambient, Cause::Path(rejection)) => ztunnel(&rustls(&rejection.reason), alert(&rejection.reason).2),
        (Plane::Ambient, Cause::TrustDomain { row, column }) => {
            let said = format!(
                "Other(OtherError(SanTrustDomainError(\"{column}\", [Spiffe {{ trust_domain: \"{row}\", namespace: \"NAMESPACE\", service_account: \"ACCOUNT\" }}])))"
            );
            ztunnel(&said, "CertificateUnknown")
        }
    }
}

fn envoy(reason: &Reason, depth: usize, self_signed: bool) -> Symptom {
    let words = boringssl(reason, self_signed);
    let revocation = if is_about_revocation(reason) && !words.starts_with("key usage") {
        "certificate revocation check against provided CRLs failed: "
    } else {
        ""
    };
    let details = match reason {
        // Envoy's SPIFFE validator, before BoringSSL is asked.
        Reason::UnknownTrustDomain(_) | Reason::EmptyBundle(_) => "verify cert failed: no trust bundle store".to_owned(),
        _ => format!("verify cert failed: X509_verify_cert: certificate verification error at depth {depth}: {revocation}{words}"),
    };
    let (number, name, _) = alert(reason);
    Symptom {
        client: BODY.into(),
        caller: format!("{BODY} (access log: TLS_error:|{}:SSL routines:OPENSSL_internal:{name}:TLS_error_end)", SSL_ERROR.saturating_add(number)),
        log: format!("TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:{details}:TLS_error_end"),
        counter: "ssl.fail_verify_error",
    }
}

fn envoy_names() -> Symptom {
    Symptom {
        client: BODY.into(),
        caller: format!("{BODY} (access log: TLS_error:|268436502:SSL routines:OPENSSL_internal:SSLV3_ALERT_CERTIFICATE_UNKNOWN:TLS_error_end)"),
        log: "TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:verify cert failed: verify SAN list:TLS_error_end".into(),
        counter: "ssl.fail_verify_san",
    }
}

fn ztunnel(error: &str, alert: &str) -> Symptom {
    Symptom {
        client: format!("connection complete error=\"io error: invalid peer certificate: {error}\""),
        caller: format!("connection complete error=\"io error: received fatal alert: {alert}\""),
        log: format!("tls handshake error: Custom {{ kind: InvalidData, error: InvalidCertificate({error}) }}"),
        counter: "",
    }
}

/// `X509_verify_cert_error_string`.
fn boringssl(reason: &Reason, self_signed: bool) -> &'static str {
    match reason {
        Reason::UnknownIssuer { .. } | Reason::BadSignature if self_signed => "self signed certificate in certificate chain",
        Reason::UnknownIssuer { .. } => "unable to get local issuer certificate",
        Reason::BadSignature | Reason::AlgorithmMismatch | Reason::SignatureAlgorithm => "certificate signature failure",
        Reason::Expired { .. } => "certificate has expired",
        Reason::NotYetValid { .. } => "certificate is not yet valid",
        Reason::PathLength { .. } => "path length constraint exceeded",
        Reason::KeyUsageLacks("keyCertSign") => "key usage does not include certificate signing",
        Reason::NotACa | Reason::CaWithoutSubject => "invalid CA certificate",
        Reason::ExtendedKeyUsage { .. } | Reason::KeyUsageLacks(_) | Reason::KeyUsageForbids(_) | Reason::LeafIsCa => {
            "unsupported certificate purpose"
        }
        Reason::NameConstraint { constraint, .. } if constraint.contains("excluded") => "excluded subtree violation",
        Reason::NameConstraint { .. } => "permitted subtree violation",
        Reason::UnsupportedNameConstraint => "unsupported name constraint type",
        Reason::UnknownCriticalExtension(_) => "unhandled critical extension",
        Reason::ChainTooLong { .. } => "certificate chain too long",
        Reason::Revoked { .. } => "certificate revoked",
        Reason::CrlMissing { .. } => "unable to get certificate CRL",
        Reason::CrlStale { .. } => "CRL has expired",
        Reason::CrlNotYetValid { .. } => "CRL is not yet valid",
        Reason::CrlUnusable { problem: CrlProblem::SignerLacksCrlSign, .. } => "key usage does not include CRL signing",
        Reason::CrlUnusable { problem: CrlProblem::Signature, .. } => "CRL signature failure",
        Reason::CrlUnusable { .. } => "unsupported or invalid CRL",
        _ => "unknown certificate verification error",
    }
}

/// `SSL_alert_from_verify_result`: the alert that the refused peer gets, as BoringSSL numbers and names the error and rustls
/// the alert.
fn alert(reason: &Reason) -> (u32, &'static str, &'static str) {
    match reason {
        Reason::Expired { .. } | Reason::CrlStale { .. } => (1045, "SSLV3_ALERT_CERTIFICATE_EXPIRED", "CertificateExpired"),
        Reason::Revoked { .. } => (1044, "SSLV3_ALERT_CERTIFICATE_REVOKED", "CertificateRevoked"),
        Reason::ExtendedKeyUsage { .. } | Reason::KeyUsageForbids(_) => (1043, "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE", "UnsupportedCertificate"),
        Reason::UnknownIssuer { .. } | Reason::NotACa | Reason::PathLength { .. } | Reason::ChainTooLong { .. } | Reason::CrlMissing { .. } => {
            (1048, "TLSV1_ALERT_UNKNOWN_CA", "UnknownCA")
        }
        Reason::BadSignature | Reason::NotYetValid { .. } | Reason::CrlNotYetValid { .. } => (1042, "SSLV3_ALERT_BAD_CERTIFICATE", "BadCertificate"),
        _ => (1046, "SSLV3_ALERT_CERTIFICATE_UNKNOWN", "CertificateUnknown"),
    }
}

/// rustls' `CertificateError`; what has no name of its own there comes as webpki's error.
fn rustls(reason: &Reason) -> String {
    let webpki = |name: &str| format!("Other(OtherError({name}))");
    match reason {
        Reason::UnknownIssuer { .. } | Reason::UnknownTrustDomain(_) | Reason::EmptyBundle(_) => "UnknownIssuer".into(),
        Reason::BadSignature => "BadSignature".into(),
        Reason::Expired { .. } => "Expired".into(),
        Reason::NotYetValid { .. } => "NotValidYet".into(),
        Reason::Revoked { .. } => "Revoked".into(),
        Reason::CrlMissing { .. } => "UnknownRevocationStatus".into(),
        Reason::CrlStale { .. } => "ExpiredRevocationList".into(),
        Reason::ExtendedKeyUsage { .. } => "InvalidPurpose".into(),
        Reason::NameConstraint { .. } | Reason::UnsupportedNameConstraint => webpki("NameConstraintViolation"),
        Reason::PathLength { .. } => webpki("PathLenConstraintViolated"),
        Reason::NotACa => webpki("EndEntityUsedAsCa"),
        Reason::LeafIsCa => webpki("CaUsedAsEndEntity"),
        Reason::UnknownCriticalExtension(_) => webpki("UnsupportedCriticalExtension"),
        Reason::BudgetExhausted { .. } => webpki("MaximumSignatureChecksExceeded"),
        Reason::SignatureAlgorithm => webpki("UnsupportedSignatureAlgorithm"),
        Reason::CrlUnusable { problem: CrlProblem::SignerLacksCrlSign, .. } => webpki("IssuerNotCrlSigner"),
        Reason::CrlUnusable { .. } => webpki("InvalidCrlSignatureForPublicKey"),
        _ => "BadEncoding".into(),
    }
}
