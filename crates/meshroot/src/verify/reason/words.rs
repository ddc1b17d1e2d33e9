//! What a reason says to people: one sentence, what was found, what is needed.

use core::fmt;

use super::Reason;

impl Reason {
    /// What the certificate, or the chain, has.
    pub fn found(&self) -> String {
        match self {
            Self::EmptyChain => "no certificate".into(),
            Self::ChainTooLong { found, .. } => format!("{found} certificates"),
            Self::Malformed(e) => e.to_string(),
            Self::MalformedExtension(name) => format!("a {name} that cannot be read"),
            Self::Key(e) => e.to_string(),
            Self::Expired { not_after, .. } => format!("notAfter {not_after}"),
            Self::NotYetValid { not_before, .. } => format!("notBefore {not_before}"),
            Self::UnknownIssuer { issuer } => format!("issuer '{issuer}'"),
            Self::BadSignature => "a signature that the issuer's key did not make".into(),
            Self::SignatureAlgorithm => "a signature algorithm that is unknown, too weak or misspelled".into(),
            Self::AlgorithmMismatch => "two signature algorithms".into(),
            Self::NotACa => "no basicConstraints, or CA:FALSE".into(),
            Self::LeafIsCa => "CA:TRUE".into(),
            Self::PathLength { found, .. } => format!("{found} CA certificates below it"),
            Self::TooManyIntermediates { found, .. } => format!("{found} intermediates"),
            Self::KeyUsageMissing => "no keyUsage".into(),
            Self::KeyUsageNotCritical => "a keyUsage that is not critical".into(),
            Self::KeyUsageLacks(bit) => format!("a keyUsage without {bit}"),
            Self::KeyUsageForbids(bit) => format!("a keyUsage with {bit}"),
            Self::ExtendedKeyUsage { needed } => format!("an extKeyUsage without {needed}"),
            Self::UnknownCriticalExtension(oid) => format!("the critical extension {oid}"),
            Self::Critical(name) => format!("a critical {name}"),
            Self::NotCritical(name) => format!("a {name} that is not critical"),
            Self::KeyIdentifierMissing(name) => format!("no {name}"),
            Self::NoIssuerName => "an empty issuer".into(),
            Self::NameConstraintsInLeaf => "nameConstraints in a leaf".into(),
            Self::DuplicateExtension(oid) => format!("the extension {oid} twice"),
            Self::Version => "a version that does not fit".into(),
            Self::SerialNumber => "a serial number that is zero, negative or longer than 20 octets".into(),
            Self::NameConstraint { name, .. } => format!("the name '{name}'"),
            Self::UnsupportedNameConstraint => "a name constraint with a minimum or a maximum".into(),
            Self::NoPolicy => "no certificate policy that holds on the whole path".into(),
            Self::NoUri => "no URI".into(),
            Self::SeveralUris(count) => format!("{count} URIs"),
            Self::NotASpiffeId(e) => e.to_string(),
            Self::NoPath => "a SPIFFE ID without a path".into(),
            Self::CaWithPath => "a SPIFFE ID with a path".into(),
            Self::SanNotCritical => "an empty subject and a subjectAltName that is not critical".into(),
            Self::CaWithoutSubject => "an empty subject".into(),
            Self::UnknownTrustDomain(td) => format!("trust domain '{td}'"),
            Self::EmptyBundle(_) => "no CA certificate".into(),
            Self::Revoked { at, reason: Some(reason) } => format!("revoked at {at} ({reason})"),
            Self::Revoked { at, reason: None } => format!("revoked at {at}"),
            Self::CrlMissing { .. } => "no CRL of its issuer".into(),
            Self::CrlStale { next_update, .. } => format!("a CRL with nextUpdate {next_update}"),
            Self::CrlNotYetValid { this_update, .. } => format!("a CRL with thisUpdate {this_update}"),
            Self::CrlUnusable { problem, .. } => problem.to_string(),
            Self::BudgetExhausted { what } => format!("more {what} than any honest chain needs"),
        }
    }

