//! The compact serialization of a JWS (RFC 7515 §3.1) and the header rules (§4.1, RFC 8725).

use base64::Engine as _;
// Without padding, with the unused bits of the last character zero: one text for one value.
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;

use super::algorithm::JwsAlgorithm;
use super::json::{Json, Object, read_object};
use super::{MAX_TOKEN_BYTES, TokenError};
use crate::bundle::error::shown;

/// The longest key ID that Kubernetes lets a signer use.
const MAX_KID_BYTES: usize = 1024;

/// Members with which a token brings its own key, or says where to fetch one. No API server sets them; heeding them is the oldest
/// attack on JWS there is.
const KEYS_IN_HEADER: [&str; 4] = ["jwk", "jku", "x5u", "x5c"];

/// A token that is well-formed. Nobody has verified its signature.
pub(super) struct Jws<'a> {
    pub(super) algorithm: JwsAlgorithm,
    pub(super) kid: Option<String>,
    pub(super) claims: Object,
    /// What is signed: both first parts as they stand.
    pub(super) message: &'a [u8],
    pub(super) signature: Vec<u8>,
}

impl<'a> Jws<'a> {
    pub(super) fn parse(compact: &'a str) -> Result<Self, TokenError> {
        if compact.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLong { found: compact.len() });
        }
        let (message, signature) = compact.rsplit_once('.').ok_or(TokenError::NotCompact { parts: 1 })?;
        let (header, claims) = message.split_once('.').ok_or(TokenError::NotCompact { parts: 2 })?;
        if claims.contains('.') {
            return Err(TokenError::NotCompact { parts: compact.split('.').count() });
        }
        let header = read_object("header", &decode("header", header)?)?;
        let (algorithm, kid) = judge(&header)?;
        let signature = decode("signature", signature)?;
        let claims = read_object("claims", &decode("claims", claims)?)?;
        Ok(Self { algorithm, kid, claims, message: message.as_bytes(), signature })
    }
}

fn decode(part: &'static str, text: &str) -> Result<Vec<u8>, TokenError> {
    BASE64URL.decode(text).map_err(|_| TokenError::Base64 { part })
}

fn judge(header: &Object) -> Result<(JwsAlgorithm, Option<String>), TokenError> {
    let text = |member: &'static str| match header.get(member) {
        None => Ok(None),
        Some(Json::Text(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(TokenError::BadHeader { member, reason: "it is no text" }),
    };
    // First of all, so that the message names the attack.
    let algorithm = JwsAlgorithm::read(text("alg")?.ok_or(TokenError::BadHeader { member: "alg", reason: "it is missing" })?)?;
    // RFC 7515 §4.1.11: whoever does not know an extension that is critical must refuse. We know none; `b64` (RFC 7797) would
    // change what is signed, and its sender must list it here.
    if header.contains_key("crit") || header.contains_key("b64") {
        return Err(TokenError::Critical);
    }
    if let Some(member) = KEYS_IN_HEADER.into_iter().find(|member| header.contains_key(*member)) {
        return Err(TokenError::KeyInHeader(member));
    }
    // RFC 8725 §3.11: another kind of JWT by the same signer is no service account token. Kubernetes leaves it out, signers that
    // are plugged into it write JWT. Case does not matter (RFC 7515 §4.1.9).
    if let Some(typ) = text("typ")?.filter(|typ| !typ.eq_ignore_ascii_case("JWT")) {
        return Err(TokenError::WrongType(shown(typ)));
    }
    let kid = text("kid")?.filter(|kid| !kid.is_empty()).map(str::to_owned);
    if kid.as_ref().is_some_and(|kid| kid.len() > MAX_KID_BYTES) {
        return Err(TokenError::BadHeader { member: "kid", reason: "it is longer than 1024 bytes" });
    }
    Ok((algorithm, kid))
}
