//! What we refuse and OpenSSL accepts.

use meshroot::key::KeyError;
use meshroot::revocation::CrlProblem;
use meshroot::verify::Reason;
use meshroot::x509::CertificateError;

use super::{CRLS, NAMES, PARSER, PURPOSE, VERIFY};
use crate::differential::blueprint::{
    AUTHORITY_KEY_IDENTIFIER, BASIC_CONSTRAINTS, EXTENDED_KEY_USAGE, KEY_CERT_SIGN, KEY_USAGE, NAME_CONSTRAINTS, SUBJECT_ALT_NAME,
    SUBJECT_KEY_IDENTIFIER,
};
use crate::differential::der::Tlv;
use crate::differential::difference::Difference;
use crate::differential::features::{Extension, Features, has_other_forms};
use crate::differential::form::{folded, is_bit_list, is_host, is_identifier, is_name, is_plain_name, is_range};
use crate::differential::ours::Refusal;
use crate::differential::world::Case;

/// An entry: the difference, and whether it explains this refusal of ours.
type Stricter = (Difference, fn(&Disputed<'_>) -> bool);

/// We refuse, OpenSSL accepts.
struct Disputed<'a> {
    refusal: &'a Refusal,
    case: &'a Case,
    path: &'a [Features<'a>],
}

