use der::asn1::ObjectIdentifier;

use super::identifiers::{CERTIFICATE_ISSUER, INVALIDITY_DATE, REASON_CODE};
use super::{TimeRef, read_few};
use crate::revocation::{CrlError, RevocationReason};
use crate::time::Timestamp;
use crate::x509::encode::{GENERALIZED_TIME, INTEGER, SEQUENCE};
use crate::x509::reader::{DerReader, Element};
use crate::x509::wire::{ExtensionRef, read_time};

/// ENUMERATED.
pub(crate) const ENUMERATED: u8 = 0x0a;

/// The entries of revokedCertificates, in their order; nothing comes after one that is malformed.
#[derive(Clone, Debug)]
pub(crate) struct Entries<'a> {
    rest: DerReader<'a>,
    next: usize,
    version: u8,
    failed: bool,
}

/// One entry of revokedCertificates (RFC 5280 §5.1.2.6).
#[derive(Clone, Debug)]
pub(crate) struct EntryRef<'a> {
    /// How far it starts into what the reader was made of.
    pub(crate) offset: usize,
    /// The INTEGER's content octets as they stand (two's complement).
    pub(crate) serial: &'a [u8],
    /// How far these start.
    pub(crate) serial_offset: usize,
    pub(crate) revoked: TimeRef,
    pub(crate) reason: Option<RevocationReason>,
    pub(crate) invalid_since: Option<Timestamp>,
    /// It names another issuer.
    pub(crate) has_certificate_issuer: bool,
    /// The first critical extension besides these.
    pub(crate) unknown_critical: Option<ObjectIdentifier>,
}

impl<'a> Entries<'a> {
    pub(super) fn new(revoked: Option<Element<'a>>, version: u8) -> Self {
        let rest = revoked.map_or_else(|| DerReader::new(&[]), |list| list.inside());
        Self { rest, next: 0, version, failed: false }
    }

    fn read(&mut self) -> Result<EntryRef<'a>, CrlError> {
        let index = self.next;
        let whole = self.rest.required(SEQUENCE).map_err(|e| malformed(index, "", e))?;
        let entry = EntryRef::read(whole, index)?;
        if self.version == 0 && entry.has_extensions(whole) {
            return Err(CrlError::malformed("tbsCertList.version", "version 1 has no extensions of entries"));
        }
        Ok(entry)
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<EntryRef<'a>, CrlError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.rest.is_finished() {
            return None;
        }
        let entry = self.read();
        self.failed = entry.is_err();
        self.next = self.next.saturating_add(1);
        Some(entry)
    }
}

impl<'a> EntryRef<'a> {
    /// Reads the entry that `whole` is; `index` is for messages.
    pub(crate) fn read(whole: Element<'a>, index: usize) -> Result<Self, CrlError> {
        let mut fields = whole.inside();
        let serial = fields.required(INTEGER).map_err(|e| malformed(index, ".userCertificate", e))?;
        serial.integer().map_err(|e| malformed(index, ".userCertificate", e))?;
        let revoked = TimeRef::read(&mut fields).map_err(|e| malformed(index, ".revocationDate", e))?;
        let mut entry = Self {
            offset: start(&whole),
            serial: serial.content,
            serial_offset: serial.content_offset(),
            revoked,
            reason: None,
            invalid_since: None,
            has_certificate_issuer: false,
            unknown_critical: None,
        };
        if let Some(list) = fields.optional(SEQUENCE).map_err(|e| malformed(index, ".crlEntryExtensions", e))? {
            let extensions = read_few(list).map_err(|e| malformed(index, ".crlEntryExtensions", e))?;
            entry.extensions(&extensions, index)?;
        }
        fields.finish().map_err(|e| malformed(index, "", e))?;
        Ok(entry)
    }

    fn extensions(&mut self, extensions: &[ExtensionRef<'_>], index: usize) -> Result<(), CrlError> {
        for extension in extensions {
            match extension.oid {
                REASON_CODE => {
                    self.reason = Some(reason(extension.value).ok_or_else(|| malformed(index, ".reasonCode", "no CRLReason of RFC 5280 §5.3.1"))?);
                }
                INVALIDITY_DATE => {
                    let date =
                        invalidity_date(extension.value).ok_or_else(|| malformed(index, ".invalidityDate", "no GeneralizedTime in seconds"))?;
                    self.invalid_since = Some(date);
                }
                CERTIFICATE_ISSUER => self.has_certificate_issuer = true,
                other if extension.critical => self.unknown_critical = self.unknown_critical.or(Some(other)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether anything stands behind the revocation date.
    fn has_extensions(&self, whole: Element<'_>) -> bool {
        let mut fields = whole.inside();
        fields.element().is_ok() && fields.element().is_ok() && !fields.is_finished()
    }
}

/// Where the element starts, with its header.
fn start(element: &Element<'_>) -> usize {
    element.content_offset().saturating_sub(element.whole.len().saturating_sub(element.content.len()))
}

fn reason(value: &[u8]) -> Option<RevocationReason> {
    match value {
        [ENUMERATED, 1, number] => RevocationReason::from_number(*number),
        _ => None,
    }
}

fn invalidity_date(value: &[u8]) -> Option<Timestamp> {
    let mut r = DerReader::new(value);
    let time = (r.peek() == Some(GENERALIZED_TIME)).then(|| read_time(&mut r).ok()).flatten()?;
    r.is_finished().then_some(time)
}

fn malformed(index: usize, field: &str, reason: impl ToString) -> CrlError {
    CrlError::malformed(format!("tbsCertList.revokedCertificates[{index}]{field}"), reason)
}
