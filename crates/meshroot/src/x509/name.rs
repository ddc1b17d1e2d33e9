use core::fmt;

use der::Decode;
use x509_cert::name::Name;

use super::{CertificateError, encode};

/// A distinguished name (RFC 5280 §4.1.2.4), kept as the DER it was read from.
///
/// Two names are equal when their bytes are. RFC 5280 §7.1 would fold case and white space too; a CA copies its subject
/// into the issuer field byte for byte, and all verifiers of a mesh compare bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DistinguishedName(Box<[u8]>);

const ORGANIZATION: [u8; 3] = [0x55, 0x04, 0x0a];
const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];

/// Upper bounds of RFC 5280 appendix A.1 (`ub-organization-name`, `ub-common-name`), in characters.
const MOST_CHARACTERS: usize = 64;

impl DistinguishedName {
    /// The DER of the name without any attribute.
    pub(crate) const EMPTY: [u8; 2] = [0x30, 0x00];

    /// The name without any attribute.
    pub fn empty() -> Self {
        Self(Self::EMPTY.into())
    }

    /// `O=organization, CN=common name`, both cut to the 64 characters that X.520 allows.
    pub fn new(organization: &str, common_name: &str) -> Self {
        let mut out = Vec::with_capacity(96);
        encode::element(&mut out, encode::SEQUENCE, |out| {
            for (attribute, value) in [(ORGANIZATION, organization), (COMMON_NAME, common_name)] {
                let value: String = value.chars().take(MOST_CHARACTERS).collect();
                encode::element(out, encode::SET, |out| {
                    encode::element(out, encode::SEQUENCE, |out| {
                        encode::bytes(out, encode::OID, &attribute);
                        encode::bytes(out, encode::UTF8_STRING, value.as_bytes());
                    });
                });
            }
        });
        Self(out.into())
    }

    /// Reads a Name in DER, as TLS servers list them for the issuers that they accept (RFC 8446 §4.2.4).
    ///
    /// # Errors
    /// [`CertificateError::Malformed`].
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        Name::from_der(der).map_err(CertificateError::malformed("Name"))?;
        Ok(Self(der.into()))
    }

    pub(crate) fn from_der_unchecked(der: &[u8]) -> Self {
        Self(der.into())
    }

    /// The Name in DER.
    pub fn as_der(&self) -> &[u8] {
        &self.0
    }

    /// Whether there is no attribute in it.
    pub fn is_empty(&self) -> bool {
        matches!(*self.0, [0x30, 0x00])
    }
}

/// RFC 4514: `CN=west,O=mesh.example`, `(empty)` for the empty name. Control characters are escaped, so a hostile name
/// cannot touch a terminal.
impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("(empty)");
        }
        match Name::from_der(&self.0) {
            Ok(name) => {
                name.to_string().chars().try_for_each(|c| if c.is_control() { write!(f, "{}", c.escape_default()) } else { write!(f, "{c}") })
            }
            Err(_) => write!(f, "(unreadable name, {} bytes)", self.0.len()),
        }
    }
}

impl fmt::Debug for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_like_rfc_4514() {
        assert_eq!(DistinguishedName::new("mesh.example", "west 1234").to_string(), "CN=west 1234,O=mesh.example");
        assert_eq!(DistinguishedName::empty().to_string(), "(empty)");
    }

    #[test]
    fn a_name_is_read_back_and_rubbish_is_not() {
        let name = DistinguishedName::new("mesh.example", "west");
        assert_eq!(DistinguishedName::from_der(name.as_der()), Ok(name));
        assert_eq!(DistinguishedName::from_der(b"\x30\x01\x00").unwrap_err().code(), "x509.malformed");
    }

    #[test]
    fn a_long_trust_domain_fits_into_a_subject() {
        let name = DistinguishedName::new(&"a".repeat(255), "root");
        assert_eq!(name.to_string(), format!("CN=root,O={}", "a".repeat(64)));
    }

    #[test]
    fn control_characters_never_reach_a_terminal() {
        assert!(!DistinguishedName::new("a\u{1b}[31m", "b").to_string().contains('\u{1b}'));
    }
}
