use core::fmt;

/// Octets in lower case hexadecimal.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

/// Octets that are written at once.
const PART: usize = 32;

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An octet at a time through the formatter costs twenty times as much, and serial numbers are written all day.
        self.0.chunks(PART).try_for_each(|part| {
            let mut text = [[0; 2]; PART];
            let pairs = text.iter_mut().zip(part);
            pairs.for_each(|(pair, octet)| *pair = [digit(octet >> 4), digit(octet & 15)]);
            let text = text.as_flattened().get(..part.len().saturating_mul(2)).unwrap_or_default();
            f.write_str(core::str::from_utf8(text).map_err(|_| fmt::Error)?)
        })
    }
}

fn digit(value: u8) -> u8 {
    value.wrapping_add(if value < 10 { b'0' } else { b'a'.wrapping_sub(10) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_octet_is_two_digits() {
        for length in [0, 1, 31, 32, 33, 256] {
            let octets: Vec<u8> = (0..=255).cycle().skip(length).take(length).collect();
            let expected: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
            assert_eq!(Hex(&octets).to_string(), expected);
        }
    }
}
