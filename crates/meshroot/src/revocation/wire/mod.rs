//! The CRL as it lies in memory: slices into its DER, nothing copied. Whoever shows, judges or uses CRLs reads them
//! through this.

mod entries;
pub(crate) mod identifiers;

pub(crate) use entries::{Entries, EntryRef};

use der::asn1::ObjectIdentifier;

use super::{CrlError, MAX_CRL_BYTES};
use crate::time::Timestamp;
use crate::x509::encode::{BIT_STRING, GENERALIZED_TIME, INTEGER, SEQUENCE, UTC_TIME, explicit};
use crate::x509::reader::{DerReader, Element};
use crate::x509::wire::{ExtensionRef, read_extension_list, read_time};

/// A CertificateList (RFC 5280 §5.1).
#[derive(Clone, Debug)]
pub(crate) struct CrlRef<'a> {
    pub(crate) tbs: TbsCrlRef<'a>,
    /// AlgorithmIdentifier, with its header.
    pub(crate) signature_algorithm: &'a [u8],
    pub(crate) signature: &'a [u8],
    /// Octets of the whole without its header.
    pub(crate) content_len: usize,
}

/// A TBSCertList (RFC 5280 §5.1.2).
#[derive(Clone, Debug)]
pub(crate) struct TbsCrlRef<'a> {
    /// All of it, with its header: what is signed.
    pub(crate) raw: &'a [u8],
    /// 0 is v1, 1 is v2.
    pub(crate) version: u8,
    /// AlgorithmIdentifier, with its header.
    pub(crate) signature_algorithm: &'a [u8],
    /// Name, with its header.
    pub(crate) issuer: &'a [u8],
    pub(crate) this_update: TimeRef,
    pub(crate) next_update: Option<TimeRef>,
    /// revokedCertificates, if there; it may be there and empty.
    pub(crate) revoked: Option<Element<'a>>,
    pub(crate) extensions: Vec<ExtensionRef<'a>>,
}

/// A Time and how it is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeRef {
    /// UTCTime or GeneralizedTime.
    pub(crate) tag: u8,
    pub(crate) at: Timestamp,
}

impl TimeRef {
    pub(crate) fn read(r: &mut DerReader<'_>) -> der::Result<Self> {
        let tag = r.peek().unwrap_or_default();
        Ok(Self { tag, at: read_time(r)? })
    }
}

impl<'a> CrlRef<'a> {
    pub(crate) fn parse(der: &'a [u8]) -> Result<Self, CrlError> {
        if der.len() > MAX_CRL_BYTES {
            return Err(CrlError::TooLong(der.len()));
        }
        let at = CrlError::at;
        let mut outer = DerReader::new(der);
        let whole = outer.required(SEQUENCE).map_err(at("certificateList"))?;
        if !outer.is_finished() {
            return Err(CrlError::TrailingBytes(outer.left()));
        }
        let mut fields = whole.inside();
        let tbs = TbsCrlRef::read(fields.required(SEQUENCE).map_err(at("tbsCertList"))?)?;
        let signature_algorithm = fields.required(SEQUENCE).map_err(at("signatureAlgorithm"))?.whole;
        let signature = fields.required(BIT_STRING).and_then(|bits| bits.whole_bytes()).map_err(at("signatureValue"))?;
        fields.finish().map_err(at("certificateList"))?;
        if signature_algorithm != tbs.signature_algorithm {
            return Err(CrlError::AlgorithmsDiffer);
        }
        Ok(Self { tbs, signature_algorithm, signature, content_len: whole.content.len() })
    }
}

impl<'a> TbsCrlRef<'a> {
    pub(crate) fn parse(raw: &'a [u8]) -> Result<Self, CrlError> {
        let at = CrlError::at;
        let mut outer = DerReader::new(raw);
        let whole = outer.required(SEQUENCE).map_err(at("tbsCertList"))?;
        outer.finish().map_err(at("tbsCertList"))?;
        Self::read(whole)
    }

    fn read(whole: Element<'a>) -> Result<Self, CrlError> {
        let at = CrlError::at;
        let mut r = whole.inside();
        let version = match r.optional(INTEGER).map_err(at("tbsCertList.version"))? {
            // If it is there, it is v2 (RFC 5280 §5.1.2.1).
            Some(version) if version.content != [1] => return Err(CrlError::malformed("tbsCertList.version", version.wrong())),
            version => u8::from(version.is_some()),
        };
        let signature_algorithm = r.required(SEQUENCE).map_err(at("tbsCertList.signature"))?.whole;
        let issuer = r.required(SEQUENCE).map_err(at("tbsCertList.issuer"))?.whole;
        let this_update = TimeRef::read(&mut r).map_err(at("tbsCertList.thisUpdate"))?;
        let next_update = match r.peek() {
            Some(UTC_TIME | GENERALIZED_TIME) => Some(TimeRef::read(&mut r).map_err(at("tbsCertList.nextUpdate"))?),
            _ => None,
        };
        let revoked = r.optional(SEQUENCE).map_err(at("tbsCertList.revokedCertificates"))?;
        let extensions = match r.optional(explicit(0)).map_err(at("tbsCertList.crlExtensions"))? {
            Some(_) if version == 0 => return Err(CrlError::malformed("tbsCertList.version", "version 1 has no extensions")),
            Some(tagged) => {
                let mut inside = tagged.inside();
                let list = inside.required(SEQUENCE).and_then(|list| inside.finish().map(|()| list)).map_err(at("tbsCertList.crlExtensions"))?;
                read_few(list).map_err(|e| CrlError::malformed("tbsCertList.crlExtensions", e))?
            }
            None => Vec::new(),
        };
        r.finish().map_err(at("tbsCertList"))?;
        Ok(Self { raw: whole.whole, version, signature_algorithm, issuer, this_update, next_update, revoked, extensions })
    }

    /// The first extension with this identifier.
    pub(crate) fn extension(&self, oid: ObjectIdentifier) -> Option<ExtensionRef<'a>> {
        self.extensions.iter().find(|e| e.oid == oid).copied()
    }

    /// The entries, in their order.
    pub(crate) fn entries(&self) -> Entries<'a> {
        Entries::new(self.revoked, self.version)
    }
}

/// More extensions than any CRL or entry has; what is worked through for each pair, or kept for each, stays small.
const MAX_EXTENSIONS: usize = 64;

/// The extensions of a list, each of them once (RFC 5280 §4.2), or what is wrong.
fn read_few(list: Element<'_>) -> Result<Vec<ExtensionRef<'_>>, String> {
    let mut members = list.inside();
    for count in 0.. {
        if members.is_finished() {
            break;
        }
        if count == MAX_EXTENSIONS {
            return Err(format!("it has more than {MAX_EXTENSIONS} extensions"));
        }
        members.element().map_err(|e| e.to_string())?;
    }
    let extensions = read_extension_list(list).map_err(|e| e.to_string())?;
    match (1..).zip(&extensions).find(|(next, e)| extensions.iter().skip(*next).any(|other| other.oid == e.oid)) {
        Some((_, twice)) => Err(format!("{} stands there twice", twice.oid)),
        None => Ok(extensions),
    }
}
