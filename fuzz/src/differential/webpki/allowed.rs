//! Where we and rustls-webpki 0.103 may differ, one entry each.

use meshroot::verify::Reason;
use meshroot::x509::CertificateError;
use webpki::{Error, KeyUsage, RequiredEkuNotFoundContext};

use crate::differential::blueprint::{
    AUTHORITY_KEY_IDENTIFIER, KEY_CERT_SIGN, KEY_USAGE, NAME_CONSTRAINTS, POLICY_CONSTRAINTS, SUBJECT_ALT_NAME, SUBJECT_KEY_IDENTIFIER,
};
use crate::differential::difference::Difference;
use crate::differential::features::{Features, has_other_forms};
use crate::differential::form::{is_host, is_identifier, is_integer, is_name, is_preferred_host, is_serial};
use crate::differential::ours::Refusal;

const CERT: &str = "rustls-webpki 0.103 src/cert.rs";
const VERIFY: &str = "rustls-webpki 0.103 src/verify_cert.rs";
const ANCHOR: &str = "rustls-webpki 0.103 src/trust_anchor.rs: of an anchor, subject, key and name constraints are kept";
const NAMES: &str = "rustls-webpki 0.103 src/subject_name";

/// An entry: the difference, and whether it explains this refusal of ours on this path.
type Stricter = (Difference, fn(&Refusal, &[Features<'_>]) -> bool);

/// We refuse a path that webpki accepts. Each looks at the reason, and at whether the certificate really is so.
static STRICTER: [Stricter; 27] = [
    (
        Difference::stricter("webpki.anchor_validity", "an expired root vouches for nothing: whoever holds its old key signs with it", ANCHOR),
        |refusal, path| at_anchor(refusal, path, |reason, _| matches!(reason, Reason::Expired { .. } | Reason::NotYetValid { .. })),
    ),
    (
        Difference::stricter("webpki.anchor_is_no_ca", "a bundle holds CA certificates, SPIFFE Trust Domain and Bundle §4.2.1", ANCHOR),
        |refusal, path| at_anchor(refusal, path, |reason, anchor| *reason == Reason::NotACa && !anchor.basic_constraints().is_some_and(|(ca, _)| ca)),
    ),
    (Difference::stricter("webpki.anchor_path_length", "an operator who limits a root means it", ANCHOR), |refusal, path| {
        at_anchor(refusal, path, |reason, anchor| matches!(reason, Reason::PathLength { .. }) && too_long_below(path, anchor))
    }),
    (
        Difference::stricter("webpki.anchor_extensions", "what a root states critically is understood, or the root not used, RFC 5280 §4.2", ANCHOR),
        |refusal, path| {
            at_anchor(refusal, path, |reason, anchor| match reason {
                Reason::UnknownCriticalExtension(_) | Reason::Critical(_) => anchor.critical().next().is_some(),
                Reason::MalformedExtension(_) => !anchor.has_no_extensions(),
                _ => false,
            })
        },
    ),
    (Difference::stricter("webpki.anchor_version", "basicConstraints takes version 3, RFC 5280 §4.1.2.1", ANCHOR), |refusal, path| {
        at_anchor(refusal, path, |reason, anchor| *reason == Reason::Version && anchor.version != 2)
    }),
    (
        Difference::stricter(
            "webpki.key_cert_sign_ignored",
            "a key signs certificates only if keyUsage says so, RFC 5280 §6.1.4 (n)",
            "rustls-webpki 0.103 src/verify_cert.rs: \"For cert validation, we ignore the KeyUsage extension\"",
        ),
        |refusal, path| {
            let lacks = |reason: &Reason, ca: &Features<'_>| match reason {
                Reason::KeyUsageLacks("keyCertSign") => ca.key_usage().is_some_and(|bits| bits & KEY_CERT_SIGN == 0),
                Reason::KeyUsageMissing => ca.key_usage().is_none(),
                _ => false,
            };
            anywhere(refusal, path, lacks)
        },
    ),
    (Difference::stricter("webpki.serial_number", "positive and at most 20 octets, RFC 5280 §4.1.2.2", CERT), |refusal, path| {
        anywhere(refusal, path, |reason, one| *reason == Reason::SerialNumber && !is_serial(one.serial))
    }),
    (
        Difference::stricter(
            "webpki.extension_twice",
            "an extension stands once in a certificate, RFC 5280 §4.2; webpki counts those that it reads",
            CERT,
        ),
        |refusal, path| anywhere(refusal, path, |reason, one| matches!(reason, Reason::DuplicateExtension(_)) && one.repeats_other_than(&READ)),
    ),
    (
        Difference::stricter("webpki.unread_extension", "an extension that we process and cannot read is not skipped, RFC 5280 §4.2", CERT),
        |refusal, path| {
            anywhere(refusal, path, |reason, one| match reason {
                Reason::MalformedExtension("subjectAltName") => one.extension(SUBJECT_ALT_NAME).is_some(),
                Reason::MalformedExtension("keyUsage") => one.extension(KEY_USAGE).is_some(),
                Reason::MalformedExtension("subjectKeyIdentifier") => one.extension(SUBJECT_KEY_IDENTIFIER).is_some(),
                Reason::MalformedExtension("authorityKeyIdentifier") => one.extension(AUTHORITY_KEY_IDENTIFIER).is_some(),
                Reason::MalformedExtension("authorityInfoAccess") => one.extension(&[0x2b, 6, 1, 5, 5, 7, 1, 1]).is_some(),
                Reason::MalformedExtension("certificatePolicies") => one.extension(&[0x55, 0x1d, 32]).is_some(),
                Reason::MalformedExtension("policyMappings") => one.extension(&[0x55, 0x1d, 33]).is_some(),
                Reason::MalformedExtension("policyConstraints") => one.extension(POLICY_CONSTRAINTS).is_some(),
                Reason::MalformedExtension("inhibitAnyPolicy") => one.extension(&[0x55, 0x1d, 54]).is_some(),
                Reason::MalformedExtension("subject") => !is_name(one.subject),
                _ => false,
            })
        },
    ),
    (Difference::stricter("webpki.ca_without_subject", "a CA has a name, RFC 5280 §4.1.2.6", CERT), |refusal, path| {
        anywhere(refusal, path, |reason, ca| *reason == Reason::CaWithoutSubject && ca.subject == [0x30, 0])
    }),
    (
        Difference::stricter("webpki.unsupported_constraint", "a constraint that cannot be processed is not skipped, RFC 5280 §4.2.1.10", NAMES),
        |refusal, path| {
            anywhere(refusal, path, |reason, ca| {
                *reason == Reason::UnsupportedNameConstraint && [0xa0, 0xa3, 0xa5, 0x88].iter().any(|kind| ca.constrains(*kind))
            })
        },
    ),
    (
        Difference::stricter(
            "webpki.other_name_forms",
            "forms of names that we cannot judge are one form to us: a constraint on one refuses the others",
            NAMES,
        ),
        |refusal, path| anywhere(refusal, path, |reason, one| matches!(reason, Reason::NameConstraint { .. }) && has_other_forms(one, path)),
    ),
    (
        Difference::stricter("webpki.malformed_constraint", "a constraint that cannot be read is not skipped when no name meets it", NAMES),
        |refusal, path| {
            anywhere(refusal, path, |reason, ca| {
                *reason == Reason::MalformedExtension("nameConstraints") && ca.extension(&[0x55, 0x1d, 30]).is_some()
            })
        },
    ),
    (Difference::stricter("webpki.lenient_serial_encoding", "an INTEGER has one encoding, X.690 §8.3", CERT), |refusal, path| {
        unreadable(refusal, path, |field, path| field == "tbsCertificate.serialNumber" && path.iter().any(|one| !is_integer(one.serial)))
    }),
    (Difference::stricter("webpki.anchor_form", "an anchor is a certificate that can be read", ANCHOR), |refusal, _| {
        matches!(refusal, Refusal::Anchor(_))
    }),
    (
        Difference::stricter("webpki.anchor_purposes", "what a root may not do itself, it cannot pass on, RFC 5280 §4.2.1.12", ANCHOR),
        |refusal, path| at_anchor(refusal, path, |reason, anchor| matches!(reason, Reason::ExtendedKeyUsage { .. }) && anchor.purposes().is_some()),
    ),
    (
        Difference::stricter(
            "webpki.leaf_key",
            "a leaf with a key that nobody can use authenticates nobody; webpki looks at it in the handshake",
            CERT,
        ),
        |refusal, _| matches!(refusal.rule(), Some((Reason::Key(_), 0))),
    ),
    (
        Difference::stricter("webpki.leaf_signs_certificates", "keyCertSign needs cA, RFC 5280 §4.2.1.3, and a leaf is no CA", VERIFY),
        |refusal, path| {
            anywhere(refusal, path, |reason, leaf| {
                *reason == Reason::KeyUsageForbids("keyCertSign") && leaf.key_usage().is_some_and(|bits| bits & KEY_CERT_SIGN != 0)
            })
        },
    ),
    (Difference::stricter("webpki.leaf_constrains", "nameConstraints are for CA certificates, RFC 5280 §4.2.1.10", VERIFY), |refusal, path| {
        anywhere(refusal, path, |reason, leaf| *reason == Reason::NameConstraintsInLeaf && leaf.extension(NAME_CONSTRAINTS).is_some())
    }),
    (Difference::stricter("webpki.issuer_without_name", "an issuer has a name, RFC 5280 §4.1.2.4", CERT), |refusal, path| {
        anywhere(refusal, path, |reason, one| *reason == Reason::NoIssuerName && one.issuer == [0x30, 0])
    }),
    (
        Difference::stricter(
            "webpki.policies_not_critical",
            "policyConstraints and inhibitAnyPolicy are critical, RFC 5280 §4.2.1.11, §4.2.1.14",
            CERT,
        ),
        |refusal, path| {
            anywhere(refusal, path, |reason, one| match reason {
                Reason::NotCritical("policyConstraints") => one.extension(&[0x55, 0x1d, 36]).is_some_and(|e| !e.critical),
                Reason::NotCritical("inhibitAnyPolicy") => one.extension(&[0x55, 0x1d, 54]).is_some_and(|e| !e.critical),
                _ => false,
            })
        },
    ),
    (
        Difference::stricter("webpki.names_not_critical", "without a subject, subjectAltName is critical, RFC 5280 §4.2.1.6", CERT),
        |refusal, path| {
            anywhere(refusal, path, |reason, one| {
                *reason == Reason::SanNotCritical && one.subject == [0x30, 0] && !one.has_critical(SUBJECT_ALT_NAME)
            })
        },
    ),
    (
        Difference::stricter(
            "webpki.critical_distribution_points",
            "we process no cRLDistributionPoints, so they may not be critical, RFC 5280 §4.2",
            CERT,
        ),
        |refusal, path| {
            anywhere(refusal, path, |reason, one| {
                matches!(reason, Reason::UnknownCriticalExtension(oid) if oid == "2.5.29.31") && one.has_critical(&[0x55, 0x1d, 31])
            })
        },
    ),
    (
        Difference::stricter(
            "webpki.dotted_dns_constraint",
            "a DNS constraint with a leading dot is no DNS name: RFC 5280 §4.2.1.10 has the dot for URIs",
            NAMES,
        ),
        |refusal, path| {
            let dotted = |ca: &Features<'_>| ca.bases().iter().any(|base| base.tag == 0x82 && base.content.first() == Some(&b'.'));
            anywhere(refusal, path, |reason, one| {
                matches!(reason, Reason::NameConstraint { constraint, .. } if constraint.contains("DNS:."))
                    && one.alt_names().iter().any(|name| name.tag == 0x82)
            }) && path.iter().any(dotted)
        },
    ),
    (
        Difference::stricter("webpki.identifiers_unread", "an OBJECT IDENTIFIER has a form, X.690 §8.19; webpki compares the ones it knows", CERT),
        |refusal, path| {
            let broken = |one: &Features<'_>| one.extensions().iter().any(|e| !is_identifier(e.oid)) || !one.purposes_are_whole();
            unreadable(refusal, path, |field, path| field == "tbsCertificate.extensions" && path.iter().any(broken))
                || anywhere(refusal, path, |reason, one| *reason == Reason::MalformedExtension("extKeyUsage") && broken(one))
        },
    ),
    (
        Difference::stricter("webpki.policies", "policyConstraints is processed, RFC 5280 §6.1; webpki skips it where it is not critical", CERT),
        |refusal, path| {
            let explicit = |ca: &Features<'_>| ca.extension(POLICY_CONSTRAINTS).is_some();
            matches!(refusal.rule(), Some((Reason::NoPolicy, _))) && path.iter().any(explicit)
        },
    ),
    (Difference::stricter("webpki.lenient_form", "a name or a time that is never compared is never read by webpki", CERT), |refusal, path| {
        unreadable(refusal, path, |field, _| matches!(field, "tbsCertificate.subject" | "tbsCertificate.issuer"))
    }),
];

/// What webpki reads and keeps, so that it would notice it twice.
const READ: [&[u8]; 7] = [
    &[0x55, 0x1d, 15],
    &[0x55, 0x1d, 17],
    &[0x55, 0x1d, 19],
    &[0x55, 0x1d, 30],
    &[0x55, 0x1d, 31],
    &[0x55, 0x1d, 37],
    &[0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 2],
];

/// We refuse, webpki accepts.
pub(super) fn stricter(refusal: &Refusal, path: &[Features<'_>]) -> Option<&'static Difference> {
    STRICTER.iter().find(|(_, explains)| explains(refusal, path)).map(|(difference, _)| difference)
}

fn anywhere(refusal: &Refusal, path: &[Features<'_>], explains: impl Fn(&Reason, &Features<'_>) -> bool) -> bool {
    refusal.rule().is_some_and(|(reason, place)| path.get(place).is_some_and(|one| explains(reason, one)))
}

fn at_anchor(refusal: &Refusal, path: &[Features<'_>], explains: impl Fn(&Reason, &Features<'_>) -> bool) -> bool {
    refusal.rule().is_some_and(|(_, place)| place + 1 == path.len()) && anywhere(refusal, path, explains)
}

/// A certificate of the path cannot be read by us, at this field.
fn unreadable(refusal: &Refusal, path: &[Features<'_>], explains: impl Fn(&str, &[Features<'_>]) -> bool) -> bool {
    matches!(refusal.unreadable(), Some(CertificateError::Malformed { field, .. }) if explains(field, path))
}

/// Whether more CA certificates stand below the anchor than it allows, the self-issued not counted.
fn too_long_below(path: &[Features<'_>], anchor: &Features<'_>) -> bool {
    let below = path.iter().skip(1).rev().skip(1).filter(|ca| !ca.self_issued()).count();
    matches!(anchor.basic_constraints(), Some((_, Some([allowed]))) if below > usize::from(*allowed))
}

/// An entry: the difference, and whether it explains webpki's error on this path.
type Laxer = (Difference, fn(&Error, &[Features<'_>]) -> bool);

/// We accept a path that webpki refuses.
static LAXER: [Laxer; 17] = [
    (
        Difference::laxer("webpki.uri_constraints", "webpki refuses every URI under any URI constraint; we compare hosts, RFC 5280 §4.2.1.10", NAMES),
        |error, path| violates(error) && constrained(path, 0x86, 0x86),
    ),
    (
        Difference::laxer(
            "webpki.directory_constraints",
            "webpki refuses every certificate under a directoryName constraint; we compare names",
            NAMES,
        ),
        |error, path| violates(error) && path.iter().skip(1).any(|ca| ca.constrains(0xa4)),
    ),
    (
        Difference::laxer("webpki.email_constraints", "webpki refuses every mail address under a constraint on them; we compare them", NAMES),
        |error, path| violates(error) && constrained(path, 0x81, 0x81),
    ),
    (
        Difference::laxer(
            "webpki.malformed_constraint_beside",
            "a base that is no host name permits nothing, and another may; webpki gives up on it",
            NAMES,
        ),
        |error, path| {
            let no_host = |ca: &Features<'_>| ca.bases().iter().any(|base| base.tag == 0x82 && !base.content.is_empty() && !is_host(base.content));
            *error == Error::MalformedNameConstraint && path.iter().any(no_host)
        },
    ),
    (
        Difference::laxer(
            "webpki.self_issued_constrained",
            "a self-issued CA is exempt from constraints, RFC 5280 §6.1.3 (b); not for webpki",
            NAMES,
        ),
        |error, path| {
            let self_issued = |ca: &Features<'_>| ca.self_issued() && !ca.alt_names().is_empty();
            violates(error) && path.iter().skip(1).rev().skip(1).any(self_issued)
        },
    ),
    (
        Difference::laxer("webpki.self_issued_counted", "pathLenConstraint counts no self-issued CA, RFC 5280 §4.2.1.9; webpki's count does", VERIFY),
        |error, path| *error == Error::PathLenConstraintViolated && path.iter().skip(1).rev().skip(1).any(Features::self_issued),
    ),
    (
        Difference::laxer("webpki.any_purpose", "anyExtendedKeyUsage is every purpose, RFC 5280 §4.2.1.12; webpki compares identifiers", VERIFY),
        |error, path| {
            let any = |one: &Features<'_>| one.purposes().is_some_and(|purposes| purposes.contains(&&[0x55, 0x1d, 0x25, 0][..]));
            matches!(error, Error::RequiredEkuNotFoundContext(_)) && path.iter().rev().skip(1).any(any)
        },
    ),
    (
        Difference::laxer(
            "webpki.critical_policies",
            "certificate policies are processed, RFC 5280 §6.1, so they may be critical; webpki does not",
            CERT,
        ),
        |error, path| {
            let critical = |one: &Features<'_>| [32, 33, 36, 54].iter().any(|last| one.has_critical(&[0x55, 0x1d, *last]));
            *error == Error::UnsupportedCriticalExtension && path.iter().rev().skip(1).any(critical)
        },
    ),
    (
        Difference::laxer(
            "webpki.unique_ids",
            "unique identifiers are read past, RFC 5280 §4.1.2.8 demands that; webpki has no place for them",
            CERT,
        ),
        |error, path| matches!(error, Error::BadDer | Error::TrailingData(_)) && path.iter().any(|one| one.has_unique_ids),
    ),
    (
        Difference::laxer("webpki.old_version", "a leaf without extensions may be of version 1, RFC 5280 §4.1.2.1; webpki reads version 3", CERT),
        |error, path| *error == Error::UnsupportedCertVersion && path.first().is_some_and(|leaf| leaf.version != 2),
    ),
    (
        Difference::laxer("webpki.time_before_1970", "a notBefore of 1950 is a time; webpki's start in 1970", "rustls-webpki 0.103 src/time.rs"),
        |error, path| *error == Error::BadDerTime && path.iter().any(|one| one.before_1970()),
    ),
    (Difference::laxer("webpki.long_path_length", "a pathLenConstraint above 255 is a number; webpki's has one octet", VERIFY), |error, path| {
        let long = |ca: &Features<'_>| ca.basic_constraints().and_then(|(_, most)| most).is_some_and(|most| most.len() > 2);
        *error == Error::BadDer && path.iter().rev().skip(1).any(long)
    }),
    (
        Difference::laxer(
            "webpki.names_by_bytes",
            "names are the same when case and white space are folded, RFC 5280 §7.1; webpki compares bytes",
            VERIFY,
        ),
        // It may have found a namesake, and then tells of its key.
        |error, path| {
            let no_path = matches!(
                error,
                Error::UnknownIssuer | Error::InvalidSignatureForPublicKey | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_)
            );
            no_path && path.windows(2).any(|link| link[0].issuer != link[1].subject)
        },
    ),
    (
        Difference::laxer(
            "webpki.distribution_points",
            "an extension that is not critical and not ours is nothing to us, RFC 5280 §4.2; webpki reads this one",
            CERT,
        ),
        |error, path| {
            let broken = |one: &Features<'_>| one.extension(&[0x55, 0x1d, 31]).is_some_and(|e| !e.critical && e.value.first() != Some(&0x30));
            *error == Error::BadDer && path.iter().any(broken)
        },
    ),
    (
        Difference::laxer(
            "webpki.unusual_hosts",
            "a dot behind a name, or a hyphen at an end of a label, makes no other host; webpki refuses the name under a constraint",
            NAMES,
        ),
        |error, path| {
            let unusual = |name: &[u8]| !is_preferred_host(name.strip_prefix(b"*.").unwrap_or(name));
            *error == Error::MalformedDnsIdentifier
                && path.iter().any(|one| one.alt_names().iter().any(|name| name.tag == 0x82 && unusual(name.content)))
        },
    ),
    (
        Difference::laxer("webpki.budget_of_namesakes", "among CAs of one name webpki tries every way up before it finds the one there is", VERIFY),
        |error, path| matches!(error, Error::MaximumSignatureChecksExceeded | Error::MaximumPathBuildCallsExceeded) && has_namesakes(path),
    ),
    (Difference::laxer("webpki.path_depth", "more than six intermediates are unusual, not wrong", VERIFY), |error, path| {
        *error == Error::MaximumPathDepthExceeded && path.len() > 8
    }),
];

pub(super) static BUDGET: Difference = Difference::laxer(
    "webpki.budget",
    "webpki verifies a link again for every path that it is part of, and gives up after 100 signatures; we verify it once",
    VERIFY,
);

/// We accept, webpki refuses.
pub(super) fn laxer(error: &Error, path: &[Features<'_>]) -> Option<&'static Difference> {
    let named = |error: &Error| LAXER.iter().find(|(_, explains)| explains(error, path)).map(|(difference, _)| difference);
    named(error).or_else(|| match error {
        // Where two CAs of a path have one name, webpki tries both keys, and a wrong key is the error it prefers to tell.
        Error::InvalidSignatureForPublicKey | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) if has_namesakes(path) => {
            let purpose = Error::RequiredEkuNotFoundContext(RequiredEkuNotFoundContext { required: KeyUsage::server_auth(), present: Vec::new() });
            let others =
                [Error::PathLenConstraintViolated, Error::UnknownIssuer, Error::BadDerTime, Error::BadDer, Error::UnsupportedCriticalExtension];
            std::iter::once(&Error::NameConstraintViolation).chain(&others).chain([&purpose]).find_map(named)
        }
        _ => None,
    })
}

fn violates(error: &Error) -> bool {
    *error == Error::NameConstraintViolation
}

fn has_namesakes(path: &[Features<'_>]) -> bool {
    path.iter().enumerate().any(|(place, ca)| path.iter().skip(place + 1).any(|above| above.subject == ca.subject))
}

/// A CA constrains names of one kind, and a certificate below it has one of the other.
fn constrained(path: &[Features<'_>], base: u8, name: u8) -> bool {
    path.iter()
        .enumerate()
        .any(|(place, ca)| ca.constrains(base) && path[..place].iter().any(|below| below.alt_names().iter().any(|one| one.tag == name)))
}
