//! What a CRL's own extensions say (RFC 5280 §5.2).

use super::scope::IssuingDistributionPoint;
use super::wire::TbsCrlRef;
use super::wire::identifiers::{CRL_NUMBER, DELTA_CRL_INDICATOR, ISSUING_DISTRIBUTION_POINT};
use super::{CrlError, CrlNumber, CrlProblem};
use crate::key::KeyId;
use crate::x509::encode::INTEGER;
use crate::x509::extension::{AUTHORITY_KEY_IDENTIFIER, authority_key_identifier};
use crate::x509::reader::DerReader;

/// The extensions, decoded.
pub(super) struct Extensions<'a> {
    pub(super) number: Option<CrlNumber>,
    pub(super) number_is_critical: bool,
    pub(super) authority_key_id: Option<KeyId>,
    pub(super) point: IssuingDistributionPoint<'a>,
    /// Why the CRL cannot be used, whoever asks.
    pub(super) problem: Option<CrlProblem>,
}

impl<'a> Extensions<'a> {
    pub(super) fn decode(tbs: &TbsCrlRef<'a>) -> Result<Self, CrlError> {
        let field = |name: &str| format!("tbsCertList.crlExtensions.{name}");
        let mut decoded =
            Self { number: None, number_is_critical: false, authority_key_id: None, point: IssuingDistributionPoint::everything(), problem: None };
        let mut unknown = None;
        for extension in &tbs.extensions {
            match extension.oid {
                CRL_NUMBER => {
                    let number = number(extension.value).ok_or_else(|| CrlError::malformed(field("cRLNumber"), "no INTEGER of 1 to 20 octets"))?;
                    decoded.number = Some(number);
                    decoded.number_is_critical = extension.critical;
                }
                AUTHORITY_KEY_IDENTIFIER => {
                    let id = authority_key_identifier(extension.value).map_err(|e| CrlError::malformed(field("authorityKeyIdentifier"), e))?;
                    decoded.authority_key_id = id.map(KeyId::from_bytes);
                }
                ISSUING_DISTRIBUTION_POINT => {
                    let point = IssuingDistributionPoint::decode(extension.value);
                    decoded.point = point.map_err(|e| CrlError::malformed(field("issuingDistributionPoint"), e))?;
                }
                DELTA_CRL_INDICATOR => decoded.problem = Some(CrlProblem::Delta),
                // Names and places of things that we do not ask for: issuerAltName, freshestCRL, authorityInfoAccess, …
                other if extension.critical => unknown = unknown.or(Some(other)),
                _ => {}
            }
        }
        // The kind of the CRL explains most; an extension that is not understood may be a consequence of it.
        let unknown = unknown.map(|oid| CrlProblem::UnknownCriticalExtension { oid: oid.to_string() });
        decoded.problem = decoded.problem.or(decoded.point.problem.take()).or(unknown);
        Ok(decoded)
    }
}

/// A cRLNumber (RFC 5280 §5.2.3): readers must take up to 20 octets, and no CA may use more.
pub(crate) fn number(value: &[u8]) -> Option<CrlNumber> {
    let mut r = DerReader::new(value);
    let octets = r.required(INTEGER).and_then(|e| e.integer()).ok()?;
    let positive = octets.first().is_some_and(|first| first & 0x80 == 0);
    (positive && r.is_finished()).then(|| CrlNumber::from_bytes(octets)).flatten()
}
