use core::cmp::Ordering;
use core::fmt;

use crate::hex::Hex;

/// A CRL's number: a non-negative integer of at most 20 octets that grows with every CRL of an issuer (RFC 5280 §5.2.3).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CrlNumber(Box<[u8]>);

impl CrlNumber {
    /// From big-endian octets; leading zeros do not count. None for more than 20 octets.
    pub fn from_bytes(big_endian: &[u8]) -> Option<Self> {
        let skip = big_endian.iter().take_while(|byte| **byte == 0).count();
        let significant = big_endian.get(skip..).unwrap_or_default();
        // As a DER INTEGER a first bit that is set takes another octet.
        let octets = significant.len().saturating_add(usize::from(significant.first().is_some_and(|byte| byte & 0x80 != 0)));
        (octets <= 20).then(|| Self(significant.into()))
    }

    /// Big-endian octets without leading zeros; empty for zero.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The number of the CRL that comes next; None when 20 octets do not hold it.
    pub fn next(&self) -> Option<Self> {
        let mut octets = [&[0], &*self.0].concat();
        for octet in octets.iter_mut().rev() {
            *octet = octet.wrapping_add(1);
            if *octet != 0 {
                break;
            }
        }
        Self::from_bytes(&octets)
    }
}

/// The number, where 64 bits hold it.
impl TryFrom<&CrlNumber> for u64 {
    type Error = core::num::TryFromIntError;

    fn try_from(number: &CrlNumber) -> Result<Self, Self::Error> {
        // Twenty octets do not fit 128 bits either; whatever is above does not fit 64.
        let wide = number.0.iter().fold(0u128, |n, octet| n.saturating_mul(256) | u128::from(*octet));
        Self::try_from(wide)
    }
}

impl From<u64> for CrlNumber {
    fn from(number: u64) -> Self {
        let bytes = number.to_be_bytes();
        let skip = bytes.iter().take_while(|byte| **byte == 0).count();
        Self(bytes.get(skip..).unwrap_or_default().into())
    }
}

/// By value.
impl Ord for CrlNumber {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for CrlNumber {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Decimal, as `openssl crl -text` prints it; numbers over 64 bits in hexadecimal, after `0x`.
impl fmt::Display for CrlNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.len() <= 8 {
            let number = self.0.iter().fold(0u64, |n, octet| (n << 8) | u64::from(*octet));
            return write!(f, "{number}");
        }
        f.write_str("0x")?;
        Hex(&self.0).fmt(f)
    }
}

impl fmt::Debug for CrlNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_grow_by_one_up_to_twenty_octets() {
        assert_eq!(CrlNumber::from(0).next(), Some(CrlNumber::from(1)));
        assert_eq!(CrlNumber::from(255).next(), Some(CrlNumber::from(256)));
        assert_eq!(CrlNumber::from(u64::MAX).next().unwrap().to_string(), "0x010000000000000000");
        let mut largest = [0xff; 20];
        largest[0] = 0x7f;
        assert_eq!(CrlNumber::from_bytes(&largest).unwrap().next(), None);
        assert_eq!(CrlNumber::from_bytes(&[0x80; 20]), None, "the sign takes an octet more");
    }

    #[test]
    fn a_number_of_64_bits_is_read_as_one() {
        for number in [0, 1, 255, 256, u64::MAX] {
            assert_eq!(u64::try_from(&CrlNumber::from(number)), Ok(number));
        }
        for octets in [9, 16, 17, 19] {
            assert!(u64::try_from(&CrlNumber::from_bytes(&vec![1; octets]).unwrap()).is_err(), "{octets}");
        }
    }

    #[test]
    fn numbers_are_ordered_by_value() {
        assert!(CrlNumber::from(9) < CrlNumber::from(10));
        assert!(CrlNumber::from(0xff) < CrlNumber::from(0x0100));
        assert_eq!(CrlNumber::from_bytes(&[0, 0, 7]), Some(CrlNumber::from(7)));
    }
}
