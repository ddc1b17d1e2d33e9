//! What a refusal looks like from outside: the words of Envoy 1.40 with BoringSSL and of ztunnel with rustls.

use crate::revocation::CrlProblem;
use crate::verify::Reason;

use super::judge::is_about_revocation;
use super::{Cause, Plane, Symptom};

/// What an application behind Envoy gets; the reason stands in the proxy's access log only.
const BODY: &str = "503 upstream connect error or disconnect/reset before headers. reset reason: remote connection failure";
/// What an application gets whose Envoy is refused by another: in TLS 1.3 the caller has finished its handshake before it is judged, and
/// all that it sees is a connection that ends.
const CALLER: &str = "503 upstream connect error or disconnect/reset before headers. reset reason: connection termination";

/// `depth` counts from the leaf, as in BoringSSL; `self_signed`: the last certificate that was sent signed itself.
pub(super) fn of(cause: &Cause, plane: Plane, depth: usize, self_signed: bool) -> Symptom {
    match (plane, cause) {
        (Plane::Sidecar, Cause::Path(rejection)) => envoy(&rejection.reason, depth, self_signed),
        (Plane::Sidecar, Cause::TrustDomain { .. }) => envoy_names(),
        (Plane::Ambient, Cause::Path(rejection)) => ztunnel(&rustls(&rejection.reason), alert(&rejection.reason)),
        (Plane::Ambient, Cause::TrustDomain { row, column }) => {
            let said = format!(
                "Other(OtherError(SanTrustDomainError(\"{column}\", [Spiffe {{ trust_domain: \"{row}\", namespace: \"NAMESPACE\", service_account: \"ACCOUNT\" }}])))"
            );
            ztunnel(&(format!("invalid peer certificate: {said}"), format!("InvalidCertificate({said})")), "CertificateUnknown")
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
    refused_by_envoy(&details, "ssl.fail_verify_error")
}

fn envoy_names() -> Symptom {
    refused_by_envoy("verify cert failed: verify SAN list", "ssl.fail_verify_san")
}

fn refused_by_envoy(details: &str, counter: &'static str) -> Symptom {
    Symptom {
        client: BODY.into(),
        caller: CALLER.into(),
        log: format!("TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:{details}:TLS_error_end"),
        counter,
    }
}

/// `said` is rustls' error, as it prints it and as its `Debug` does.
fn ztunnel(said: &(String, String), alert: &str) -> Symptom {
    let (displayed, debugged) = said;
    Symptom {
        client: format!("connection complete error=\"io error: {displayed}\""),
        caller: format!("connection complete error=\"io error: received fatal alert: {alert}\""),
        log: format!("tls handshake error: Custom {{ kind: InvalidData, error: {debugged} }}"),
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

/// The alert that the refused peer gets, as rustls names it (`CertificateError` to `AlertDescription`).
fn alert(reason: &Reason) -> &'static str {
    match reason {
        Reason::Expired { .. } | Reason::NotYetValid { .. } => "CertificateExpired",
        Reason::Revoked { .. } => "CertificateRevoked",
        Reason::ExtendedKeyUsage { .. } => "UnsupportedCertificate",
        Reason::UnknownIssuer { .. } | Reason::UnknownTrustDomain(_) | Reason::EmptyBundle(_) => "UnknownCA",
        Reason::CrlMissing { .. } | Reason::CrlStale { .. } => "UnknownCA",
        Reason::CrlUnusable { .. } => "HandshakeFailure",
        Reason::BadSignature => "DecryptError",
        reason if rustls(reason).0.contains("OtherError") => "CertificateUnknown",
        _ => "BadCertificate",
    }
}

/// rustls' error, displayed and debugged; what has no name of its own there comes as webpki's error.
fn rustls(reason: &Reason) -> (String, String) {
    let certificate = |name: &str| (format!("invalid peer certificate: {name}"), format!("InvalidCertificate({name})"));
    let webpki = |name: &str| certificate(&format!("Other(OtherError({name}))"));
    let list = |name: &str| (format!("invalid certificate revocation list: {name}"), format!("InvalidCertRevocationList({name})"));
    match reason {
        Reason::UnknownIssuer { .. } | Reason::UnknownTrustDomain(_) | Reason::EmptyBundle(_) => certificate("UnknownIssuer"),
        Reason::BadSignature => certificate("BadSignature"),
        Reason::Expired { not_after, now } => (
            format!(
                "invalid peer certificate: certificate expired: verification time {} (UNIX), but certificate is not valid after {} ({} seconds ago)",
                now.unix(),
                not_after.unix(),
                now.since(*not_after).as_secs()
            ),
            format!("InvalidCertificate(ExpiredContext {{ time: UnixTime({}), not_after: UnixTime({}) }})", now.unix(), not_after.unix()),
        ),
        Reason::NotYetValid { not_before, now } => (
            format!(
                "invalid peer certificate: certificate not valid yet: verification time {} (UNIX), but certificate is not valid before {} ({} seconds in future)",
                now.unix(),
                not_before.unix(),
                not_before.since(*now).as_secs()
            ),
            format!("InvalidCertificate(NotValidYetContext {{ time: UnixTime({}), not_before: UnixTime({}) }})", now.unix(), not_before.unix()),
        ),
        Reason::Revoked { .. } => certificate("Revoked"),
        Reason::CrlMissing { .. } => certificate("UnknownRevocationStatus"),
        Reason::CrlStale { .. } => certificate("ExpiredRevocationList"),
        Reason::ExtendedKeyUsage { .. } => certificate("InvalidPurpose"),
        Reason::NameConstraint { .. } | Reason::UnsupportedNameConstraint => webpki("NameConstraintViolation"),
        Reason::PathLength { .. } => webpki("PathLenConstraintViolated"),
        Reason::NotACa => webpki("EndEntityUsedAsCa"),
        Reason::LeafIsCa => webpki("CaUsedAsEndEntity"),
        Reason::UnknownCriticalExtension(_) => webpki("UnsupportedCriticalExtension"),
        Reason::BudgetExhausted { .. } => webpki("MaximumSignatureChecksExceeded"),
        Reason::SignatureAlgorithm => webpki("UnsupportedSignatureAlgorithm"),
        Reason::CrlUnusable { problem: CrlProblem::SignerLacksCrlSign, .. } => list("IssuerInvalidForCrl"),
        Reason::CrlUnusable { .. } => list("BadSignature"),
        _ => certificate("BadEncoding"),
    }
}
