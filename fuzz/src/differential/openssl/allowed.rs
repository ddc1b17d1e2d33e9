//! Where we and OpenSSL 3 may differ, one entry each.

use meshroot::revocation::CrlProblem;
use meshroot::verify::Reason;
use meshroot::x509::CertificateError;

use super::Refused;
use crate::differential::blueprint::{BASIC_CONSTRAINTS, EXTENDED_KEY_USAGE, KEY_CERT_SIGN, NAME_CONSTRAINTS, SUBJECT_ALT_NAME};
use crate::differential::der::time;
use crate::differential::difference::Difference;
use crate::differential::features::Features;
use crate::differential::ours::Refusal;
use crate::differential::world::{Case, Purpose};

const VERIFY: &str = "OpenSSL 3.0 crypto/x509/x509_vfy.c";
const CHECK_EXTENSIONS: &str = "OpenSSL 3.0 crypto/x509/x509_vfy.c, check_extensions: X509_V_FLAG_X509_STRICT";
const CHECK_ISSUED: &str = "OpenSSL 3.0 crypto/x509/v3_purp.c, X509_check_issued";
const PURPOSE: &str = "OpenSSL 3.0 crypto/x509/v3_purp.c";
const NAMES: &str = "OpenSSL 3.0 crypto/x509/v3_ncons.c";
const PARSER: &str = "OpenSSL 3.0 crypto/asn1: what is not asked for is not judged";
const CRLS: &str = "OpenSSL 3.0 crypto/x509/x509_vfy.c, check_revocation";

pub(super) static NO_SECOND_ATTEMPT: Difference = Difference::laxer(
    "openssl.no_second_attempt",
    "OpenSSL takes the first issuer that looks right and never goes back; we find a path if there is one",
    "OpenSSL 3.0 crypto/x509/x509_vfy.c, build_chain",
);

/// An entry: the difference, and whether it explains this refusal of ours.
type Stricter = (Difference, fn(&Disputed<'_>) -> bool);

/// We refuse, OpenSSL accepts.
struct Disputed<'a> {
    refusal: &'a Refusal,
    case: &'a Case,
    path: &'a [Features<'a>],
}

