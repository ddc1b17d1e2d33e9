//! What people see: the words of each implementation for a reason, as they were observed.

use core::net::IpAddr;

use crate::key::KeyError;
use crate::verify::{Reason, Rejection};

use super::Implementation;

pub(super) fn of(who: Implementation, rejection: &Rejection) -> Option<String> {
    let reason = &rejection.reason;
    let depth = match reason {
        // Found while the leaf's names are judged.
        Reason::UnsupportedNameConstraint => 0,
        _ => rejection.certificate.as_ref().map_or(0, |at| at.position),
    };
    match who {
        Implementation::Go => go(reason).map(|text| format!("x509: {text}")),
        Implementation::BoringSsl => envoy(reason, depth),
        Implementation::RustlsWebpki => rustls(reason).map(str::to_owned),
        Implementation::OpenSsl => openssl(reason).map(|(number, text)| format!("error {number} at {depth} depth lookup: {text}")),
    }
}

/// The beginning of Go's error: names and times may follow.
fn go(reason: &Reason) -> Option<String> {
    Some(match reason {
        Reason::Expired { .. } | Reason::NotYetValid { .. } => "certificate has expired or is not yet valid: current time ".into(),
        Reason::UnknownIssuer { .. } | Reason::BadSignature | Reason::NotACa | Reason::KeyUsageLacks(_) => {
            "certificate signed by unknown authority".into()
        }
        Reason::PathLength { .. } => "too many intermediates for path length constraint".into(),
        Reason::ExtendedKeyUsage { .. } => "certificate specifies an incompatible key usage".into(),
        Reason::UnknownCriticalExtension(_) => "unhandled critical extension".into(),
        Reason::DuplicateExtension(oid) => format!("certificate contains duplicate extension with OID \"{oid}\""),
        Reason::SerialNumber => "negative serial number".into(),
        Reason::NameConstraint { .. } => "a root or intermediate certificate is not authorized to sign for this name: ".into(),
        Reason::BudgetExhausted { .. } => "signature check attempts limit reached while verifying certificate chain".into(),
        Reason::AlgorithmMismatch => "inner and outer signature algorithm identifiers don't match".into(),
        _ => return None,
    })
}

/// Envoy's `%DOWNSTREAM_TRANSPORT_FAILURE_REASON%`; an ECDSA or X.509 routine may stand before what is said here.
fn envoy(reason: &Reason, depth: usize) -> Option<String> {
    let code = match reason {
        Reason::Malformed(_) => "268435593:SSL_routines:OPENSSL_internal:DECODE_ERROR".to_owned(),
        Reason::Key(KeyError::UnsupportedAlgorithm(kind)) if kind.starts_with("elliptic curve") => return envoy_alert(),
        Reason::TheirRule(what) if what.starts_with("an Ed25519 key") => return envoy_alert(),
        Reason::Key(_) => "268435593:SSL_routines:OPENSSL_internal:DECODE_ERROR".to_owned(),
        Reason::KeyUsageLacks("digitalSignature") => "268435758:SSL_routines:OPENSSL_internal:KEY_USAGE_BIT_INCORRECT".to_owned(),
        _ => {
            let text = boringssl(reason)?.replace(' ', "_");
            format!(
                "268435581:SSL_routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:verify_cert_failed:_X509_verify_cert:_\
                 certificate_verification_error_at_depth_{depth}:_{text}"
            )
        }
    };
    Some(format!("TLS_error:|{code}:TLS_error_end"))
}

/// The client finds that its key is not asked for, and goes.
fn envoy_alert() -> Option<String> {
    Some("TLS_error:|268436496:SSL_routines:OPENSSL_internal:SSLV3_ALERT_HANDSHAKE_FAILURE:TLS_error_end".to_owned())
}

fn boringssl(reason: &Reason) -> Option<String> {
    let revocation = |text| Some(format!("certificate revocation check against provided CRLs failed: {text}"));
    Some(match reason {
        Reason::ExtendedKeyUsage { .. } => "unsupported certificate purpose".into(),
        Reason::DuplicateExtension(_) => "invalid or inconsistent certificate extension".into(),
        Reason::NameConstraint { name, .. } if name.parse::<IpAddr>().is_ok() => "unsupported name constraint type".into(),
        Reason::NameConstraint { name, .. } if is_odd_host(name) => "unsupported or invalid name syntax".into(),
        Reason::Revoked { .. } | Reason::CrlStale { .. } | Reason::CrlNotYetValid { .. } | Reason::CrlMissing { .. } => {
            return revocation(openssl(reason)?.1);
        }
        Reason::ChainTooLong { .. } | Reason::KeyUsageLacks(_) => return None,
        _ => openssl(reason)?.1.into(),
    })
}

