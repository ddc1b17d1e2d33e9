//! The certificate as it lies in memory: slices into its DER, nothing copied. The issuing and validating paths read
//! certificates through this.

use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Reader, SliceReader, Tag, TagNumber};

use super::{CertificateError, extension as ext};
use crate::time::{Timestamp, Validity};

/// Longer than any certificate a mesh knows; an RSA-8192 chain member with a 2048-byte SPIFFE ID has under 6 kB.
pub(crate) const MAX_CERTIFICATE: usize = 65_536;

/// A Certificate (RFC 5280 §4.1).
#[derive(Clone, Debug)]
pub(crate) struct CertRef<'a> {
    pub(crate) tbs: TbsRef<'a>,
    /// AlgorithmIdentifier, with its header.
    pub(crate) signature_algorithm: &'a [u8],
    pub(crate) signature: &'a [u8],
}

/// A TBSCertificate (RFC 5280 §4.1.2).
#[derive(Clone, Debug)]
pub(crate) struct TbsRef<'a> {
    /// All of it, with its header: what is signed.
    pub(crate) raw: &'a [u8],
    /// 0 is v1, 2 is v3.
    pub(crate) version: u8,
    /// The INTEGER's content octets as they stand (two's complement).
    pub(crate) serial: &'a [u8],
    /// AlgorithmIdentifier, with its header.
    pub(crate) signature_algorithm: &'a [u8],
    /// Name, with its header.
    pub(crate) issuer: &'a [u8],
    pub(crate) validity: Validity,
    /// The same as it is encoded, with its header.
    pub(crate) validity_der: &'a [u8],
    /// Name, with its header.
    pub(crate) subject: &'a [u8],
    /// SubjectPublicKeyInfo, with its header.
    pub(crate) spki: &'a [u8],
    /// issuerUniqueID or subjectUniqueID is there.
    pub(crate) has_unique_ids: bool,
    pub(crate) extensions: Vec<ExtensionRef<'a>>,
}

/// An Extension (RFC 5280 §4.1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExtensionRef<'a> {
    pub(crate) oid: ObjectIdentifier,
    pub(crate) critical: bool,
    /// The content of the OCTET STRING.
    pub(crate) value: &'a [u8],
}

impl<'a> CertRef<'a> {
    pub(crate) fn parse(der: &'a [u8]) -> Result<Self, CertificateError> {
        if der.len() > MAX_CERTIFICATE {
            return Err(CertificateError::TooLong(der.len()));
        }
        let at = CertificateError::malformed;
        let mut reader = SliceReader::new(der).map_err(at("certificate"))?;
        let whole = read_sequence(&mut reader).map_err(at("certificate"))?;
        if !reader.is_finished() {
            return Err(CertificateError::TrailingBytes(usize::try_from(reader.remaining_len()).unwrap_or(usize::MAX)));
        }
        let mut fields = SliceReader::new(whole).map_err(at("certificate"))?;
        let tbs = TbsRef::parse(fields.tlv_bytes().map_err(at("tbsCertificate"))?)?;
        let signature_algorithm = fields.tlv_bytes().map_err(at("signatureAlgorithm"))?;
        let signature = BitStringRef::decode(&mut fields).map_err(at("signatureValue"))?;
        fields.finish().map_err(at("certificate"))?;
        if signature_algorithm != tbs.signature_algorithm {
            return Err(CertificateError::AlgorithmsDiffer);
        }
        let signature = signature.as_bytes().ok_or_else(|| at("signatureValue")(der::ErrorKind::Noncanonical { tag: Tag::BitString }.into()))?;
        Ok(Self { tbs, signature_algorithm, signature })
    }
}