static STRICTER: [Stricter; 24] = [
    (
        Difference::stricter("openssl.leaf_is_an_anchor", "an anchor is a CA; a leaf in the store is a path of its own for X509_V_FLAG_PARTIAL_CHAIN", VERIFY),
        |disputed| disputed.path.len() == 1,
    ),
    (Difference::stricter("openssl.trailing_bytes", "one certificate and nothing else", PARSER), |disputed| {
        matches!(disputed.unreadable(), Some(CertificateError::TrailingBytes(_)))
    }),
    (
        Difference::stricter("openssl.anchor_algorithms_differ", "both places name one algorithm, RFC 5280 §4.1.1.2; OpenSSL looks when it verifies", VERIFY),
        |disputed| matches!(disputed.refusal, Refusal::Anchor(CertificateError::AlgorithmsDiffer)),
    ),
    (Difference::stricter("openssl.any_version", "extensions take version 3, RFC 5280 §4.1.2.1; so does a leaf", PURPOSE), |disputed| {
        disputed.anywhere(|reason, one| *reason == Reason::Version && one.version != 2)
            || disputed.field("tbsCertificate.version") && disputed.path.iter().any(|one| !(1..=2).contains(&one.version))
    }),
    (Difference::stricter("openssl.serial_number", "positive and at most 20 octets, RFC 5280 §4.1.2.2", PARSER), |disputed| {
        disputed.anywhere(|reason, one| *reason == Reason::SerialNumber && (one.serial.len() > 20 || one.serial[0] & 0x80 != 0 || one.serial == [0]))
    }),
    (Difference::stricter("openssl.leaf_constrains", "nameConstraints are for CA certificates, RFC 5280 §4.2.1.10", PURPOSE), |disputed| {
        disputed.anywhere(|reason, leaf| *reason == Reason::NameConstraintsInLeaf && leaf.extension(NAME_CONSTRAINTS).is_some())
    }),
    (Difference::stricter("openssl.leaf_signs_certificates", "keyCertSign needs cA, RFC 5280 §4.2.1.3, and a leaf is no CA", PURPOSE), |disputed| {
        disputed.anywhere(|reason, leaf| *reason == Reason::KeyUsageForbids("keyCertSign") && leaf.key_usage().is_some_and(|bits| bits & KEY_CERT_SIGN != 0))
    }),
    (Difference::stricter("openssl.leaf_is_a_ca", "signing certificates authenticate nobody", PURPOSE), |disputed| {
        disputed.anywhere(|reason, leaf| *reason == Reason::LeafIsCa && leaf.basic_constraints().is_some_and(|(ca, _)| ca))
    }),
    (Difference::stricter("openssl.empty_lists", "extKeyUsage, subjectAltName and nameConstraints have an element, RFC 5280 §4.2.1", PARSER), |disputed| {
        disputed.anywhere(|reason, one| {
            let oid = match reason {
                Reason::MalformedExtension("extKeyUsage") => EXTENDED_KEY_USAGE,
                Reason::MalformedExtension("subjectAltName") => SUBJECT_ALT_NAME,
                Reason::MalformedExtension("nameConstraints") => NAME_CONSTRAINTS,
                _ => return false,
            };
            one.extension(oid).is_some_and(|e| e.value == [0x30, 0])
        })
    }),
    (
        Difference::stricter("openssl.loose_constraints", "a base that is no host name excludes all and permits nothing, RFC 5280 §4.2.1.10", NAMES),
        |disputed| {
            let base = |base: &[u8], uri: bool| base.first() == Some(&b'.') && !uri || base.is_empty() && uri || base.contains(&b'*') || base.contains(&b':');
            let loose = |ca: &Features<'_>| ca.bases().iter().any(|one| matches!(one.tag, 0x82 | 0x86) && base(one.content, one.tag == 0x86));
            disputed.anywhere(|reason, _| matches!(reason, Reason::NameConstraint { .. })) && disputed.path.iter().any(loose)
        },
    ),
    (Difference::stricter("openssl.issuer_without_name", "an issuer has a name, RFC 5280 §4.1.2.4", PURPOSE), |disputed| {
        disputed.anywhere(|reason, one| *reason == Reason::NoIssuerName && one.issuer == [0x30, 0])
    }),
    (Difference::stricter("openssl.ca_without_subject", "a CA has a name, RFC 5280 §4.1.2.6", PURPOSE), |disputed| {
        disputed.anywhere(|reason, one| *reason == Reason::CaWithoutSubject && one.subject == [0x30, 0])
    }),
    (
        Difference::stricter("openssl.ca_without_basic_constraints", "a CA says so in basicConstraints; keyCertSign alone, or version 1, is not enough, RFC 5280 §6.1.4 (k)", PURPOSE),
        |disputed| {
            let old = |ca: &Features<'_>| ca.version == 0 && ca.has_no_extensions() && ca.self_issued();
            !disputed.case.strict
                && disputed.anywhere(|reason, ca| {
                    *reason == Reason::NotACa && ca.extension(BASIC_CONSTRAINTS).is_none() && (old(ca) || ca.key_usage().is_some_and(|bits| bits & KEY_CERT_SIGN != 0))
                })
        },
    ),
    (
        Difference::stricter("openssl.policies_not_critical", "policyConstraints and inhibitAnyPolicy are critical, RFC 5280 §4.2.1.11, §4.2.1.14", PURPOSE),
        |disputed| {
            disputed.anywhere(|reason, one| match reason {
                Reason::NotCritical("policyConstraints") => one.extension(&[0x55, 0x1d, 36]).is_some_and(|e| !e.critical),
                Reason::NotCritical("inhibitAnyPolicy") => one.extension(&[0x55, 0x1d, 54]).is_some_and(|e| !e.critical),
                _ => false,
            })
        },
    ),
    (Difference::stricter("openssl.names_not_critical", "without a subject, subjectAltName is critical, RFC 5280 §4.2.1.6", PURPOSE), |disputed| {
        disputed.anywhere(|reason, one| *reason == Reason::SanNotCritical && one.subject == [0x30, 0])
    }),
    (
        Difference::stricter("openssl.algorithm_parameters", "ecdsa-with-SHA256 and Ed25519 have no parameters, RFC 5758 §3.2, RFC 8410 §3", "OpenSSL 3.0 crypto/asn1/a_verify.c"),
        |disputed| disputed.anywhere(|reason, one| *reason == Reason::SignatureAlgorithm && one.algorithm.ends_with(&[5, 0])),
    ),
    (
        Difference::stricter("openssl.more_critical_extensions", "we process no cRLDistributionPoints and no policies, so they may not be critical, RFC 5280 §4.2", PURPOSE),
        |disputed| {
            disputed.anywhere(|reason, one| {
                let Reason::UnknownCriticalExtension(oid) = reason else { return false };
                let last = [("2.5.29.31", 31), ("2.5.29.32", 32), ("2.5.29.36", 36), ("2.5.29.54", 54)].iter().find(|(text, _)| text == oid);
                last.is_some_and(|(_, last)| one.has_critical(&[0x55, 0x1d, *last]))
            })
        },
    ),
    (
        Difference::stricter("openssl.crl_of_a_namesake", "a CRL is signed with the key that signed the certificate; another key of the CA's name proves nothing to us", CRLS),
        |disputed| {
            let namesakes = |name: &[u8]| disputed.path.iter().skip(1).filter(|ca| ca.subject == name).count() > 1;
            disputed.anywhere(|reason, one| {
                matches!(reason, Reason::CrlMissing { .. } | Reason::CrlUnusable { problem: CrlProblem::Signature, .. }) && namesakes(one.issuer)
            })
        },
    ),
    (
        Difference::stricter("openssl.crl_without_number", "without a cRLNumber nobody can tell which of two is newer, RFC 5280 §5.2.3", CRLS),
        |disputed| disputed.crl_problem(|problem| matches!(problem, CrlProblem::NumberMissing)),
    ),
    (
        Difference::stricter("openssl.remove_from_crl", "removeFromCRL is for delta CRLs, RFC 5280 §5.3.1; OpenSSL takes such an entry for none", CRLS),
        |disputed| disputed.crl_problem(|problem| matches!(problem, CrlProblem::RemoveFromCrl(_))),
    ),
    (
        Difference::stricter("openssl.crl_without_end", "a CRL without nextUpdate would never be out of date, RFC 5280 §5.1.2.5", CRLS),
        |disputed| disputed.crl_problem(|problem| matches!(problem, CrlProblem::NextUpdateMissing)),
    ),
    (
        Difference::stricter("openssl.newest_crl_counts", "what one valid CRL revokes is revoked; OpenSSL asks one of several, the newest", CRLS),
        |disputed| matches!(disputed.refusal.rule(), Some((Reason::Revoked { .. }, _))) && disputed.case.crls.len() > 1,
    ),
    (Difference::stricter("openssl.crl_form", "a CRL that cannot be read is not used", PARSER), |disputed| matches!(disputed.refusal, Refusal::Crl(_))),
    (Difference::stricter("openssl.lenient_serial_encoding", "an INTEGER has one encoding, X.690 §8.3", PARSER), |disputed| {
        disputed.field("tbsCertificate.serialNumber")
    }),
];