static STRICTER: [Stricter; 41] = [
    (
        Difference::stricter(
            "openssl.leaf_is_an_anchor",
            "an anchor is a CA; a leaf in the store is a path of its own for X509_V_FLAG_PARTIAL_CHAIN",
            VERIFY,
        ),
        |disputed| disputed.path.len() == 1,
    ),
    (Difference::stricter("openssl.trailing_bytes", "one certificate and nothing else", PARSER), |disputed| {
        matches!(disputed.refusal.unreadable(), Some(CertificateError::TrailingBytes(_)))
    }),
    (
        Difference::stricter(
            "openssl.anchor_algorithms_differ",
            "both places name one algorithm, RFC 5280 §4.1.1.2; OpenSSL looks when it verifies",
            VERIFY,
        ),
        |disputed| matches!(disputed.refusal, Refusal::Anchor(CertificateError::AlgorithmsDiffer)),
    ),
    (
        Difference::stricter("openssl.anchor_form", "an anchor is a certificate that can be read; OpenSSL reads BER, and no signature", PARSER),
        |disputed| matches!(disputed.refusal, Refusal::Anchor(CertificateError::Malformed { .. })),
    ),
    (
        Difference::stricter("openssl.hybrid_points", "a public key is an uncompressed point, RFC 5480 §2.2", "OpenSSL 3.0 crypto/ec/ecp_oct.c"),
        |disputed| matches!(disputed.refusal.unreadable(), Some(CertificateError::Key(KeyError::PointEncoding { .. }))),
    ),
    (
        Difference::stricter(
            "openssl.keys_of_odd_bits",
            "a public key is whole octets, RFC 5480 §2.2, RFC 8410 §4; OpenSSL clears the bits that are said to be unused",
            "OpenSSL 3.0 crypto/asn1/a_bitstr.c, ossl_c2i_ASN1_BIT_STRING",
        ),
        |disputed| {
            let unused = |one: &Features<'_>| {
                Tlv::first(one.key)
                    .is_some_and(|(key, _)| matches!(key.children()[..], [_, bits] if bits.content.first().is_some_and(|unused| *unused != 0)))
            };
            let malformed = matches!(disputed.refusal.unreadable(), Some(CertificateError::Key(KeyError::MalformedPublicKey(_))));
            malformed && disputed.path.iter().any(unused)
        },
    ),
    (
        Difference::stricter(
            "openssl.lenient_keys",
            "a leaf's key is one that somebody can use; OpenSSL finds out in the handshake, and reads BER",
            PARSER,
        ),
        |disputed| matches!(disputed.refusal.rule(), Some((Reason::Key(_), 0))),
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
        disputed.anywhere(|reason, leaf| {
            *reason == Reason::KeyUsageForbids("keyCertSign") && leaf.key_usage().is_some_and(|bits| bits & KEY_CERT_SIGN != 0)
        })
    }),
    (Difference::stricter("openssl.leaf_is_a_ca", "signing certificates authenticate nobody", PURPOSE), |disputed| {
        disputed.anywhere(|reason, leaf| *reason == Reason::LeafIsCa && leaf.basic_constraints().is_some_and(|(ca, _)| ca))
    }),
    (
        Difference::stricter("openssl.empty_lists", "extKeyUsage, subjectAltName and nameConstraints have an element, RFC 5280 §4.2.1", PARSER),
        |disputed| {
            disputed.anywhere(|reason, one| {
                let oid = match reason {
                    Reason::MalformedExtension("extKeyUsage") => EXTENDED_KEY_USAGE,
                    Reason::MalformedExtension("subjectAltName") => SUBJECT_ALT_NAME,
                    Reason::MalformedExtension("nameConstraints") => NAME_CONSTRAINTS,
                    _ => return false,
                };
                one.extension(oid).is_some_and(|e| e.value == [0x30, 0])
            })
        },
    ),
    (
        Difference::stricter("openssl.loose_constraints", "a base that is no host name excludes all and permits nothing, RFC 5280 §4.2.1.10", NAMES),
        |disputed| {
            let host_or_below = |base: &[u8]| is_host(base.strip_prefix(b".").unwrap_or(base));
            let fits = |base: &Tlv<'_>| match base.tag {
                0x81 => host_or_below(base.content) || base.content.contains(&b'@') && is_plain_name(base),
                0x82 => is_host(base.content),
                0x86 => host_or_below(base.content),
                _ => true,
            };
            let loose = |ca: &Features<'_>| !ca.bases().iter().all(fits);
            let no_range = |ca: &Features<'_>| {
                ca.bases()
                    .iter()
                    .any(|one| one.tag == 0x87 && !is_range(one.content) || matches!(one.tag, 0x81 | 0x82 | 0x86) && !one.content.is_ascii())
            };
            disputed.anywhere(|reason, _| matches!(reason, Reason::NameConstraint { .. })) && disputed.path.iter().any(loose)
                || disputed.anywhere(|reason, ca| *reason == Reason::MalformedExtension("nameConstraints") && no_range(ca))
        },
    ),
    (Difference::stricter("openssl.root_dot_excluded", "a host name with the root's dot behind it is the same host", NAMES), |disputed| {
        let dotted = |name: &Tlv<'_>| name.tag == 0x82 && name.content.ends_with(b".");
        disputed.anywhere(|reason, one| matches!(reason, Reason::NameConstraint { .. }) && one.alt_names().iter().any(dotted))
    }),
    (
        Difference::stricter(
            "openssl.primitive_lists",
            "SEQUENCE OF and SET OF are constructed, X.690 §8.10, §8.12; OpenSSL does not look at that bit of theirs",
            "OpenSSL 3.0 crypto/asn1/tasn_dec.c, asn1_template_noexp_d2i",
        ),
        |disputed| {
            let malformed = matches!(disputed.refusal.unreadable(), Some(CertificateError::Malformed { .. }));
            malformed && disputed.path.iter().any(|one| one.has_primitive_lists)
                || disputed.anywhere(|reason, one| {
                    matches!(reason, Reason::MalformedExtension(_)) && one.extensions().iter().any(Extension::is_primitive_list)
                })
        },
    ),
    (
        Difference::stricter(
            "openssl.other_name_forms",
            "forms of names that we cannot judge are one form to us: a constraint on one refuses the others",
            NAMES,
        ),
        |disputed| disputed.anywhere(|reason, one| matches!(reason, Reason::NameConstraint { .. }) && has_other_forms(one, disputed.path)),
    ),
    (
        Difference::stricter(
            "openssl.unclear_names",
            "a name that may lie inside or outside (a wildcard, an address for a host) is excluded and not permitted, RFC 5280 §4.2.1.10",
            NAMES,
        ),
        |disputed| disputed.anywhere(|reason, one| matches!(reason, Reason::NameConstraint { .. }) && !one.alt_names().iter().all(is_plain_name)),
    ),
    (
        Difference::stricter(
            "openssl.lenient_names",
            "a Name that cannot be read as DER is the same only as its own bytes; OpenSSL reads BER",
            PARSER,
        ),
        |disputed| {
            disputed.refusal.rule().is_some_and(|(reason, place)| {
                let named = disputed.path.get(place).is_some_and(|child| !is_name(child.issuer));
                let own = disputed.path.get(place + 1).is_some_and(|issuer| !is_name(issuer.subject));
                matches!(reason, Reason::UnknownIssuer { .. }) && (named || own)
            })
        },
    ),
    (Difference::stricter("openssl.issuer_without_name", "an issuer has a name, RFC 5280 §4.1.2.4", PURPOSE), |disputed| {
        disputed.anywhere(|reason, one| *reason == Reason::NoIssuerName && one.issuer == [0x30, 0])
    }),
    (Difference::stricter("openssl.ca_without_subject", "a CA has a name, RFC 5280 §4.1.2.6", PURPOSE), |disputed| {
        disputed.anywhere(|reason, one| *reason == Reason::CaWithoutSubject && one.subject == [0x30, 0])
    }),
    (
        Difference::stricter(
            "openssl.ca_without_basic_constraints",
            "a CA says so in basicConstraints; keyCertSign alone, or version 1, is not enough, RFC 5280 §6.1.4 (k)",
            PURPOSE,
        ),
        |disputed| {
            let old = |ca: &Features<'_>| ca.version == 0 && ca.has_no_extensions() && ca.self_issued();
            !disputed.case.strict
                && disputed.anywhere(|reason, ca| {
                    *reason == Reason::NotACa
                        && ca.extension(BASIC_CONSTRAINTS).is_none()
                        && (old(ca) || ca.key_usage().is_some_and(|bits| bits & KEY_CERT_SIGN != 0))
                })
        },
    ),
    (
        Difference::stricter(
            "openssl.policies_not_critical",
            "policyConstraints and inhibitAnyPolicy are critical, RFC 5280 §4.2.1.11, §4.2.1.14",
            PURPOSE,
        ),
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
        Difference::stricter(
            "openssl.algorithm_parameters",
            "ecdsa-with-SHA256 and Ed25519 have no parameters, RFC 5758 §3.2, RFC 8410 §3",
            "OpenSSL 3.0 crypto/asn1/a_verify.c",
        ),
        |disputed| disputed.anywhere(|reason, one| *reason == Reason::SignatureAlgorithm && one.algorithm.ends_with(&[5, 0])),
    ),
    (
        Difference::stricter(
            "openssl.more_critical_extensions",
            "we process no cRLDistributionPoints and no policies, so they may not be critical, RFC 5280 §4.2",
            PURPOSE,
        ),
        |disputed| {
            disputed.anywhere(|reason, one| {
                let Reason::UnknownCriticalExtension(oid) = reason else { return false };
                let last = [("2.5.29.31", 31), ("2.5.29.32", 32), ("2.5.29.36", 36), ("2.5.29.54", 54)].iter().find(|(text, _)| text == oid);
                last.is_some_and(|(_, last)| one.has_critical(&[0x55, 0x1d, *last]))
            })
        },
    ),
    (
        Difference::stricter(
            "openssl.crl_of_a_namesake",
            "a CRL is signed with the key that signed the certificate; another key of the CA's name proves nothing to us",
            CRLS,
        ),
        |disputed| {
            let namesakes = |name: &[u8]| disputed.path.iter().skip(1).filter(|ca| folded(ca.subject) == folded(name)).count() > 1;
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
        Difference::stricter(
            "openssl.anchor_policies",
            "an anchor that demands a policy means it; OpenSSL starts below it, as RFC 5280 §6.1.1 lets it",
            "OpenSSL 3.0 crypto/x509/pcy_tree.c",
        ),
        |disputed| {
            let demands = |ca: &Features<'_>| [36, 54].iter().any(|last| ca.extension(&[0x55, 0x1d, *last]).is_some());
            let about_policies = match disputed.refusal.rule() {
                Some((Reason::NoPolicy, _)) => true,
                Some((Reason::MalformedExtension("policyConstraints" | "inhibitAnyPolicy"), place)) => place + 1 == disputed.path.len(),
                _ => false,
            };
            about_policies && disputed.path.last().is_some_and(demands)
        },
    ),
    (
        Difference::stricter(
            "openssl.policies_unread_alone",
            "what is there is read; OpenSSL reads policyMappings and inhibitAnyPolicy only beside certificatePolicies",
            "OpenSSL 3.0 crypto/x509/pcy_cache.c, policy_cache_new",
        ),
        |disputed| {
            disputed.anywhere(|reason, one| {
                matches!(reason, Reason::MalformedExtension("policyMappings" | "inhibitAnyPolicy")) && one.extension(&[0x55, 0x1d, 32]).is_none()
            })
        },
    ),
    (
        Difference::stricter(
            "openssl.remove_from_crl",
            "removeFromCRL is for delta CRLs, RFC 5280 §5.3.1; OpenSSL takes such an entry for none",
            CRLS,
        ),
        |disputed| disputed.crl_problem(|problem| matches!(problem, CrlProblem::RemoveFromCrl(_))),
    ),
    (Difference::stricter("openssl.crl_without_end", "a CRL without nextUpdate would never be out of date, RFC 5280 §5.1.2.5", CRLS), |disputed| {
        disputed.crl_problem(|problem| matches!(problem, CrlProblem::NextUpdateMissing))
    }),
    (
        Difference::stricter("openssl.newest_crl_counts", "what one valid CRL revokes is revoked; OpenSSL asks one of several, the newest", CRLS),
        |disputed| matches!(disputed.refusal.rule(), Some((Reason::Revoked { .. }, _))) && disputed.case.crls.len() > 1,
    ),
    (Difference::stricter("openssl.delta_crl", "a list of changes says nothing of what did not change, RFC 5280 §5.2.4", CRLS), |disputed| {
        // deltaCRLIndicator is there. OpenSSL does not even ask whether the CA may sign CRLs then.
        let delta = disputed.case.crls.iter().any(|crl| crl.windows(5).any(|part| part == [6, 3, 0x55, 0x1d, 27]));
        delta && disputed.crl_problem(|problem| matches!(problem, CrlProblem::Delta | CrlProblem::SignerLacksCrlSign))
    }),
    (
        Difference::stricter(
            "openssl.crl_issuer_by_bytes",
            "a CRL's issuer is written as the certificate's issuer is; OpenSSL folds case and string types",
            CRLS,
        ),
        |disputed| {
            let spelled = |one: &Features<'_>| disputed.case.crls.iter().any(|crl| crl.windows(one.issuer.len()).any(|part| part == one.issuer));
            disputed.anywhere(|reason, one| matches!(reason, Reason::CrlMissing { .. }) && !spelled(one))
        },
    ),
    (
        Difference::stricter(
            "openssl.extension_twice",
            "an extension stands once in a certificate, RFC 5280 §4.2; OpenSSL counts those that it reads",
            PURPOSE,
        ),
        |disputed| disputed.anywhere(|reason, one| matches!(reason, Reason::DuplicateExtension(_)) && one.repeats_other_than(&READ)),
    ),
    (Difference::stricter("openssl.lenient_der", "BOOLEAN and OBJECT IDENTIFIER have one encoding, X.690 §8.19, §11.1", PARSER), |disputed| {
        let broken = |one: &Features<'_>| one.extensions().iter().any(|e| !is_identifier(e.oid) || e.odd_boolean);
        // basicConstraints: a BOOLEAN that is there and not 255.
        let odd_ca = |one: &Features<'_>| {
            one.extension(BASIC_CONSTRAINTS).is_some_and(|e| e.value.windows(2).any(|part| part == [1, 1]) && !e.value.contains(&0xff))
        };
        disputed.field("tbsCertificate.extensions") && disputed.path.iter().any(broken)
            || disputed.anywhere(|reason, one| *reason == Reason::MalformedExtension("basicConstraints") && odd_ca(one))
    }),
    (
        Difference::stricter("openssl.lenient_values", "an extension that we process has one encoding, X.690; OpenSSL reads more than one", PARSER),
        |disputed| {
            disputed.anywhere(|reason, one| {
                *reason == Reason::MalformedExtension("extKeyUsage") && !one.purposes_are_whole()
                    || matches!(reason, Reason::MalformedExtension(_)) && one.extensions().iter().any(has_trailing_bytes)
                    || *reason == Reason::MalformedExtension("keyUsage") && one.extension(KEY_USAGE).is_some_and(|e| !is_bit_list(e.value))
            })
        },
    ),
    (
        Difference::stricter("openssl.odd_alt_names", "an IA5String has seven bits, and a GeneralName one of nine tags, RFC 5280 §4.2.1.6", PARSER),
        |disputed| {
            let odd = |name: &Tlv<'_>| match name.tag {
                0x81 | 0x82 | 0x86 => !name.content.is_ascii(),
                tag => !matches!(tag, 0x87 | 0x88 | 0xa0 | 0xa3..=0xa5),
            };
            disputed.anywhere(|reason, one| *reason == Reason::MalformedExtension("subjectAltName") && one.alt_names().iter().any(odd))
        },
    ),
    (Difference::stricter("openssl.crl_form", "a CRL that cannot be read is not used", PARSER), |disputed| {
        matches!(disputed.refusal, Refusal::Crl(_))
    }),
    (Difference::stricter("openssl.lenient_serial_encoding", "an INTEGER has one encoding, X.690 §8.3", PARSER), |disputed| {
        disputed.field("tbsCertificate.serialNumber")
    }),
];