impl<'a> TbsRef<'a> {
    pub(crate) fn parse(raw: &'a [u8]) -> Result<Self, CertificateError> {
        let at = CertificateError::malformed;
        let mut reader = SliceReader::new(raw).map_err(at("tbsCertificate"))?;
        let content = read_sequence(&mut reader).map_err(at("tbsCertificate"))?;
        reader.finish().map_err(at("tbsCertificate"))?;

        let mut r = SliceReader::new(content).map_err(at("tbsCertificate"))?;
        let version = read_version(&mut r).map_err(at("tbsCertificate.version"))?;
        let serial = read_integer(&mut r).map_err(at("tbsCertificate.serialNumber"))?;
        let signature_algorithm = read_tagged_sequence(&mut r).map_err(at("tbsCertificate.signature"))?;
        let issuer = read_tagged_sequence(&mut r).map_err(at("tbsCertificate.issuer"))?;
        let validity_der = r.tlv_bytes().map_err(at("tbsCertificate.validity"))?;
        let validity = read_validity(validity_der).map_err(at("tbsCertificate.validity"))?;
        let subject = read_tagged_sequence(&mut r).map_err(at("tbsCertificate.subject"))?;
        let spki = read_tagged_sequence(&mut r).map_err(at("tbsCertificate.subjectPublicKeyInfo"))?;
        let mut has_unique_ids = false;
        for (number, field) in [(1, "tbsCertificate.issuerUniqueID"), (2, "tbsCertificate.subjectUniqueID")] {
            has_unique_ids |= skip_context(&mut r, number).map_err(at(field))?;
        }
        let extensions = read_extensions(&mut r).map_err(at("tbsCertificate.extensions"))?;
        r.finish().map_err(at("tbsCertificate"))?;
        Ok(Self { raw, version, serial, signature_algorithm, issuer, validity, validity_der, subject, spki, has_unique_ids, extensions })
    }

    /// The first extension with this identifier.
    pub(crate) fn extension(&self, oid: ObjectIdentifier) -> Option<ExtensionRef<'a>> {
        self.extensions.iter().find(|e| e.oid == oid).copied()
    }

    /// The octets of a well-formed subjectKeyIdentifier.
    pub(crate) fn subject_key_id(&self) -> Option<&'a [u8]> {
        self.extension(ext::SUBJECT_KEY_IDENTIFIER).and_then(|e| ext::subject_key_identifier(e.value).ok())
    }

    /// The key identifier in a well-formed authorityKeyIdentifier.
    pub(crate) fn authority_key_id(&self) -> Option<&'a [u8]> {
        self.extension(ext::AUTHORITY_KEY_IDENTIFIER).and_then(|e| ext::authority_key_identifier(e.value).ok().flatten())
    }

    pub(crate) fn self_issued(&self) -> bool {
        self.subject == self.issuer
    }
}

/// The content of the SEQUENCE that comes next.
pub(crate) fn read_sequence<'a>(r: &mut SliceReader<'a>) -> der::Result<&'a [u8]> {
    read_value(r, Tag::Sequence)
}

/// The content of the element that comes next, which has this tag.
pub(crate) fn read_value<'a>(r: &mut SliceReader<'a>, tag: Tag) -> der::Result<&'a [u8]> {
    let any = AnyRef::decode(r)?;
    any.header().tag().assert_eq(tag)?;
    Ok(any.value())
}

/// The SEQUENCE that comes next, with its header.
fn read_tagged_sequence<'a>(r: &mut SliceReader<'a>) -> der::Result<&'a [u8]> {
    Tag::peek(r)?.assert_eq(Tag::Sequence)?;
    r.tlv_bytes()
}

/// `[0] EXPLICIT INTEGER DEFAULT v1`.
fn read_version(r: &mut SliceReader<'_>) -> der::Result<u8> {
    let tag = Tag::ContextSpecific { number: TagNumber(0), constructed: true };
    if Tag::peek(r)? != tag {
        return Ok(0);
    }
    let mut inner = SliceReader::new(read_value(r, tag)?)?;
    let version = u8::decode(&mut inner)?;
    inner.finish()?;
    // DER leaves a default value out (X.690 §11.5), so a v1 that is spelled out is malformed.
    if !(1..=2).contains(&version) {
        return Err(Tag::Integer.value_error().into());
    }
    Ok(version)
}

/// The content octets of an INTEGER in DER: at least one, and no redundant first one (X.690 §8.3.2).
pub(crate) fn read_integer<'a>(r: &mut SliceReader<'a>) -> der::Result<&'a [u8]> {
    let content = read_value(r, Tag::Integer)?;
    match content {
        [] => Err(Tag::Integer.length_error().into()),
        [0x00, second, ..] if second & 0x80 == 0 => Err(Tag::Integer.non_canonical_error().into()),
        [0xff, second, ..] if second & 0x80 != 0 => Err(Tag::Integer.non_canonical_error().into()),
        _ => Ok(content),
    }
}

