//! What people see: the words of each implementation for a reason, as they were observed.

use crate::verify::{Reason, Rejection};

use super::Implementation;

pub(super) fn of(who: Implementation, rejection: &Rejection) -> Option<String> {
    let depth = rejection.certificate.as_ref().map_or(0, |at| at.position);
    let reason = &rejection.reason;
    match who {
        Implementation::Go => go(reason).map(|text| format!("x509: {text}")),
        Implementation::BoringSsl => Some(match reason {
            Reason::Malformed(_) | Reason::Key(_) => "TLS_error:|268435593:SSL_routines:OPENSSL_internal:DECODE_ERROR:TLS_error_end".to_owned(),
            Reason::KeyUsageLacks("digitalSignature") => {
                "TLS_error:|268435758:SSL_routines:OPENSSL_internal:KEY_USAGE_BIT_INCORRECT:TLS_error_end".to_owned()
            }
            _ => {
                let text = openssl_family(who, reason)?.replace(' ', "_");
                format!(
                    "TLS_error:|268435581:SSL_routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:verify_cert_failed:_X509_verify_cert:_\
                     certificate_verification_error_at_depth_{depth}:_{text}:TLS_error_end (counter ssl.fail_verify_error)"
                )
            }
        }),
        Implementation::RustlsWebpki => rustls(reason).map(|name| format!("invalid peer certificate: {name}")),
        Implementation::OpenSsl => openssl_family(who, reason).map(|text| format!("verify error at {depth} depth lookup: {text}")),
    }
}

fn go(reason: &Reason) -> Option<String> {
    Some(match reason {
        Reason::Expired { not_after, now } => format!("certificate has expired or is not yet valid: current time {now} is after {not_after}"),
        Reason::NotYetValid { not_before, now } => {
            format!("certificate has expired or is not yet valid: current time {now} is before {not_before}")
        }
        Reason::UnknownIssuer { .. } => "certificate signed by unknown authority".into(),
        Reason::BadSignature | Reason::NotACa | Reason::KeyUsageLacks(_) => {
            "certificate signed by unknown authority (possibly because of \"…\" while trying to verify candidate authority certificate \"…\")".into()
        }
        Reason::PathLength { .. } => "too many intermediates for path length constraint".into(),
        Reason::ExtendedKeyUsage { .. } => "certificate specifies an incompatible key usage".into(),
        Reason::UnknownCriticalExtension(_) => "unhandled critical extension".into(),
        Reason::DuplicateExtension(oid) => format!("certificate contains duplicate extension with OID \"{oid}\""),
        Reason::SerialNumber => "negative serial number".into(),
        Reason::NameConstraint { .. } => "a root or intermediate certificate is not authorized to sign for this name: …".into(),
        Reason::BudgetExhausted { .. } => "signature check attempts limit reached while verifying certificate chain".into(),
        Reason::AlgorithmMismatch => "inner and outer signature algorithm identifiers don't match".into(),
        _ => return None,
    })
}

/// OpenSSL's words, which BoringSSL kept with few changes.
fn openssl_family(who: Implementation, reason: &Reason) -> Option<&'static str> {
    let boring = who == Implementation::BoringSsl;
    Some(match reason {
        Reason::Expired { .. } => "certificate has expired",
        Reason::NotYetValid { .. } => "certificate is not yet valid",
        Reason::UnknownIssuer { .. } => "unable to get local issuer certificate",
        Reason::BadSignature | Reason::AlgorithmMismatch => "certificate signature failure",
        Reason::NotACa => "invalid CA certificate",
        Reason::PathLength { .. } => "path length constraint exceeded",
        Reason::ExtendedKeyUsage { .. } if boring => "unsupported certificate purpose",
        Reason::ExtendedKeyUsage { .. } | Reason::KeyUsageLacks(_) => "unsuitable certificate purpose",
        Reason::UnknownCriticalExtension(_) | Reason::Critical(_) => "unhandled critical extension",
        Reason::DuplicateExtension(_) if boring => "invalid or inconsistent certificate extension",
        Reason::NameConstraint { constraint, .. } if constraint.ends_with("excluded") => "excluded subtree violation",
        Reason::NameConstraint { .. } => "permitted subtree violation",
        Reason::UnsupportedNameConstraint => "name constraints minimum and maximum not supported",
        Reason::Revoked { .. } if boring => "certificate revocation check against provided CRLs failed: certificate revoked",
        Reason::Revoked { .. } => "certificate revoked",
        Reason::CrlStale { .. } if boring => "certificate revocation check against provided CRLs failed: CRL has expired",
        Reason::CrlStale { .. } => "CRL has expired",
        Reason::CrlNotYetValid { .. } if boring => "certificate revocation check against provided CRLs failed: CRL is not yet valid",
        Reason::CrlNotYetValid { .. } => "CRL is not yet valid",
        Reason::CrlMissing { .. } if boring => "certificate revocation check against provided CRLs failed: unable to get certificate CRL",
        Reason::CrlMissing { .. } => "unable to get certificate CRL",
        Reason::CrlUnusable { problem, .. } => match problem.code() {
            "crl.signature" => "CRL signature failure",
            "crl.signer_lacks_crl_sign" => "key usage does not include CRL signing",
            "crl.unknown_critical_extension" | "crl.unknown_critical_entry_extension" => "unhandled critical CRL extension",
            _ => return None,
        },
        Reason::ChainTooLong { .. } if !boring => "certificate chain too long",
        _ => return None,
    })
}

fn rustls(reason: &Reason) -> Option<&'static str> {
    Some(match reason {
        Reason::Expired { .. } => "Expired",
        Reason::NotYetValid { .. } => "NotValidYet",
        Reason::UnknownIssuer { .. } => "UnknownIssuer",
        Reason::BadSignature => "BadSignature",
        Reason::Revoked { .. } => "Revoked",
        Reason::ExtendedKeyUsage { .. } => "InvalidPurpose",
        Reason::UnknownCriticalExtension(_) => "UnhandledCriticalExtension",
        Reason::NameConstraint { .. } => "Other(OtherError(NameConstraintViolation))",
        Reason::LeafIsCa => "Other(OtherError(CaUsedAsEndEntity))",
        Reason::NotACa => "Other(OtherError(EndEntityUsedAsCa))",
        Reason::PathLength { .. } => "Other(OtherError(PathLenConstraintViolated))",
        Reason::TooManyIntermediates { .. } => "Other(OtherError(MaximumPathDepthExceeded))",
        Reason::BudgetExhausted { .. } => "Other(OtherError(MaximumSignatureChecksExceeded))",
        Reason::Malformed(_) | Reason::MalformedExtension(_) => "BadEncoding",
        Reason::CrlUnusable { problem, .. } => match problem.code() {
            "crl.signer_lacks_crl_sign" => "Other(OtherError(IssuerNotCrlSigner))",
            "crl.signature" => "InvalidCertRevocationList(BadSignature)",
            _ => return None,
        },
        _ => return None,
    })
}
