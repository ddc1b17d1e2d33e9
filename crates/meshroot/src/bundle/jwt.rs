use super::entry;
use super::jwk::PublicJwk;
use super::raw::read_jwk;
use super::write::quoted;
use super::{BundleError, IgnoredReason, Limits};

/// A public key that JWT-SVIDs of the trust domain are signed with, and its key ID (JWT-SVID §6).
///
/// It is carried through bundles; validating tokens with it is not this library's business yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwtAuthority {
    kid: Box<str>,
    key: PublicJwk,
}

impl JwtAuthority {
    /// Reads a JSON Web Key with a `kid`; of its other members only those of the public key are kept.
    ///
    /// # Errors
    /// No JSON object; a key that is private, of an unknown kind, or without `kid`.
    pub fn from_jwk_json(json: &[u8]) -> Result<Self, BundleError> {
        let jwk = read_jwk(json, &Limits::default())?;
        if let Some(name) = jwk.duplicate {
            return Err(BundleError::Jwk(IgnoredReason::DuplicateMember(name)));
        }
        entry::jwt(&jwk).map_err(BundleError::Jwk)
    }

    pub(super) fn new(kid: &str, key: PublicJwk) -> Self {
        Self { kid: kid.into(), key }
    }

    /// The key ID: never empty.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The key as it stands in a bundle: `{"kty":…,"use":"jwt-svid","kid":…,…}`.
    pub fn to_jwk_json(&self) -> String {
        format!(r#"{{"kty":"{}","use":"jwt-svid","kid":{},{}}}"#, self.key.key_type(), quoted(&self.kid), self.key.members())
    }
}
