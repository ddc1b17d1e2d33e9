//! The certificate as it lies in memory: slices into its DER, nothing copied. The issuing and validating paths read
//! certificates through this.

use der::asn1::ObjectIdentifier;

use super::encode::{BIT_STRING, BOOLEAN, GENERALIZED_TIME, INTEGER, OCTET_STRING, OID, SEQUENCE, UTC_TIME, explicit, implicit};
use super::reader::{DerReader, Element};
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
    /// Octets of the whole without its header.
    pub(crate) content_len: usize,
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
        let mut outer = DerReader::new(der);
        let whole = outer.required(SEQUENCE).map_err(at("certificate"))?;
        if !outer.is_finished() {
            return Err(CertificateError::TrailingBytes(outer.left()));
        }
        let mut fields = whole.inside();
        let tbs = TbsRef::read(fields.required(SEQUENCE).map_err(at("tbsCertificate"))?)?;
        let signature_algorithm = fields.required(SEQUENCE).map_err(at("signatureAlgorithm"))?.whole;
        let signature = fields.required(BIT_STRING).and_then(|bits| bits.whole_bytes()).map_err(at("signatureValue"))?;
        fields.finish().map_err(at("certificate"))?;
        if signature_algorithm != tbs.signature_algorithm {
            return Err(CertificateError::AlgorithmsDiffer);
        }
        Ok(Self { tbs, signature_algorithm, signature, content_len: whole.content.len() })
    }
}

impl<'a> TbsRef<'a> {
    pub(crate) fn parse(raw: &'a [u8]) -> Result<Self, CertificateError> {
        let at = CertificateError::malformed;
        let mut outer = DerReader::new(raw);
        let whole = outer.required(SEQUENCE).map_err(at("tbsCertificate"))?;
        outer.finish().map_err(at("tbsCertificate"))?;
        Self::read(whole)
    }

