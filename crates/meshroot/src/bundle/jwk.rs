//! Public keys as the members of a JSON Web Key (RFC 7517, RFC 7518 §6, RFC 8037).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use der::asn1::{AnyRef, UintRef};
use der::{Decode, SliceReader};

use super::IgnoredReason;
use super::error::shown;
use super::raw_jwk::{Member, RawJwk};
use crate::key::{KeyAlgorithm, KeyError, PublicKey};
use crate::x509::encode::{SEQUENCE, element, positive_integer};

/// Members of private keys and of symmetric ones.
const SECRETS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A public key: what two JSON Web Keys are compared by, and all that is written of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PublicJwk {
    Ec {
        curve: &'static str,
        x: Vec<u8>,
        y: Vec<u8>,
    },
    Okp {
        x: Vec<u8>,
    },
    /// Without leading zero octets.
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
}

impl PublicJwk {
    /// The key of a certificate.
    pub(crate) fn of(key: &PublicKey) -> Option<Self> {
        let bytes = key.key_bytes();
        let point = |curve| {
            // 0x04, then both coordinates; `PublicKey` holds no other form.
            let (x, y) = bytes.get(1..).and_then(|xy| xy.split_at_checked(xy.len() / 2))?;
            Some(Self::Ec { curve, x: x.into(), y: y.into() })
        };
        match key.algorithm() {
            KeyAlgorithm::EcdsaP256 => point("P-256"),
            KeyAlgorithm::EcdsaP384 => point("P-384"),
            KeyAlgorithm::Ed25519 => Some(Self::Okp { x: bytes.into() }),
            KeyAlgorithm::Rsa(_) => {
                let sequence = AnyRef::from_der(bytes).ok()?;
                let mut fields = SliceReader::new(sequence.value()).ok()?;
                let n = UintRef::decode(&mut fields).ok()?;
                let e = UintRef::decode(&mut fields).ok()?;
                Some(Self::Rsa { n: n.as_bytes().into(), e: e.as_bytes().into() })
            }
        }
    }

    /// The key that an entry's members make. Whether a point lies on its curve is left to whoever uses the key.
    pub(crate) fn read(jwk: &RawJwk) -> Result<Self, IgnoredReason> {
        let kty = jwk.text("kty")?;
        if !matches!(kty, "EC" | "OKP" | "RSA") {
            return Err(IgnoredReason::UnknownKeyType(shown(kty)));
        }
        if let Some(secret) = SECRETS.into_iter().find(|name| jwk.has(name)) {
            return Err(IgnoredReason::PrivateKey(secret));
        }
        if kty == "RSA" {
            return Ok(Self::Rsa { n: jwk.number("n")?, e: jwk.number("e")? });
        }
        let curve = jwk.text("crv")?;
        let (curve, length) = match (kty, curve) {
            ("EC", "P-256") => ("P-256", 32),
            ("EC", "P-384") => ("P-384", 48),
            ("EC", "P-521") => ("P-521", 66), // ES512 of JWT-SVIDs; no certificate of ours has it
            ("OKP", "Ed25519") => return Ok(Self::Okp { x: jwk.coordinate("x", 32)? }),
            _ => return Err(IgnoredReason::UnknownCurve(shown(curve))),
        };
        Ok(Self::Ec { curve, x: jwk.coordinate("x", length)?, y: jwk.coordinate("y", length)? })
    }

    /// The key itself, if it is of a kind that a certificate may have.
    ///
    /// # Errors
    /// As [`PublicKey::from_spki_der`].
    pub(crate) fn public_key(&self) -> Result<PublicKey, KeyError> {
        let point = |x: &[u8], y: &[u8]| [&[0x04], x, y].concat();
        match self {
            Self::Ec { curve: "P-256", x, y } => PublicKey::from_key_bytes(KeyAlgorithm::EcdsaP256, &point(x, y)),
            Self::Ec { curve: "P-384", x, y } => PublicKey::from_key_bytes(KeyAlgorithm::EcdsaP384, &point(x, y)),
            Self::Ec { curve, .. } => Err(KeyError::UnsupportedAlgorithm(format!("ECDSA {curve}"))),
            Self::Okp { x } => PublicKey::from_key_bytes(KeyAlgorithm::Ed25519, x),
            Self::Rsa { n, e } => {
                let mut pkcs1 = Vec::new();
                element(&mut pkcs1, SEQUENCE, |out| {
                    positive_integer(out, n);
                    positive_integer(out, e);
                });
                PublicKey::from_key_bytes(KeyAlgorithm::Rsa(0), &pkcs1)
            }
        }
    }

    /// `kty`'s value.
    pub(crate) fn key_type(&self) -> &'static str {
        match self {
            Self::Ec { .. } => "EC",
            Self::Okp { .. } => "OKP",
            Self::Rsa { .. } => "RSA",
        }
    }

    /// The members that make the key, in a fixed order.
    pub(crate) fn members(&self) -> String {
        let text = |bytes: &[u8]| BASE64URL.encode(bytes);
        match self {
            Self::Ec { curve, x, y } => format!(r#""crv":"{curve}","x":"{}","y":"{}""#, text(x), text(y)),
            Self::Okp { x } => format!(r#""crv":"Ed25519","x":"{}""#, text(x)),
            Self::Rsa { n, e } => format!(r#""n":"{}","e":"{}""#, text(n), text(e)),
        }
    }
}

impl RawJwk {
    /// Whether the member is there, and not null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.get(name).is_some_and(|member| !matches!(member, Member::Null))
    }

    /// A member that must be a text.
    pub(crate) fn text(&self, name: &'static str) -> Result<&str, IgnoredReason> {
        match self.members.get(name) {
            None | Some(Member::Null) => Err(IgnoredReason::MissingMember(name)),
            Some(Member::Text(text)) => Ok(text),
            Some(_) => Err(IgnoredReason::BadMember { member: name, reason: "it must be a string" }),
        }
    }

    fn bytes(&self, name: &'static str) -> Result<Vec<u8>, IgnoredReason> {
        BASE64URL.decode(self.text(name)?).map_err(|_| IgnoredReason::BadMember { member: name, reason: "it must be base64url without padding" })
    }

    /// A coordinate, in full length (RFC 7518 §6.2.1.2).
    fn coordinate(&self, name: &'static str, length: usize) -> Result<Vec<u8>, IgnoredReason> {
        let bytes = self.bytes(name)?;
        if bytes.len() == length {
            Ok(bytes)
        } else {
            Err(IgnoredReason::BadMember { member: name, reason: "it must be as long as the curve's field" })
        }
    }

    /// A number. Leading zero octets are against RFC 7518 §6.3.1.1 and common: they change nothing.
    fn number(&self, name: &'static str) -> Result<Vec<u8>, IgnoredReason> {
        let bytes: Vec<u8> = self.bytes(name)?.into_iter().skip_while(|byte| *byte == 0).collect();
        if bytes.is_empty() { Err(IgnoredReason::BadMember { member: name, reason: "it must not be zero" }) } else { Ok(bytes) }
    }
}