/// What OpenSSL decodes when it first looks at a certificate, so that it notices it twice.
const READ: [&[u8]; 8] = [
    BASIC_CONSTRAINTS,
    KEY_USAGE,
    EXTENDED_KEY_USAGE,
    SUBJECT_ALT_NAME,
    NAME_CONSTRAINTS,
    SUBJECT_KEY_IDENTIFIER,
    AUTHORITY_KEY_IDENTIFIER,
    &[0x55, 0x1d, 31],
];

impl Disputed<'_> {
    fn anywhere(&self, explains: impl Fn(&Reason, &Features<'_>) -> bool) -> bool {
        self.refusal.rule().is_some_and(|(reason, place)| self.path.get(place).is_some_and(|one| explains(reason, one)))
    }

    fn field(&self, name: &str) -> bool {
        matches!(self.refusal.unreadable(), Some(CertificateError::Malformed { field, .. }) if *field == name)
    }

    fn crl_problem(&self, explains: impl Fn(&CrlProblem) -> bool) -> bool {
        matches!(self.refusal.rule(), Some((Reason::CrlUnusable { problem, .. }, _)) if explains(problem))
    }
}

/// Behind the value: OpenSSL's decoders of extensions do not look there.
fn has_trailing_bytes(extension: &Extension<'_>) -> bool {
    Tlv::first(extension.value).is_some_and(|(_, rest)| !rest.is_empty())
}

pub(in super::super) fn stricter(refusal: &Refusal, case: &Case, path: &[Features<'_>]) -> Option<&'static Difference> {
    let disputed = Disputed { refusal, case, path };
    STRICTER.iter().find(|(_, explains)| explains(&disputed)).map(|(difference, _)| difference)
}
