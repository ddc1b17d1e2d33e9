//! Which issuer others try, where they try only one.

use crate::time::Timestamp;
use crate::verify::Rules;
use crate::verify::names::same_name;
use crate::x509::extension as ext;
use crate::x509::wire::CertRef;
use crate::x509::{Certificate, KeyUsage};

use super::table::Departure as D;

/// What a certificate says about its issuer.
#[derive(Debug)]
pub(in crate::verify) struct Wanted<'a> {
    pub(in crate::verify) name: &'a [u8],
    /// The value of its authorityKeyIdentifier.
    pub(in crate::verify) authority: Option<&'a [u8]>,
}

impl Wanted<'_> {
    /// The one of `candidates` that is tried.
    pub(in crate::verify) fn choose<'c>(
        &self,
        candidates: impl Iterator<Item = (usize, &'c Certificate)> + Clone,
        rules: &Rules,
        now: Timestamp,
    ) -> Option<(usize, &'c Certificate)> {
        let mut fitting = candidates.filter(|(_, candidate)| self.fits(candidate, rules));
        if !rules.departures.has(D::FirstValidIssuer) {
            return fitting.next();
        }
        let all: Vec<_> = fitting.collect();
        let valid = all.iter().find(|(_, candidate)| candidate.validity().contains(now));
        valid.or_else(|| all.iter().max_by_key(|(_, candidate)| candidate.validity().not_after)).copied()
    }

    fn fits(&self, candidate: &Certificate, rules: &Rules) -> bool {
        let named = self.name == candidate.subject().as_der() || rules.fold_names && same_name(self.name, candidate.subject().as_der());
        let may_sign = candidate.key_usage().is_none_or(|usage| usage.contains(KeyUsage::KEY_CERT_SIGN));
        named && may_sign && self.key_identifier_fits(candidate, rules)
    }

    pub(in crate::verify) fn key_identifier_fits(&self, candidate: &Certificate, rules: &Rules) -> bool {
        if !rules.departures.has(D::KeyIdentifierBinds) {
            return true;
        }
        let Some(authority) = self.authority else { return true };
        let named_key = ext::authority_key_identifier(authority).ok().flatten();
        if named_key.zip(candidate.subject_key_id()).is_some_and(|(named, own)| named != own.as_bytes()) {
            return false;
        }
        let Some((issuer, serial)) = ext::authority_cert(authority) else { return true };
        let Ok(parsed) = CertRef::parse(candidate.der()) else { return true };
        serial.is_none_or(|serial| serial == parsed.tbs.serial) && issuer.is_none_or(|issuer| same_name(issuer, parsed.tbs.issuer))
    }
}
