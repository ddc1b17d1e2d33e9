use core::fmt;
use std::time::Duration;

use meshroot::hierarchy::{AuthorityId, ClusterName};
use meshroot::spiffe::TrustDomain;
use meshroot::time::Timestamp;

use crate::TokenDigest;

/// A request's name outside: 128 random bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CaRequestId(pub [u8; 16]);

impl CaRequestId {
    /// Reads what [`Display`](fmt::Display) writes: 32 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digit = |octet: u8| char::from(octet).to_digit(16).filter(|_| !octet.is_ascii_uppercase()).and_then(|value| u8::try_from(value).ok());
        let mut octets = [0u8; 16];
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != octets.len() || !rest.is_empty() {
            return None;
        }
        for (octet, [high, low]) in octets.iter_mut().zip(pairs) {
            *octet = (digit(*high)? << 4) | digit(*low)?;
        }
        Some(Self(octets))
    }
}

/// 32 hexadecimal digits.
impl fmt::Display for CaRequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for CaRequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A cluster asks for a CA certificate of a key that it keeps to itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaRequest {
    /// Its name.
    pub id: CaRequestId,
    /// Its number, from 1; of no account before it is stored.
    pub number: u64,
    /// The trust domain to be part of.
    pub trust_domain: TrustDomain,
    /// The cluster.
    pub cluster: ClusterName,
    /// The kind of certificate, in the profile's words.
    pub profile: String,
    /// How long it shall live.
    pub lifetime: Duration,
    /// The certificate signing request, in DER; its signature was verified.
    pub csr: Vec<u8>,
    /// Who asks.
    pub caller: String,
    /// The one-time token that this uses up.
    pub token: Option<TokenDigest>,
    /// When.
    pub at: Timestamp,
    /// The authority that came of it; `None` while it waits.
    pub answered: Option<CaAnswer>,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaAnswer {
    /// The authority.
    pub authority: AuthorityId,
    /// Since when it is there.
    pub at: Timestamp,
    /// Who brought it.
    pub by: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written() {
        let id = CaRequestId([0xa0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xff]);
        assert_eq!(CaRequestId::parse(&id.to_string()), Some(id));
        for bad in ["", "00", &"0".repeat(31), &"0".repeat(33), &"A".repeat(32), &"g".repeat(32), &"é".repeat(16)] {
            assert_eq!(CaRequestId::parse(bad), None, "{bad}");
        }
    }
}
