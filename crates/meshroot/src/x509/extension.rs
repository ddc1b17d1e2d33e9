use core::fmt;

use der::asn1::ObjectIdentifier;

use super::encode::{BIT_STRING, BOOLEAN, INTEGER, OCTET_STRING, OID, SEQUENCE, explicit, implicit};
use super::reader::{DerReader, Element};
use crate::spiffe::SpiffeIdRef;

pub(crate) const SUBJECT_KEY_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.14");
pub(crate) const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
pub(crate) const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
pub(crate) const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
pub(crate) const NAME_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.30");
pub(crate) const CERTIFICATE_POLICIES: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.32");
pub(crate) const POLICY_MAPPINGS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.33");
pub(crate) const POLICY_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.36");
pub(crate) const INHIBIT_ANY_POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.54");
pub(crate) const AUTHORITY_INFORMATION_ACCESS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.1");
pub(crate) const AUTHORITY_KEY_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.35");
pub(crate) const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
/// The extensions that are processed here, and so may be critical: what the linter lets us sign, the validator accepts.
pub(crate) const UNDERSTOOD: [ObjectIdentifier; 7] =
    [BASIC_CONSTRAINTS, KEY_USAGE, SUBJECT_ALT_NAME, EXTENDED_KEY_USAGE, NAME_CONSTRAINTS, SUBJECT_KEY_IDENTIFIER, AUTHORITY_KEY_IDENTIFIER];
/// What the validator processes beside them, and the linter never lets us sign.
pub(crate) const POLICIES: [ObjectIdentifier; 4] = [CERTIFICATE_POLICIES, POLICY_MAPPINGS, POLICY_CONSTRAINTS, INHIBIT_ANY_POLICY];

/// The content octets of id-kp-serverAuth (1.3.6.1.5.5.7.3.1), id-kp-clientAuth (….2) and anyExtendedKeyUsage (2.5.29.37.0).
const SERVER_AUTH: [u8; 8] = [0x2b, 6, 1, 5, 5, 7, 3, 1];
const CLIENT_AUTH: [u8; 8] = [0x2b, 6, 1, 5, 5, 7, 3, 2];
const ANY_EXTENDED_KEY_USAGE: [u8; 4] = [0x55, 0x1d, 0x25, 0x00];

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
        let mut outer = DerReader::new(value);
        let sequence = outer.required(SEQUENCE)?;
        outer.finish()?;
        let mut fields = sequence.inside();
        let ca = match fields.optional(BOOLEAN)? {
            // DER leaves the default, FALSE, out (X.690 §11.5).
            Some(flag) if !flag.boolean()? => return Err(flag.wrong()),
            flag => flag.is_some(),
        };
        let path_len = match fields.optional(INTEGER)? {
            Some(number) => Some(match number.integer()? {
                [negative, ..] if negative & 0x80 != 0 => return Err(number.wrong()),
                [one] | [0, one] => *one,
                // More CAs than any path has: no limit in effect, and the largest number we can name.
                _ => u8::MAX,
            }),
            None => None,
        };
        fields.finish()?;
        Ok(Self { ca, path_len })
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
        let mut outer = DerReader::new(value);
        let bits = outer.required(BIT_STRING)?;
        outer.finish()?;
        // Trailing zero bits are left out, and unused bits are zero (X.690 §11.2), so the last bit that counts is set.
        let octets = match bits.content {
            [0] => &[][..],
            [unused, octets @ ..] if octets.last().is_some_and(|last| last.trailing_zeros() == u32::from(*unused)) => octets,
            _ => return Err(bits.wrong()),
        };
        match octets {
            [] => Ok(Self(0)),
            [high] => Ok(Self(u16::from(high.reverse_bits()))),
            [high, low @ 0x80] => Ok(Self(u16::from(high.reverse_bits()) | u16::from(low.reverse_bits()) << 8)),
            _ => Err(bits.wrong()),
        }
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
        let mut outer = DerReader::new(value);
        let sequence = outer.required(SEQUENCE)?;
        outer.finish()?;
        let mut purposes = sequence.inside();
        if purposes.is_finished() {
            return Err(sequence.wrong());
        }
        while !purposes.is_finished() {
            match purposes.required(OID)? {
                e if e.content == SERVER_AUTH => usage.server_auth = true,
                e if e.content == CLIENT_AUTH => usage.client_auth = true,
                e if e.content == ANY_EXTENDED_KEY_USAGE => usage.any = true,
                e => {
                    e.object_identifier()?;
                    usage.others = usage.others.saturating_add(1);
                }
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
    /// How many names there are, of whatever form.
    pub fn len(&self) -> usize {
        let of_known_forms =
            [self.uris.len(), self.dns.len(), self.ips.len(), self.emails.len(), self.directory_names.len()].into_iter().sum::<usize>();
        of_known_forms.saturating_add(self.others)
    }

    /// Whether there is no name, which no certificate can have.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first URI that is a SPIFFE ID: who the certificate says it is for, which validation alone makes true.
    pub fn spiffe_id(&self) -> Option<SpiffeIdRef<'a>> {
        self.uris.iter().find_map(|uri| SpiffeIdRef::parse(uri).ok())
    }

    pub(crate) fn decode(value: &'a [u8]) -> der::Result<Self> {
        let mut names = Self::default();
        let mut outer = DerReader::new(value);
        let sequence = outer.required(SEQUENCE)?;
        outer.finish()?;
        let mut items = sequence.inside();
        if items.is_finished() {
            return Err(sequence.wrong());
        }
        while !items.is_finished() {
            let name = items.element()?;
            // GeneralName: IMPLICIT tags, but for otherName's, x400Address', directoryName's and ediPartyName's content.
            match name.tag {
                0x81 => names.emails.push(ia5(name)?),
                0x82 => names.dns.push(ia5(name)?),
                0x86 => names.uris.push(ia5(name)?),
                0x87 => names.ips.push(name.content),
                0xa4 => names.directory_names.push(name.content),
                0xa0 | 0xa3 | 0xa5 | 0x88 => names.others = names.others.saturating_add(1),
                _ => return Err(name.wrong()),
            }
        }
        Ok(names)
    }
}

