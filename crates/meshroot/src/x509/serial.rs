use core::fmt;

use crate::hex::Hex;
use crate::key::{Entropy, KeyError};

/// A certificate's serial number: a positive integer of at most 20 octets (RFC 5280 §4.1.2.2), big-endian, without
/// leading zeros.
///
/// Other software's serials are kept as they are found, even where they break that rule.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SerialNumber(Box<[u8]>);

impl SerialNumber {
    /// Draws a new one: 159 random bits, positive. Chosen before signing, so that it can be recorded first.
    ///
    /// # Errors
    /// [`KeyError::NoEntropy`], also when the source answers nothing but zeros.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, KeyError> {
        let mut bytes = [0u8; 20];
        entropy.fill(&mut bytes)?;
        // The top bit is the sign: 160 random bits less that one.
        bytes[0] &= 0x7f;
        // 64 bits are the least a serial must carry (CA/B Forum BR §7.1); a source this poor is broken.
        if bytes.iter().take(12).all(|byte| *byte == 0) {
            return Err(KeyError::NoEntropy);
        }
        Ok(Self::from_bytes(&bytes))
    }

    /// From big-endian octets; leading zeros do not count.
    pub fn from_bytes(big_endian: &[u8]) -> Self {
        let skip = big_endian.iter().take_while(|byte| **byte == 0).count();
        Self(big_endian.get(skip..).unwrap_or_default().into())
    }

    /// Big-endian octets without leading zeros; empty for zero.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads what [`Display`](fmt::Display) writes: hexadecimal, with or without colons.
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits: Vec<u8> = text.chars().filter(|c| *c != ':').map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect::<Option<_>>()?;
        if digits.is_empty() || digits.len() > 80 {
            return None;
        }
        let odd = digits.len() % 2;
        let padded: Vec<u8> = core::iter::repeat_n(0, odd).chain(digits).collect();
        let bytes: Vec<u8> = padded.chunks_exact(2).map(|pair| pair.iter().fold(0u8, |n, digit| (n << 4) | digit)).collect();
        Some(Self::from_bytes(&bytes))
    }
}

/// Lower case hexadecimal, as OpenSSL prints it but without colons.
impl fmt::Display for SerialNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("00");
        }
        Hex(&self.0).fmt(f)
    }
}

impl fmt::Debug for SerialNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Constant(u8);
    impl Entropy for Constant {
        fn fill(&self, out: &mut [u8]) -> Result<(), KeyError> {
            out.fill(self.0);
            Ok(())
        }
    }

    #[test]
    fn a_serial_has_159_bits_and_is_positive() {
        let serial = SerialNumber::generate(&Constant(0xff)).unwrap();
        assert_eq!(serial.to_string(), format!("7f{}", "ff".repeat(19)));
    }

    #[test]
    fn a_broken_source_of_randomness_gives_no_serial() {
        assert_eq!(SerialNumber::generate(&Constant(0)), Err(KeyError::NoEntropy));
    }

    #[test]
    fn hexadecimal_round_trips() {
        let serial = SerialNumber::from_hex("0A:bc:1").unwrap();
        assert_eq!(serial.to_string(), "abc1");
        assert_eq!(SerialNumber::from_hex("abc1"), Some(serial));
        assert_eq!(SerialNumber::from_hex("xyz"), None);
        assert_eq!(SerialNumber::from_hex(""), None);
    }
}