    fn read(whole: Element<'a>) -> Result<Self, CertificateError> {
        let at = CertificateError::malformed;
        let mut r = whole.inside();
        let version = read_version(&mut r).map_err(at("tbsCertificate.version"))?;
        let serial = r.required(INTEGER).and_then(|e| e.integer()).map_err(at("tbsCertificate.serialNumber"))?;
        let signature_algorithm = r.required(SEQUENCE).map_err(at("tbsCertificate.signature"))?.whole;
        let issuer = r.required(SEQUENCE).map_err(at("tbsCertificate.issuer"))?.whole;
        let period = r.required(SEQUENCE).map_err(at("tbsCertificate.validity"))?;
        let validity = read_validity(period).map_err(at("tbsCertificate.validity"))?;
        let subject = r.required(SEQUENCE).map_err(at("tbsCertificate.subject"))?.whole;
        let spki = r.required(SEQUENCE).map_err(at("tbsCertificate.subjectPublicKeyInfo"))?.whole;
        // Both unique identifiers are IMPLICIT BIT STRINGs.
        let issuer_unique_id = r.optional(implicit(1)).map_err(at("tbsCertificate.issuerUniqueID"))?;
        let subject_unique_id = r.optional(implicit(2)).map_err(at("tbsCertificate.subjectUniqueID"))?;
        let extensions = match r.optional(explicit(3)).map_err(at("tbsCertificate.extensions"))? {
            Some(tagged) => read_extensions(tagged).map_err(at("tbsCertificate.extensions"))?,
            None => Vec::new(),
        };
        r.finish().map_err(at("tbsCertificate"))?;
        let has_unique_ids = issuer_unique_id.is_some() || subject_unique_id.is_some();
        let validity_der = period.whole;
        Ok(Self { raw: whole.whole, version, serial, signature_algorithm, issuer, validity, validity_der, subject, spki, has_unique_ids, extensions })
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

/// `[0] EXPLICIT INTEGER DEFAULT v1`.
fn read_version(r: &mut DerReader<'_>) -> der::Result<u8> {
    let Some(tagged) = r.optional(explicit(0))? else { return Ok(0) };
    let mut inside = tagged.inside();
    let version = inside.required(INTEGER)?;
    inside.finish()?;
    // DER leaves a default value out (X.690 §11.5), so a v1 that is spelled out is malformed.
    match version.content {
        [version @ 1..=2] => Ok(*version),
        _ => Err(version.wrong()),
    }
}

fn read_validity(period: Element<'_>) -> der::Result<Validity> {
    let mut inside = period.inside();
    let validity = Validity { not_before: read_time(&mut inside)?, not_after: read_time(&mut inside)? };
    inside.finish()?;
    Ok(validity)
}

/// Time as RFC 5280 §4.1.2.5 profiles it: seconds, `Z`, no fractions. A GeneralizedTime before 2050 is read: making
/// one is the issuer's fault, and [`lint`](crate::lint) says so.
pub(crate) fn read_time(r: &mut DerReader<'_>) -> der::Result<Timestamp> {
    let element = r.element()?;
    let (year, rest) = match (element.tag, element.content) {
        (UTC_TIME, [y1, y2, rest @ ..]) => {
            let year = two_digits(*y1, *y2);
            (year.map(|y| if y < 50 { i32::from(y).saturating_add(2000) } else { i32::from(y).saturating_add(1900) }), rest)
        }
        (GENERALIZED_TIME, [y1, y2, y3, y4, rest @ ..]) => {
            let year = two_digits(*y1, *y2).zip(two_digits(*y3, *y4));
            (year.map(|(high, low)| i32::from(high).saturating_mul(100).saturating_add(i32::from(low))), rest)
        }
        _ => return Err(element.wrong()),
    };
    let fields = match rest {
        [m1, m2, d1, d2, h1, h2, i1, i2, s1, s2, b'Z'] => [(m1, m2), (d1, d2), (h1, h2), (i1, i2), (s1, s2)].map(|(a, b)| two_digits(*a, *b)),
        _ => return Err(element.wrong()),
    };
    match (year, fields) {
        // Nobody can tell a certificate of the year 0 from one of the year 1 by what it is valid for today.
        (Some(0), [Some(month), Some(day), Some(hour), Some(minute), Some(second)]) => {
            let exists = Timestamp::from_civil(4, month, day, hour, minute, second);
            exists.map(|_| Timestamp::MIN).ok_or_else(|| element.wrong())
        }
        (Some(year @ 1..), [Some(month), Some(day), Some(hour), Some(minute), Some(second)]) => {
            Timestamp::from_civil(year, month, day, hour, minute, second).ok_or_else(|| element.wrong())
        }
        _ => Err(element.wrong()),
    }
}

fn two_digits(tens: u8, ones: u8) -> Option<u8> {
    let digit = |c: u8| c.checked_sub(b'0').filter(|d| *d < 10);
    Some(digit(tens)?.saturating_mul(10).saturating_add(digit(ones)?))
}

/// `[3] EXPLICIT Extensions`, of a certificate; `[0]` of a CRL.
pub(crate) fn read_extensions(tagged: Element<'_>) -> der::Result<Vec<ExtensionRef<'_>>> {
    let mut inside = tagged.inside();
    let list = inside.required(SEQUENCE)?;
    inside.finish()?;
    read_extension_list(list)
}

/// The members of a `SEQUENCE SIZE (1..MAX) OF Extension`.
pub(crate) fn read_extension_list(list: Element<'_>) -> der::Result<Vec<ExtensionRef<'_>>> {
    let mut items = list.inside();
    let mut extensions = Vec::with_capacity(8);
    while !items.is_finished() {
        let mut fields = items.required(SEQUENCE)?.inside();
        let oid = fields.required(OID)?.object_identifier()?;
        let critical = match fields.optional(BOOLEAN)? {
            Some(flag) => flag.boolean()?,
            None => false,
        };
        let value = fields.required(OCTET_STRING)?.content;
        fields.finish()?;
        extensions.push(ExtensionRef { oid, critical, value });
    }
    if extensions.is_empty() {
        return Err(list.wrong());
    }
    Ok(extensions)
}