fn read_validity(der: &[u8]) -> der::Result<Validity> {
    let mut inner = SliceReader::new(read_sequence(&mut SliceReader::new(der)?)?)?;
    let validity = Validity { not_before: read_time(&mut inner)?, not_after: read_time(&mut inner)? };
    inner.finish()?;
    Ok(validity)
}

/// Time as RFC 5280 §4.1.2.5 profiles it: seconds, `Z`, no fractions. A GeneralizedTime before 2050 is read: making
/// one is the issuer's fault, and [`lint`](crate::lint) says so.
pub(crate) fn read_time(r: &mut SliceReader<'_>) -> der::Result<Timestamp> {
    let any = AnyRef::decode(r)?;
    let tag = any.header().tag();
    let text = any.value();
    let (year, rest) = match (tag, text) {
        (Tag::UtcTime, [y1, y2, rest @ ..]) => {
            let year = two_digits(*y1, *y2);
            (year.map(|y| if y < 50 { i32::from(y).saturating_add(2000) } else { i32::from(y).saturating_add(1900) }), rest)
        }
        (Tag::GeneralizedTime, [y1, y2, y3, y4, rest @ ..]) => {
            let year = two_digits(*y1, *y2).zip(two_digits(*y3, *y4));
            (year.map(|(high, low)| i32::from(high).saturating_mul(100).saturating_add(i32::from(low))), rest)
        }
        _ => return Err(tag.value_error().into()),
    };
    let fields = match rest {
        [m1, m2, d1, d2, h1, h2, i1, i2, s1, s2, b'Z'] => [(m1, m2), (d1, d2), (h1, h2), (i1, i2), (s1, s2)].map(|(a, b)| two_digits(*a, *b)),
        _ => return Err(tag.value_error().into()),
    };
    match (year, fields) {
        (Some(year @ 1..), [Some(month), Some(day), Some(hour), Some(minute), Some(second)]) => {
            Timestamp::from_civil(year, month, day, hour, minute, second).ok_or_else(|| tag.value_error().into())
        }
        _ => Err(tag.value_error().into()),
    }
}

fn two_digits(tens: u8, ones: u8) -> Option<u8> {
    let digit = |c: u8| c.checked_sub(b'0').filter(|d| *d < 10);
    Some(digit(tens)?.saturating_mul(10).saturating_add(digit(ones)?))
}

/// Skips `[number]`, if it comes next; both unique identifiers are IMPLICIT BIT STRINGs.
fn skip_context(r: &mut SliceReader<'_>, number: u32) -> der::Result<bool> {
    let tag = Tag::ContextSpecific { number: TagNumber(number), constructed: false };
    let there = !r.is_finished() && Tag::peek(r)? == tag;
    if there {
        r.tlv_bytes()?;
    }
    Ok(there)
}

fn read_extensions<'a>(r: &mut SliceReader<'a>) -> der::Result<Vec<ExtensionRef<'a>>> {
    if r.is_finished() {
        return Ok(Vec::new());
    }
    let outer = read_value(r, Tag::ContextSpecific { number: TagNumber(3), constructed: true })?;
    let mut outer = SliceReader::new(outer)?;
    let list = read_sequence(&mut outer)?;
    outer.finish()?;
    read_extension_list(list)
}

/// The members of a `SEQUENCE SIZE (1..MAX) OF Extension`, without its header.
pub(crate) fn read_extension_list(list: &[u8]) -> der::Result<Vec<ExtensionRef<'_>>> {
    let mut items = SliceReader::new(list)?;
    let mut extensions = Vec::with_capacity(8);
    while !items.is_finished() {
        let mut fields = SliceReader::new(read_sequence(&mut items)?)?;
        let oid = ObjectIdentifier::decode(&mut fields)?;
        let critical = Tag::peek(&fields)? == Tag::Boolean && bool::decode(&mut fields)?;
        let value = <&OctetStringRef>::decode(&mut fields)?.as_bytes();
        fields.finish()?;
        extensions.push(ExtensionRef { oid, critical, value });
    }
    if extensions.is_empty() {
        return Err(Tag::Sequence.length_error().into());
    }
    Ok(extensions)
}