/// IA5String: 7 bits. A byte above is no character of any name (RFC 5280 §7.2 to §7.5 demand the encoded forms).
fn ia5(name: Element<'_>) -> der::Result<&str> {
    match core::str::from_utf8(name.content) {
        Ok(text) if text.is_ascii() => Ok(text),
        _ => Err(name.wrong()),
    }
}

/// The octets of a subjectKeyIdentifier.
pub(crate) fn subject_key_identifier(value: &[u8]) -> der::Result<&[u8]> {
    let mut outer = DerReader::new(value);
    let octets = outer.required(OCTET_STRING)?.content;
    outer.finish().map(|()| octets)
}

/// Another way to name an issuer's certificate in an authorityKeyIdentifier (RFC 5280 §4.2.1.1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct AuthorityCert<'a> {
    /// The first directory name of its issuer, in DER.
    pub(crate) issuer: Option<&'a [u8]>,
    /// The content of the INTEGER.
    pub(crate) serial: Option<&'a [u8]>,
}

/// authorityCertIssuer and authorityCertSerialNumber of a readable authorityKeyIdentifier.
pub(crate) fn authority_cert(value: &[u8]) -> Option<AuthorityCert<'_>> {
    let mut fields = DerReader::new(value).required(SEQUENCE).ok()?.inside();
    fields.optional(implicit(0)).ok()?;
    let mut names = fields.optional(explicit(1)).ok()?.map(|names| names.inside());
    let issuer = names.as_mut().and_then(|names| names.optional(explicit(4)).ok().flatten()).map(|name| name.content);
    let serial = fields.optional(implicit(2)).ok()?.map(|serial| serial.content);
    Some(AuthorityCert { issuer, serial })
}

/// The keyIdentifier field of an authorityKeyIdentifier, if there is one.
pub(crate) fn authority_key_identifier(value: &[u8]) -> der::Result<Option<&[u8]>> {
    let mut outer = DerReader::new(value);
    let sequence = outer.required(SEQUENCE)?;
    outer.finish()?;
    let mut fields = sequence.inside();
    let id = fields.optional(implicit(0))?.map(|id| id.content);
    // The issuer's issuer and serial number: read past, and nothing else may stand here.
    fields.optional(explicit(1))?;
    fields.optional(implicit(2))?;
    fields.finish().map(|()| id)
}

/// Whether an authorityKeyIdentifier holds a key identifier and nothing else.
pub(crate) fn is_key_identifier_alone(value: &[u8]) -> bool {
    let mut outer = DerReader::new(value);
    let Ok(sequence) = outer.required(SEQUENCE) else { return false };
    let mut fields = sequence.inside();
    outer.is_finished() && matches!(fields.optional(implicit(0)), Ok(Some(_))) && fields.is_finished()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spiffe_id_is_the_first_uri_that_is_one() {
        let id = |uris: &[&'static str]| AltNames { uris: uris.to_vec(), ..AltNames::default() }.spiffe_id().map(|id| id.to_string());
        assert_eq!(id(&["https://a.example", "spiffe://A.example", "spiffe://a.example/x", "spiffe://b.example"]).unwrap(), "spiffe://a.example/x");
        assert_eq!(id(&["spiffe://a.example", "spiffe://a.example/x"]).unwrap(), "spiffe://a.example");
        assert_eq!([id(&[]), id(&["spiffe://"])], [None, None]);
    }
}
