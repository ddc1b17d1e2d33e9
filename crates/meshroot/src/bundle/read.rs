//! From a document's members to a bundle: each entry is judged, what cannot be used is named.

use std::collections::HashSet;
use std::time::Duration;

use super::entry::{Authority, judge};
use super::raw::{RawBundle, RawHint, read_bundle};
use super::{Bundle, BundleError, Ignored, IgnoredReason, Limits};
use crate::spiffe::TrustDomain;

/// The longest refresh hint that counts. A longer one would keep a consumer from learning of changes; the standard's
/// own proposal without any hint is five minutes (Trust Domain and Bundle §6.1).
pub const MAX_REFRESH_HINT: Duration = Duration::from_secs(30 * 86_400);

impl Bundle {
    /// Reads a bundle document (Trust Domain and Bundle §4). The document does not name its trust domain; whoever
    /// fetched it knows (§3).
    ///
    /// Entries that cannot be used are ignored one by one, and told. A document without usable entries is an empty
    /// bundle: every identity of the trust domain is invalid then (§4.1.3).
    ///
    /// # Errors
    /// The text is not one JSON object with an array `keys`, has a member twice, a sequence number or refresh hint that
    /// is no integer, or exceeds a limit.
    pub fn from_spiffe_json(trust_domain: TrustDomain, json: &[u8], limits: &Limits) -> Result<(Self, Vec<Ignored>), BundleError> {
        let raw = read_bundle(json, limits)?;
        let mut ignored = Vec::new();
        let bundle = assemble(trust_domain, raw, "", &mut ignored);
        Ok((bundle, ignored))
    }
}

/// `at` is what stands before `keys[…]` in the place of an ignored entry.
pub(super) fn assemble(trust_domain: TrustDomain, raw: RawBundle, at: &str, ignored: &mut Vec<Ignored>) -> Bundle {
    let mut ignore = |place: String, reason| ignored.push(Ignored { at: format!("{at}{place}"), reason });
    let refresh_hint = match raw.hint {
        None => None,
        Some(RawHint::Negative | RawHint::Seconds(0)) => {
            ignore("spiffe_refresh_hint".into(), IgnoredReason::HintNotPositive);
            None
        }
        Some(RawHint::Seconds(seconds)) => {
            if seconds > MAX_REFRESH_HINT.as_secs() {
                ignore("spiffe_refresh_hint".into(), IgnoredReason::HintTooLong);
            }
            Some(Duration::from_secs(seconds).min(MAX_REFRESH_HINT))
        }
    };
    let (mut x509, mut jwt) = (Vec::new(), Vec::new());
    let (mut certificates, mut kids) = (HashSet::new(), HashSet::new());
    for (index, entry) in raw.keys.iter().enumerate() {
        let kept = judge(entry).and_then(|authority| match authority {
            Authority::X509(certificate) if !certificates.insert(Box::<[u8]>::from(certificate.der())) => Err(IgnoredReason::Repeated),
            Authority::X509(certificate) => {
                x509.push(certificate);
                Ok(())
            }
            // A token names a kid, and one kid must mean one key.
            Authority::Jwt(key) if !kids.insert(key.kid().to_owned()) => {
                Err(if jwt.contains(&key) { IgnoredReason::Repeated } else { IgnoredReason::SameKid })
            }
            Authority::Jwt(key) => {
                jwt.push(key);
                Ok(())
            }
        });
        if let Err(reason) = kept {
            ignore(format!("keys[{index}]"), reason);
        }
    }
    Bundle { trust_domain, sequence: raw.sequence, refresh_hint, x509, jwt }
}