/// A URI whose host BoringSSL judges by no constraint.
fn is_odd_host(uri: &str) -> bool {
    let host = uri.split_once("://").and_then(|(_, rest)| rest.split('/').next()).unwrap_or_default();
    host.contains('_') || host.parse::<IpAddr>().is_ok()
}

/// OpenSSL's number and words, which BoringSSL kept with few changes.
fn openssl(reason: &Reason) -> Option<(u8, &'static str)> {
    Some(match reason {
        Reason::CrlMissing { .. } => (3, "unable to get certificate CRL"),
        Reason::BadSignature | Reason::AlgorithmMismatch => (7, "certificate signature failure"),
        Reason::NotYetValid { .. } => (9, "certificate is not yet valid"),
        Reason::Expired { .. } => (10, "certificate has expired"),
        Reason::CrlNotYetValid { .. } => (11, "CRL is not yet valid"),
        Reason::CrlStale { .. } => (12, "CRL has expired"),
        Reason::UnknownIssuer { .. } => (20, "unable to get local issuer certificate"),
        Reason::Revoked { .. } => (23, "certificate revoked"),
        Reason::PathLength { .. } => (25, "path length constraint exceeded"),
        Reason::ExtendedKeyUsage { .. } | Reason::KeyUsageLacks(_) => (26, "unsuitable certificate purpose"),
        Reason::UnknownCriticalExtension(_) | Reason::Critical(_) => (34, "unhandled critical extension"),
        Reason::NameConstraint { constraint, .. } if constraint.ends_with("excluded") => (48, "excluded subtree violation"),
        Reason::NameConstraint { .. } => (47, "permitted subtree violation"),
        Reason::UnsupportedNameConstraint => (49, "name constraints minimum and maximum not supported"),
        Reason::NotACa => (79, "invalid CA certificate"),
        Reason::CrlUnusable { problem, .. } => match problem.code() {
            "crl.signature" => (8, "CRL signature failure"),
            "crl.signer_lacks_crl_sign" => (35, "key usage does not include CRL signing"),
            "crl.unknown_critical_extension" | "crl.unknown_critical_entry_extension" => (36, "unhandled critical CRL extension"),
            _ => return None,
        },
        _ => return None,
    })
}

/// webpki's error; rustls wraps it as `invalid peer certificate: …`.
fn rustls(reason: &Reason) -> Option<&'static str> {
    Some(match reason {
        Reason::Expired { .. } => "CertExpired",
        Reason::NotYetValid { .. } => "CertNotValidYet",
        Reason::UnknownIssuer { .. } => "UnknownIssuer",
        Reason::BadSignature => "InvalidSignatureForPublicKey",
        Reason::AlgorithmMismatch => "SignatureAlgorithmMismatch",
        Reason::SignatureAlgorithm => "UnsupportedSignatureAlgorithm",
        Reason::Revoked { .. } => "CertRevoked",
        Reason::ExtendedKeyUsage { .. } => "RequiredEkuNotFound",
        Reason::UnknownCriticalExtension(_) | Reason::Critical(_) => "UnsupportedCriticalExtension",
        Reason::NameConstraint { .. } => "NameConstraintViolation",
        Reason::LeafIsCa => "CaUsedAsEndEntity",
        Reason::NotACa => "EndEntityUsedAsCa",
        Reason::PathLength { .. } => "PathLenConstraintViolated",
        Reason::TooManyIntermediates { .. } => "MaximumPathDepthExceeded",
        Reason::BudgetExhausted { .. } => "MaximumSignatureChecksExceeded",
        Reason::DuplicateExtension(_) => "ExtensionValueInvalid",
        Reason::Version => "UnsupportedCertVersion",
        Reason::CrlUnusable { problem, .. } => match problem.code() {
            "crl.signature" => "InvalidCrlSignatureForPublicKey",
            "crl.signer_lacks_crl_sign" => "IssuerNotCrlSigner",
            "crl.unknown_critical_extension" | "crl.unknown_critical_entry_extension" => "UnsupportedCriticalExtension",
            "crl.indirect" => "UnsupportedIndirectCrl",
            "crl.delta" => "UnsupportedDeltaCrl",
            "crl.only_some_reasons" => "UnsupportedRevocationReasonsPartitioning",
            "crl.out_of_scope" => "UnsupportedCrlIssuingDistributionPoint",
            _ => return None,
        },
        _ => return None,
    })
}