    /// What it would need.
    pub fn needed(&self) -> String {
        match self {
            Self::EmptyChain => "a leaf, and the CA certificates between it and an anchor".into(),
            Self::ChainTooLong { most, .. } => format!("at most {most}"),
            Self::Malformed(_) => "one certificate in DER".into(),
            Self::MalformedExtension(name) => format!("a {name} in DER, as its definition says"),
            Self::Key(_) => "ECDSA P-256 or P-384, Ed25519, or RSA of 2048 bits and more".into(),
            Self::Expired { now, .. } => format!("{now} or later"),
            Self::NotYetValid { now, .. } => format!("{now} or earlier"),
            Self::UnknownIssuer { .. } => "that CA's certificate in the chain, or among the anchors".into(),
            Self::BadSignature => "the certificate of the CA that signed it, or one that is signed by this CA".into(),
            Self::SignatureAlgorithm => "ECDSA or RSA (PKCS#1 v1.5) with SHA-256 or more, or Ed25519".into(),
            Self::AlgorithmMismatch => "the same algorithm inside and outside the signed part".into(),
            Self::NotACa => "basicConstraints with CA:TRUE".into(),
            Self::LeafIsCa => "basicConstraints absent or CA:FALSE".into(),
            Self::PathLength { allowed, .. } => format!("at most {allowed} CA certificates below it"),
            Self::TooManyIntermediates { most, .. } => format!("at most {most}"),
            Self::KeyUsageMissing => "a keyUsage".into(),
            Self::KeyUsageNotCritical => "a critical keyUsage".into(),
            Self::KeyUsageLacks(bit) => format!("a keyUsage with {bit}"),
            Self::KeyUsageForbids(bit) => format!("a keyUsage without {bit}"),
            Self::ExtendedKeyUsage { needed } => format!("an extKeyUsage with {needed}, or none"),
            Self::UnknownCriticalExtension(oid) => format!("a certificate without {oid}, or with it not critical"),
            Self::Critical(name) => format!("a {name} that is not critical"),
            Self::NotCritical(name) => format!("a critical {name}"),
            Self::KeyIdentifierMissing(name) => format!("a {name} with a key identifier"),
            Self::NoIssuerName => "the name of the CA that signed it".into(),
            Self::NameConstraintsInLeaf => "no nameConstraints".into(),
            Self::DuplicateExtension(_) => "each extension once".into(),
            Self::Version => "version 3".into(),
            Self::SerialNumber => "a positive number of at most 20 octets".into(),
            Self::NameConstraint { constraint, .. } => constraint.clone(),
            Self::UnsupportedNameConstraint => "constraints with neither".into(),
            Self::NoPolicy => "a certificate policy that every certificate of the path has, since a CA above requires one".into(),
            Self::NoUri | Self::SeveralUris(_) => "exactly one URI in the subjectAltName".into(),
            Self::NotASpiffeId(_) => "a SPIFFE ID: spiffe://trust-domain/path".into(),
            Self::NoPath => "a SPIFFE ID with a path".into(),
            Self::CaWithPath => "a SPIFFE ID without a path, or none".into(),
            Self::SanNotCritical => "a critical subjectAltName".into(),
            Self::CaWithoutSubject => "a name".into(),
            Self::UnknownTrustDomain(td) => format!("a bundle of '{td}'"),
            Self::EmptyBundle(td) => format!("a bundle of '{td}' with its roots"),
            Self::Revoked { .. } => "a certificate that is not revoked".into(),
            Self::CrlMissing { issuer } => format!("a CRL of '{issuer}'"),
            Self::CrlStale { now, .. } => format!("one with a nextUpdate after {now}"),
            Self::CrlNotYetValid { now, .. } => format!("one with thisUpdate {now} or earlier"),
            Self::CrlUnusable { issuer, .. } => format!("a CRL of '{issuer}' that can be used"),
            Self::BudgetExhausted { .. } => "a chain of few certificates with names of their own, and few name constraints".into(),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNKNOWN: &str = "whether it was revoked is unknown";
        match self {
            Self::EmptyChain => f.write_str("there is no certificate to judge"),
            Self::ChainTooLong { found, most } => write!(f, "there are {found} certificates: more than {most} are not accepted"),
            Self::Malformed(e) => write!(f, "{e}"),
            Self::MalformedExtension(name) => write!(f, "its {name} is malformed"),
            Self::Key(e) => write!(f, "{e}"),
            Self::Expired { not_after, now } => write!(f, "it expired at {not_after}, and now is {now}"),
            Self::NotYetValid { not_before, now } => write!(f, "it is valid from {not_before} on, and now is {now}: compare the clocks"),
            Self::UnknownIssuer { issuer } => {
                write!(
                    f,
                    "its issuer '{issuer}' is neither in the chain nor among the trust anchors: an intermediate is missing, or the root is not trusted"
                )
            }
            Self::BadSignature => f.write_str("its signature was not made by the issuer it names: another CA has the same name"),
            Self::SignatureAlgorithm => f.write_str("it is signed with an algorithm that is unknown, too weak (SHA-1, MD5), or misspelled"),
            Self::AlgorithmMismatch => f.write_str("the signature algorithm inside its signed part differs from the one outside"),
            Self::NotACa => f.write_str("it signed another certificate but is no CA (basicConstraints lacks CA:TRUE)"),
            Self::LeafIsCa => f.write_str("it is a CA certificate: signing certificates do not authenticate workloads"),
            Self::PathLength { allowed, found } => write!(f, "it allows {allowed} CA certificates below it, and there are {found}"),
            Self::TooManyIntermediates { found, most } => {
                write!(f, "with it there are {found} CA certificates between leaf and anchor: {most} are allowed")
            }
            Self::KeyUsageMissing => f.write_str("it has no keyUsage"),
            Self::KeyUsageNotCritical => f.write_str("its keyUsage is not critical"),
            Self::KeyUsageLacks(bit) => write!(f, "its keyUsage lacks {bit}"),
            Self::KeyUsageForbids(bit) => write!(f, "its keyUsage has {bit}, which only a CA may have"),
            Self::ExtendedKeyUsage { needed } => write!(f, "its extKeyUsage lacks {needed}"),
            Self::UnknownCriticalExtension(oid) => write!(f, "it has a critical extension that is not understood: {oid}"),
            Self::Critical(name) => write!(f, "its {name} is critical, which it must not be"),
            Self::NotCritical(name) => write!(f, "its {name} is not critical, which it must be"),
            Self::KeyIdentifierMissing(name) => write!(f, "it has no {name}"),
            Self::NoIssuerName => f.write_str("the name of its issuer is empty"),
            Self::NameConstraintsInLeaf => f.write_str("it constrains names (nameConstraints) and is no CA"),
            Self::DuplicateExtension(oid) => write!(f, "it has the extension {oid} twice"),
            Self::Version => f.write_str("it is not of version 3"),
            Self::SerialNumber => f.write_str("its serial number is not positive or longer than 20 octets"),
            Self::NameConstraint { name, constraint } => {
                write!(f, "its name '{name}' is not allowed by the name constraints of a CA above it: {constraint}")
            }
            Self::UnsupportedNameConstraint => f.write_str("its name constraints have a minimum or a maximum, which is not supported"),
            Self::NoPolicy => f.write_str("a CA above it requires certificate policies, and the path has none that holds down to it"),
            Self::NoUri => f.write_str("it carries no URI, so no SPIFFE ID"),
            Self::SeveralUris(count) => write!(f, "it carries {count} URIs: an X.509-SVID has exactly one"),
            Self::NotASpiffeId(e) => write!(f, "its URI is no SPIFFE ID: {e}"),
            Self::NoPath => f.write_str("its SPIFFE ID has no path: it names the trust domain, not a workload"),
            Self::CaWithPath => f.write_str("it is a CA with the SPIFFE ID of a workload (the ID has a path)"),
            Self::SanNotCritical => f.write_str("its subject is empty but its subjectAltName is not critical"),
            Self::CaWithoutSubject => f.write_str("it is a CA with an empty subject"),
            Self::UnknownTrustDomain(td) => write!(f, "there is no bundle for its trust domain '{td}': fetch it or federate"),
            Self::EmptyBundle(td) => write!(f, "the bundle of its trust domain '{td}' holds no CA certificate"),
            Self::Revoked { at, reason: Some(reason) } => write!(f, "it was revoked at {at} ({reason})"),
            Self::Revoked { at, reason: None } => write!(f, "it was revoked at {at}"),
            Self::CrlMissing { issuer } => write!(f, "{UNKNOWN}: there is no CRL of its issuer '{issuer}'"),
            Self::CrlStale { next_update, now } => {
                write!(f, "{UNKNOWN}: its issuer's CRL was to be replaced at {next_update}, and now is {now}")
            }
            Self::CrlNotYetValid { this_update, now } => {
                write!(f, "{UNKNOWN}: its issuer's CRL is of {this_update}, and now is {now}: compare the clocks")
            }
            Self::CrlUnusable { issuer, problem } => write!(f, "{UNKNOWN}: the CRL of its issuer '{issuer}' cannot be used: {problem}"),
            Self::BudgetExhausted { what } => write!(f, "finding a path took too many {what}: no honest chain needs so much"),
        }
    }
}
