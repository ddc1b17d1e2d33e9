//! What we accept and OpenSSL refuses.

use openssl::pkey::PKey;

use super::{CRLS, NAMES, PARSER, PURPOSE, VERIFY};
use crate::differential::blueprint::BASIC_CONSTRAINTS;
use crate::differential::der::{Tlv, time};
use crate::differential::difference::Difference;
use crate::differential::features::Features;
use crate::differential::form::{folded, is_identifier, is_name, is_whole};
use crate::differential::openssl::Refused;
use crate::differential::world::{Case, Purpose};

const CHECK_EXTENSIONS: &str = "OpenSSL 3.0 crypto/x509/x509_vfy.c, check_extensions: X509_V_FLAG_X509_STRICT";
const CHECK_ISSUED: &str = "OpenSSL 3.0 crypto/x509/v3_purp.c, X509_check_issued";

/// An entry: the difference, and whether it explains this error of OpenSSL's, by number and depth.
type Laxer = (Difference, fn(i32, usize, &Case, &[Features<'_>]) -> bool);

/// cRLDistributionPoints as our cases have it when nothing broke it.
const POINTS: &[u8] = b"\x30\x26\x30\x24\xa0\x22\xa0\x20\x86\x1ehttp://crl.mesh.example/ca.crl";

/// Numbers of `X509_V_ERR_…`.
mod error {
    pub(super) const UNSPECIFIED: i32 = 1;
    /// `X509_V_ERR_APPLICATION_VERIFICATION`: `X509_verify_cert` gave no answer.
    pub(super) const NO_VERDICT: i32 = 50;
    pub(super) const UNABLE_TO_GET_CRL: i32 = 3;
    pub(super) const CERT_SIGNATURE_FAILURE: i32 = 7;
    pub(super) const CRL_SIGNATURE_FAILURE: i32 = 8;
    pub(super) const CRL_NOT_YET_VALID: i32 = 11;
    pub(super) const SELF_SIGNED: i32 = 18;
    pub(super) const SELF_SIGNED_IN_CHAIN: i32 = 19;
    pub(super) const CERT_HAS_EXPIRED: i32 = 10;
    pub(super) const CRL_HAS_EXPIRED: i32 = 12;
    pub(super) const UNABLE_TO_GET_ISSUER_CERT: i32 = 2;
    pub(super) const UNABLE_TO_GET_ISSUER_CERT_LOCALLY: i32 = 20;
    pub(super) const CERT_REVOKED: i32 = 23;
    pub(super) const INVALID_PURPOSE: i32 = 26;
    pub(super) const INVALID_POLICY_EXTENSION: i32 = 42;
    pub(super) const NO_EXPLICIT_POLICY: i32 = 43;
    pub(super) const DIFFERENT_CRL_SCOPE: i32 = 44;
    pub(super) const KEYUSAGE_NO_CRL_SIGN: i32 = 35;
    pub(super) const PERMITTED_VIOLATION: i32 = 47;
    pub(super) const PATHLEN_INVALID_FOR_NON_CA: i32 = 80;
    pub(super) const PATHLEN_WITHOUT_KEY_CERT_SIGN: i32 = 81;
    pub(super) const SUBJECT_NAME_EMPTY: i32 = 84;
    pub(super) const MISSING_AUTHORITY_KEY_IDENTIFIER: i32 = 85;
    pub(super) const MISSING_SUBJECT_KEY_IDENTIFIER: i32 = 86;
    pub(super) const CA_BCONS_NOT_CRITICAL: i32 = 89;
    pub(super) const CA_CERT_MISSING_KEY_USAGE: i32 = 92;
}

static LAXER: [Laxer; 19] = [
    (
        Difference::laxer(
            "openssl.last_second",
            "notAfter and nextUpdate are part of the period, RFC 5280 §4.1.2.5; for OpenSSL it is over then",
            VERIFY,
        ),
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
        Difference::laxer("openssl.leaf_key_off_curve", "a key that is no point of its curve authenticates nobody: the handshake finds out", VERIFY),
        |code, depth, _, path| {
            matches!(code, error::UNSPECIFIED | error::NO_VERDICT) && depth == 0 && PKey::public_key_from_der(path[0].key).is_err()
        },
    ),
    (
        Difference::laxer(
            "openssl.unread_alt_names",
            "what a directoryName says is read when a constraint asks for it; OpenSSL reads every name of every certificate",
            PURPOSE,
        ),
        |code, _, _, path| {
            // [0] EXPLICIT ANY: one element, and nothing else.
            let is_one = |value: &Tlv<'_>| is_whole(value) && value.children().len() == 1;
            let unread = |name: &Tlv<'_>| match name.tag {
                0xa4 => !is_name(name.content),
                0x88 => !is_identifier(name.content),
                0xa0 => {
                    !matches!(name.children()[..], [oid, value] if oid.tag == 6 && is_identifier(oid.content) && value.tag == 0xa0 && is_one(&value))
                }
                _ => false,
            };
            matches!(code, error::UNSPECIFIED | error::UNABLE_TO_GET_ISSUER_CERT | error::UNABLE_TO_GET_ISSUER_CERT_LOCALLY)
                && path.iter().any(|one| one.alt_names().iter().chain(&one.bases()).any(unread))
        },
    ),
    (
        Difference::laxer(
            "openssl.distribution_points",
            "an extension that is not critical and not ours is nothing to us, RFC 5280 §4.2; OpenSSL reads this one",
            PURPOSE,
        ),
        |code, _, _, path| {
            let broken = |one: &Features<'_>| one.extension(&[0x55, 0x1d, 31]).is_some_and(|e| !e.critical && e.value != POINTS);
            matches!(code, error::UNSPECIFIED | error::UNABLE_TO_GET_ISSUER_CERT | error::UNABLE_TO_GET_ISSUER_CERT_LOCALLY)
                && path.iter().any(broken)
        },
    ),
    (
        Difference::laxer(
            "openssl.policies_unread",
            "policies are read when something above demands one, RFC 5280 §6.1; OpenSSL reads them always",
            "OpenSSL 3.0 crypto/x509/pcy_cache.c",
        ),
        |code, _, _, path| {
            let stated = |one: &Features<'_>| [32, 33, 36, 54].iter().any(|last| one.extension(&[0x55, 0x1d, *last]).is_some());
            code == error::INVALID_POLICY_EXTENSION && path.iter().any(stated)
        },
    ),
    (
        Difference::laxer(
            "openssl.any_policy",
            "anyPolicy in a leaf is a valid policy, RFC 5280 §6.1.5 (g); OpenSSL wants one by name",
            "OpenSSL 3.0 crypto/x509/pcy_tree.c",
        ),
        |code, _, _, path| {
            let any =
                |one: &Features<'_>| one.extension(&[0x55, 0x1d, 32]).is_some_and(|e| e.value.windows(4).any(|part| part == [0x55, 0x1d, 32, 0]));
            code == error::NO_EXPLICIT_POLICY && path.first().is_some_and(any)
        },
    ),
    (
        Difference::laxer("openssl.user_information", "a URI's host stands behind its user information, RFC 3986 §3.2; OpenSSL compares both", NAMES),
        |code, _, _, path| {
            let user = |name: &Tlv<'_>| name.tag == 0x86 && name.content.contains(&b'@');
            code == error::PERMITTED_VIOLATION && path.iter().any(|one| one.alt_names().iter().any(user))
        },
    ),
    (Difference::laxer("openssl.root_dot", "a host name with the root's dot behind it is the same host", NAMES), |code, _, _, path| {
        let dotted = |one: &Features<'_>| one.alt_names().iter().any(|name| name.tag == 0x82 && name.content.ends_with(b"."));
        code == error::PERMITTED_VIOLATION && path.iter().any(dotted)
    }),
    (
        Difference::laxer(
            "openssl.namesakes",
            "two CAs of one name on a path: OpenSSL takes the one for the other and does not go back",
            CHECK_ISSUED,
        ),
        |code, _, _, path| {
            let same = |one: &Features<'_>, other: &Features<'_>| folded(one.subject) == folded(other.subject);
            let namesakes = path.iter().enumerate().any(|(place, ca)| path.iter().skip(place + 1).any(|above| same(above, ca)));
            matches!(code, error::CERT_SIGNATURE_FAILURE | error::CRL_SIGNATURE_FAILURE | error::SELF_SIGNED | error::SELF_SIGNED_IN_CHAIN)
                && namesakes
        },
    ),
    (
        Difference::laxer("openssl.anchor_revocation", "whoever trusts an anchor takes it from the bundle; nobody above it could revoke it", CRLS),
        |code, depth, _, path| {
            let about_crls = matches!(
                code,
                error::UNABLE_TO_GET_CRL
                    | error::CERT_REVOKED
                    | error::DIFFERENT_CRL_SCOPE
                    | error::KEYUSAGE_NO_CRL_SIGN
                    | error::CRL_HAS_EXPIRED
                    | error::CRL_NOT_YET_VALID
                    | error::CRL_SIGNATURE_FAILURE
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
            code == error::INVALID_PURPOSE
                && case.purpose != Purpose::Any
                && depth == 0
                && path[0].key_usage().is_some_and(|bits| bits & 0xa8 != 0xa8)
        },
    ),
    (
        Difference::laxer(
            "openssl.strict_path_length",
            "a pathLenConstraint of a leaf means nothing; CAs are told not to write it, RFC 5280 §4.2.1.9",
            CHECK_EXTENSIONS,
        ),
        |code, depth, case, path| {
            let lone = |one: &Features<'_>| matches!(one.basic_constraints(), Some((false, Some(_))));
            code == error::PATHLEN_INVALID_FOR_NON_CA && case.strict && path.get(depth).is_some_and(lone)
        },
    ),
    (
        Difference::laxer(
            "openssl.strict_subject",
            "a leaf without subject and other names has nothing to say, and breaks no path",
            CHECK_EXTENSIONS,
        ),
        |code, depth, case, path| code == error::SUBJECT_NAME_EMPTY && case.strict && path.get(depth).is_some_and(|one| one.subject == [0x30, 0]),
    ),
    (
        Difference::laxer(
            "openssl.strict_authority_key_identifier",
            "CAs are told to write it, RFC 5280 §4.2.1.1; validators are not told to demand it",
            CHECK_EXTENSIONS,
        ),
        |code, depth, case, path| {
            let names_key = |one: &Features<'_>| one.authority().is_some_and(|fields| fields.iter().any(|field| field.tag == 0x80));
            code == error::MISSING_AUTHORITY_KEY_IDENTIFIER && case.strict && path.get(depth).is_some_and(|one| !names_key(one))
        },
    ),
    (
        Difference::laxer(
            "openssl.strict_subject_key_identifier",
            "CAs are told to write it, RFC 5280 §4.2.1.2; validators are not told to demand it",
            CHECK_EXTENSIONS,
        ),
        |code, _, case, path| {
            let has = |one: &Features<'_>| one.subject_key_id().is_some_and(|id| !id.is_empty());
            code == error::MISSING_SUBJECT_KEY_IDENTIFIER && case.strict && !path.iter().all(has)
        },
    ),
    (
        Difference::laxer(
            "openssl.strict_critical_basic_constraints",
            "CAs are told to make it critical, RFC 5280 §4.2.1.9; read, it binds either way",
            CHECK_EXTENSIONS,
        ),
        |code, depth, case, path| {
            code == error::CA_BCONS_NOT_CRITICAL && case.strict && path.get(depth).is_some_and(|one| !one.has_critical(BASIC_CONSTRAINTS))
        },
    ),
    (
        Difference::laxer(
            "openssl.strict_key_usage",
            "a missing keyUsage forbids nothing, RFC 5280 §6.1.4 (n); our rules for SVIDs demand it",
            CHECK_EXTENSIONS,
        ),
        |code, depth, case, path| {
            let missed = matches!(code, error::CA_CERT_MISSING_KEY_USAGE | error::PATHLEN_WITHOUT_KEY_CERT_SIGN);
            missed && case.strict && path.get(depth).is_some_and(|one| one.key_usage().is_none())
        },
    ),
];

static UNREAD_NAMES: Difference =
    Difference::laxer("openssl.unread_names", "names that are the same to the byte are the same; what they say is read when it counts", PARSER);

static UNREAD_IDS: Difference = Difference::laxer("openssl.unread_unique_ids", "unique identifiers are read past, whatever they hold", PARSER);

pub(in super::super) fn laxer(refused: &Refused, case: &Case, path: &[Features<'_>]) -> Option<&'static Difference> {
    match refused {
        Refused::Verify { code, depth, .. } => {
            let found = LAXER.iter().find(|(_, explains)| explains(*code, *depth, case, path)).map(|(difference, _)| difference);
            // An intermediate that it cannot read is one that it does not have.
            found.or_else(|| (*code == error::UNABLE_TO_GET_ISSUER_CERT_LOCALLY).then(|| unread(path)).flatten())
        }
        Refused::Unreadable(_) => unread(path),
    }
}

fn unread(path: &[Features<'_>]) -> Option<&'static Difference> {
    if path.iter().any(|one| !is_name(one.subject) || !is_name(one.issuer)) {
        return Some(&UNREAD_NAMES);
    }
    path.iter().any(|one| one.has_unique_ids).then_some(&UNREAD_IDS)
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
    let by_issuer =
        fields.iter().find(|field| field.tag == 0xa1).is_none_or(|names| names.children().iter().any(|name| name.content == issuer.issuer));
    by_key && by_serial && by_issuer
}