impl Disputed<'_> {
    fn anywhere(&self, explains: impl Fn(&Reason, &Features<'_>) -> bool) -> bool {
        self.refusal.rule().is_some_and(|(reason, place)| self.path.get(place).is_some_and(|one| explains(reason, one)))
    }

    /// Why a certificate of the path cannot be read by us.
    fn unreadable(&self) -> Option<&CertificateError> {
        match self.refusal {
            Refusal::Anchor(error) => Some(error),
            Refusal::Path(rejection) => match &rejection.reason {
                Reason::Malformed(error) => Some(error),
                _ => None,
            },
            Refusal::Crl(_) => None,
        }
    }

    fn field(&self, name: &str) -> bool {
        matches!(self.unreadable(), Some(CertificateError::Malformed { field, .. }) if *field == name)
    }

    fn crl_problem(&self, explains: impl Fn(&CrlProblem) -> bool) -> bool {
        matches!(self.refusal.rule(), Some((Reason::CrlUnusable { problem, .. }, _)) if explains(problem))
    }
}

pub(super) fn stricter(refusal: &Refusal, case: &Case, path: &[Features<'_>]) -> Option<&'static Difference> {
    let disputed = Disputed { refusal, case, path };
    STRICTER.iter().find(|(_, explains)| explains(&disputed)).map(|(difference, _)| difference)
}

/// An entry: the difference, and whether it explains this error of OpenSSL's, by number and depth.
type Laxer = (Difference, fn(i32, usize, &Case, &[Features<'_>]) -> bool);

/// Numbers of `X509_V_ERR_…`.
mod error {
    pub(super) const UNABLE_TO_GET_CRL: i32 = 3;
    pub(super) const CERT_HAS_EXPIRED: i32 = 10;
    pub(super) const CRL_HAS_EXPIRED: i32 = 12;
    pub(super) const UNABLE_TO_GET_ISSUER_CERT: i32 = 2;
    pub(super) const UNABLE_TO_GET_ISSUER_CERT_LOCALLY: i32 = 20;
    pub(super) const CERT_REVOKED: i32 = 23;
    pub(super) const INVALID_PURPOSE: i32 = 26;
    pub(super) const DIFFERENT_CRL_SCOPE: i32 = 44;
    pub(super) const KEYUSAGE_NO_CRL_SIGN: i32 = 35;
    pub(super) const PATHLEN_INVALID_FOR_NON_CA: i32 = 80;
    pub(super) const SUBJECT_NAME_EMPTY: i32 = 84;
    pub(super) const MISSING_AUTHORITY_KEY_IDENTIFIER: i32 = 85;
    pub(super) const MISSING_SUBJECT_KEY_IDENTIFIER: i32 = 86;
    pub(super) const CA_BCONS_NOT_CRITICAL: i32 = 89;
    pub(super) const CA_CERT_MISSING_KEY_USAGE: i32 = 92;
}

static LAXER: [Laxer; 11] = [
    (
        Difference::laxer("openssl.last_second", "notAfter and nextUpdate are part of the period, RFC 5280 §4.1.2.5; for OpenSSL it is over then", VERIFY),
        |code, depth, case, path| match code {
            error::CERT_HAS_EXPIRED => path.get(depth).and_then(|one| one.validity.get(1)).is_some_and(|end| end.whole == time(case.now)),
            error::CRL_HAS_EXPIRED => case.crls.iter().any(|crl| crl.windows(15).any(|part| part == time(case.now))),
            _ => false,
        },
    ),
    (
        Difference::laxer("openssl.key_identifiers_bind", "key identifiers are hints, RFC 5280 §4.2.1.1: the signature decides", CHECK_ISSUED),
        |code, _, _, path| {
            matches!(code, error::UNABLE_TO_GET_ISSUER_CERT | error::UNABLE_TO_GET_ISSUER_CERT_LOCALLY)
                && path.windows(2).any(|link| !identifies(&link[0], &link[1]))
        },
    ),
    (
        Difference::laxer("openssl.anchor_revocation", "whoever trusts an anchor takes it from the bundle; nobody above it could revoke it", CRLS),
        |code, depth, _, path| {
            let about_crls = matches!(
                code,
                error::UNABLE_TO_GET_CRL | error::CERT_REVOKED | error::DIFFERENT_CRL_SCOPE | error::KEYUSAGE_NO_CRL_SIGN | error::CRL_HAS_EXPIRED
            );
            about_crls && depth + 1 == path.len()
        },
    ),
    (
        Difference::laxer("openssl.any_purpose", "anyExtendedKeyUsage is every purpose, RFC 5280 §4.2.1.12; not for OpenSSL's TLS purposes", PURPOSE),
        |code, depth, case, path| {
            let any = |one: &Features<'_>| one.purposes().is_some_and(|purposes| purposes.contains(&&[0x55, 0x1d, 0x25, 0][..]));
            code == error::INVALID_PURPOSE && case.purpose != Purpose::Any && path.get(depth).is_some_and(any)
        },
    ),
    (
        Difference::laxer("openssl.leaf_key_usage", "what a TLS key may do is the handshake's to ask; extKeyUsage says what it is for", PURPOSE),
        |code, depth, case, path| {
            // digitalSignature, keyEncipherment, keyAgreement.
            code == error::INVALID_PURPOSE && case.purpose != Purpose::Any && depth == 0 && path[0].key_usage().is_some_and(|bits| bits & 0xa8 != 0xa8)
        },
    ),
    (
        Difference::laxer("openssl.strict_path_length", "a pathLenConstraint of a leaf means nothing; CAs are told not to write it, RFC 5280 §4.2.1.9", CHECK_EXTENSIONS),
        |code, depth, case, path| {
            let lone = |one: &Features<'_>| matches!(one.basic_constraints(), Some((false, Some(_))));
            code == error::PATHLEN_INVALID_FOR_NON_CA && case.strict && path.get(depth).is_some_and(lone)
        },
    ),
    (
        Difference::laxer("openssl.strict_subject", "a leaf without subject and other names has nothing to say, and breaks no path", CHECK_EXTENSIONS),
        |code, depth, case, path| code == error::SUBJECT_NAME_EMPTY && case.strict && path.get(depth).is_some_and(|one| one.subject == [0x30, 0]),
    ),
    (
        Difference::laxer("openssl.strict_authority_key_identifier", "CAs are told to write it, RFC 5280 §4.2.1.1; validators are not told to demand it", CHECK_EXTENSIONS),
        |code, depth, case, path| {
            let names_key = |one: &Features<'_>| one.authority().is_some_and(|fields| fields.iter().any(|field| field.tag == 0x80));
            code == error::MISSING_AUTHORITY_KEY_IDENTIFIER && case.strict && path.get(depth).is_some_and(|one| !names_key(one))
        },
    ),
    (
        Difference::laxer("openssl.strict_subject_key_identifier", "CAs are told to write it, RFC 5280 §4.2.1.2; validators are not told to demand it", CHECK_EXTENSIONS),
        |code, depth, case, path| {
            let has = |one: &Features<'_>| one.subject_key_id().is_some_and(|id| !id.is_empty());
            code == error::MISSING_SUBJECT_KEY_IDENTIFIER && case.strict && path.get(depth).is_some_and(|one| !has(one))
        },
    ),
    (
        Difference::laxer("openssl.strict_critical_basic_constraints", "CAs are told to make it critical, RFC 5280 §4.2.1.9; read, it binds either way", CHECK_EXTENSIONS),
        |code, depth, case, path| {
            code == error::CA_BCONS_NOT_CRITICAL && case.strict && path.get(depth).is_some_and(|one| !one.has_critical(BASIC_CONSTRAINTS))
        },
    ),
    (
        Difference::laxer("openssl.strict_key_usage", "a missing keyUsage forbids nothing, RFC 5280 §6.1.4 (n); our rules for SVIDs demand it", CHECK_EXTENSIONS),
        |code, depth, case, path| code == error::CA_CERT_MISSING_KEY_USAGE && case.strict && path.get(depth).is_some_and(|one| one.key_usage().is_none()),
    ),
];

pub(super) fn laxer(refused: &Refused, case: &Case, path: &[Features<'_>]) -> Option<&'static Difference> {
    let Refused::Verify { code, depth, .. } = refused else { return None };
    LAXER.iter().find(|(_, explains)| explains(*code, *depth, case, path)).map(|(difference, _)| difference)
}

/// Whether OpenSSL takes the key identifiers for those of this issuer.
fn identifies(child: &Features<'_>, issuer: &Features<'_>) -> bool {
    let fields = child.authority().unwrap_or_default();
    let field = |tag: u8| fields.iter().find(|field| field.tag == tag).map(|field| field.content);
    let by_key = match (field(0x80), issuer.subject_key_id()) {
        (Some(named), Some(own)) => named == own,
        _ => true,
    };
    let by_serial = field(0x82).is_none_or(|named| named == issuer.serial);
    // GeneralNames [1], a directoryName [4] among them.
    let by_issuer = fields.iter().find(|field| field.tag == 0xa1).is_none_or(|names| names.children().iter().any(|name| name.content == issuer.issuer));
    by_key && by_serial && by_issuer
}
