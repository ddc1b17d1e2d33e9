//! Just enough DER: to write what no honest encoder writes, and to read it back without the library under test.

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const ENUMERATED: u8 = 0x0a;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// One element: tag, length, content.
pub(super) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match content.len() {
        short @ 0..=0x7f => out.push(short as u8),
        middle @ 0x80..=0xff => out.extend([0x81, middle as u8]),
        long => out.extend([0x82, (long >> 8) as u8, long as u8]),
    }
    out.extend_from_slice(content);
    out
}

/// One constructed element of these parts.
pub(super) fn list(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    element(tag, &parts.concat())
}

/// A small INTEGER that is not negative.
pub(super) fn number(n: u16) -> Vec<u8> {
    match n {
        0..=0x7f => element(INTEGER, &[n as u8]),
        0x80..=0x7fff => element(INTEGER, n.to_be_bytes().strip_prefix(&[0]).filter(|rest| rest[0] < 0x80).unwrap_or(&n.to_be_bytes())),
        _ => element(INTEGER, &[0, (n >> 8) as u8, n as u8]),
    }
}

/// A Time: UTCTime through 2049, GeneralizedTime from 2050 on.
pub(super) fn time(unix: i64) -> Vec<u8> {
    // Days to a civil date: Howard Hinnant's algorithm, for dates after the year 0.
    let (days, seconds) = (unix.div_euclid(86_400), unix.rem_euclid(86_400));
    let z = days + 719_468;
    let (era, of_era) = (z / 146_097, z % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    let clock = format!("{month:02}{day:02}{:02}{:02}{:02}Z", seconds / 3600, seconds / 60 % 60, seconds % 60);
    match year {
        1950..=2049 => element(0x17, format!("{:02}{clock}", year % 100).as_bytes()),
        _ => element(0x18, format!("{year:04}{clock}").as_bytes()),
    }
}

/// One element that was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tlv<'a> {
    pub(super) tag: u8,
    /// With its header.
    pub(super) whole: &'a [u8],
    pub(super) content: &'a [u8],
}

impl<'a> Tlv<'a> {
    /// The first element of `input`, and what follows it.
    pub(super) fn first(input: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (&tag, rest) = input.split_first()?;
        let (&length, rest) = rest.split_first()?;
        let (length, rest) = match length {
            0..=0x7f => (usize::from(length), rest),
            0x81..=0x83 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x0f))?;
                (bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (content, after) = rest.split_at_checked(length)?;
        Some((Self { tag, whole: &input[..input.len() - after.len()], content }, after))
    }

    /// All elements of `input`, as far as they can be read.
    pub(super) fn all(mut input: &'a [u8]) -> Vec<Self> {
        let mut found = Vec::new();
        while let Some((one, rest)) = Self::first(input) {
            found.push(one);
            input = rest;
        }
        found
    }

    /// The elements inside.
    pub(super) fn children(&self) -> Vec<Self> {
        Self::all(self.content)
    }
}
