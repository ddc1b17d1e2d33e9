//! One entry of a bundle's `keys`: what it is, or why it is ignored.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::authority::check_authority;
use super::error::shown;
use super::jwk::PublicJwk;
use super::raw_jwk::{Member, RawJwk};
use super::{IgnoredReason, JwtAuthority};
use crate::x509::Certificate;

/// An entry that can be used.
#[derive(Debug)]
pub(super) enum Authority {
    X509(Certificate),
    Jwt(JwtAuthority),
}

pub(super) fn judge(jwk: &RawJwk) -> Result<Authority, IgnoredReason> {
    if let Some(name) = &jwk.duplicate {
        return Err(IgnoredReason::DuplicateMember(name.clone()));
    }
    match jwk.text("use")? {
        "x509-svid" => x509(jwk).map(Authority::X509),
        "jwt-svid" => jwt(jwk).map(Authority::Jwt),
        other => Err(IgnoredReason::UnknownUse(shown(other))),
    }
}

/// X509-SVID §6. A `kid`, which producers must not set, changes nothing.
fn x509(jwk: &RawJwk) -> Result<Certificate, IgnoredReason> {
    let key = PublicJwk::read(jwk)?;
    let malformed = |reason| IgnoredReason::BadMember { member: "x5c", reason };
    let text = match jwk.members.get("x5c") {
        None | Some(Member::Null | Member::Empty) => return Err(IgnoredReason::NoCertificate),
        Some(Member::First(first)) => match &**first {
            Member::Text(text) => text,
            _ => return Err(malformed("its values must be strings")),
        },
        Some(_) => return Err(malformed("it must be an array")),
    };
    // Standard base64, not base64url (RFC 7517 §4.7).
    let der = BASE64_STANDARD.decode(text).map_err(|_| malformed("its values must be base64 (not base64url) with padding"))?;
    let certificate = Certificate::from_der(&der).map_err(IgnoredReason::Certificate)?;
    check_authority(&certificate).map_err(IgnoredReason::NotAnAuthority)?;
    if PublicJwk::of(certificate.public_key()).as_ref() == Some(&key) { Ok(certificate) } else { Err(IgnoredReason::KeyDiffers) }
}

/// JWT-SVID §6.
pub(super) fn jwt(jwk: &RawJwk) -> Result<JwtAuthority, IgnoredReason> {
    let key = PublicJwk::read(jwk)?;
    match jwk.text("kid")? {
        "" => Err(IgnoredReason::MissingMember("kid")),
        kid => Ok(JwtAuthority::new(kid, key)),
    }
}
