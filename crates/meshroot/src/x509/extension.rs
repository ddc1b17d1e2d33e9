use core::fmt;

use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Reader, SliceReader, Tag, TagNumber};
use x509_cert::ext::pkix;

use super::wire::{read_sequence, read_value};

pub(crate) const SUBJECT_KEY_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.14");
pub(crate) const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
pub(crate) const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
pub(crate) const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
pub(crate) const NAME_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.30");
pub(crate) const AUTHORITY_KEY_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.35");
pub(crate) const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");
const ANY_EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");

/// basicConstraints (RFC 5280 §4.2.1.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BasicConstraints {
    /// The subject is a CA.
    pub ca: bool,
    /// How many CA certificates may follow below this one, not counting self-issued ones.
    pub path_len: Option<u8>,
}

impl BasicConstraints {
    pub(crate) fn decode(value: &[u8]) -> der::Result<Self> {
        let decoded = pkix::BasicConstraints::from_der(value)?;
        Ok(Self { ca: decoded.ca, path_len: decoded.path_len_constraint })
    }
}

/// keyUsage (RFC 5280 §4.2.1.3): a set of bits, the first of them digitalSignature.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyUsage(u16);

impl KeyUsage {
    /// Signing anything but certificates and CRLs: what a TLS handshake needs.
    pub const DIGITAL_SIGNATURE: Self = Self(1);
    /// Also called contentCommitment.
    pub const NON_REPUDIATION: Self = Self(1 << 1);
    /// TLS with RSA key exchange.
    pub const KEY_ENCIPHERMENT: Self = Self(1 << 2);
    /// Encrypting data directly.
    pub const DATA_ENCIPHERMENT: Self = Self(1 << 3);
    /// Static Diffie-Hellman.
    pub const KEY_AGREEMENT: Self = Self(1 << 4);
    /// Signing certificates: what makes a CA.
    pub const KEY_CERT_SIGN: Self = Self(1 << 5);
    /// Signing CRLs.
    pub const CRL_SIGN: Self = Self(1 << 6);

    const NAMES: [&'static str; 9] = [
        "digitalSignature",
        "nonRepudiation",
        "keyEncipherment",
        "dataEncipherment",
        "keyAgreement",
        "keyCertSign",
        "cRLSign",
        "encipherOnly",
        "decipherOnly",
    ];

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other`'s bits are in this set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether no bit is set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn decode(value: &[u8]) -> der::Result<Self> {
        let usage = pkix::KeyUsage::from_der(value)?;
        Ok(Self(usage.0.bits()))
    }

    /// The BIT STRING in DER: trailing zero bits are left out (X.690 §11.2.2).
    pub(crate) fn encode(self) -> Vec<u8> {
        let [high, low] = [(self.0 & 0xff) as u8, (self.0 >> 8) as u8].map(u8::reverse_bits);
        let bytes: &[u8] = if low != 0 { &[high, low] } else { &[high] };
        let unused = bytes.last().map_or(0, |last| last.trailing_zeros().min(7));
        let mut out = vec![0x03, u8::try_from(bytes.len()).unwrap_or(2).saturating_add(1), u8::try_from(unused).unwrap_or(0)];
        out.extend_from_slice(bytes);
        out
    }
}

/// `digitalSignature, keyEncipherment`
impl fmt::Display for KeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = Self::NAMES.iter().enumerate().filter(|(bit, _)| self.0 >> bit & 1 == 1).map(|(_, name)| *name).collect();
        f.write_str(&names.join(", "))
    }
}

impl fmt::Debug for KeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyUsage({self})")
    }
}

/// extKeyUsage (RFC 5280 §4.2.1.12), as far as a mesh needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtendedKeyUsage {
    /// id-kp-serverAuth.
    pub server_auth: bool,
    /// id-kp-clientAuth.
    pub client_auth: bool,
    /// anyExtendedKeyUsage, which some validators take for all of them.
    pub any: bool,
    /// How many other purposes there are.
    pub others: usize,
}

impl ExtendedKeyUsage {
    pub(crate) fn decode(value: &[u8]) -> der::Result<Self> {
        let mut usage = Self { server_auth: false, client_auth: false, any: false, others: 0 };
        let mut r = SliceReader::new(value)?;
        let mut purposes = SliceReader::new(read_sequence(&mut r)?)?;
        r.finish()?;
        if purposes.is_finished() {
            return Err(Tag::Sequence.length_error().into());
        }
        while !purposes.is_finished() {
            match ObjectIdentifier::decode(&mut purposes)? {
                SERVER_AUTH => usage.server_auth = true,
                CLIENT_AUTH => usage.client_auth = true,
                ANY_EXTENDED_KEY_USAGE => usage.any = true,
                _ => usage.others = usage.others.saturating_add(1),
            }
        }
        Ok(usage)
    }
}

/// subjectAltName (RFC 5280 §4.2.1.6), borrowed from the certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AltNames<'a> {
    /// uniformResourceIdentifier.
    pub uris: Vec<&'a str>,
    /// dNSName.
    pub dns: Vec<&'a str>,
    /// iPAddress: 4 or 16 octets when well formed.
    pub ips: Vec<&'a [u8]>,
    /// rfc822Name.
    pub emails: Vec<&'a str>,
    /// directoryName, in DER.
    pub directory_names: Vec<&'a [u8]>,
    /// How many names of other forms there are.
    pub others: usize,
}

impl<'a> AltNames<'a> {
    pub(crate) fn decode(value: &'a [u8]) -> der::Result<Self> {
        let mut names = Self::default();
        let mut r = SliceReader::new(value)?;
        let mut items = SliceReader::new(read_sequence(&mut r)?)?;
        r.finish()?;
        if items.is_finished() {
            return Err(Tag::Sequence.length_error().into());
        }
        while !items.is_finished() {
            let name = AnyRef::decode(&mut items)?;
            let Tag::ContextSpecific { number: TagNumber(number), constructed } = name.header().tag() else {
                return Err(name.header().tag().value_error().into());
            };
            match (number, constructed) {
                (1, false) => names.emails.push(ia5(name)?),
                (2, false) => names.dns.push(ia5(name)?),
                (4, true) => names.directory_names.push(name.value()),
                (6, false) => names.uris.push(ia5(name)?),
                (7, false) => names.ips.push(name.value()),
                (0 | 3 | 5, true) | (8, false) => names.others = names.others.saturating_add(1),
                _ => return Err(name.header().tag().value_error().into()),
            }
        }
        Ok(names)
    }
}

/// IA5String: 7 bits. A byte above is no character of any name (RFC 5280 §7.2 to §7.5 demand the encoded forms).
fn ia5(name: AnyRef<'_>) -> der::Result<&str> {
    let bytes = name.value();
    match core::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => Ok(text),
        _ => Err(Tag::Ia5String.value_error().into()),
    }
}

/// The octets of a subjectKeyIdentifier.
pub(crate) fn subject_key_identifier(value: &[u8]) -> der::Result<&[u8]> {
    <&OctetStringRef>::from_der(value).map(OctetStringRef::as_bytes)
}

/// The keyIdentifier field of an authorityKeyIdentifier, if there is one.
pub(crate) fn authority_key_identifier(value: &[u8]) -> der::Result<Option<&[u8]>> {
    let mut r = SliceReader::new(value)?;
    let mut fields = SliceReader::new(read_sequence(&mut r)?)?;
    r.finish()?;
    let tag = Tag::ContextSpecific { number: TagNumber(0), constructed: false };
    if fields.is_finished() || Tag::peek(&fields)? != tag {
        return Ok(None);
    }
    read_value(&mut fields, tag).map(Some)
}
