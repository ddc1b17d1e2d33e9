//! Writing DER.
//!
//! The to-be-signed bytes of a certificate are written straight into one buffer: the issuing path is measured against
//! its three signature operations, and every intermediate value shows. The `der` crate reads back, strictly, what was
//! written here (the linter does), so a mistake cannot leave the process.

use crate::key::SignatureAlgorithm;
use crate::time::Timestamp;

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OID: u8 = 0x06;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const PRINTABLE_STRING: u8 = 0x13;
pub(crate) const IA5_STRING: u8 = 0x16;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// `[n]`, constructed.
pub(crate) const fn explicit(n: u8) -> u8 {
    0xa0 | n
}

/// `[n]`, primitive.
pub(crate) const fn implicit(n: u8) -> u8 {
    0x80 | n
}

/// Writes one element: its tag, its length, and whatever `content` writes.
pub(crate) fn element(out: &mut Vec<u8>, tag: u8, content: impl FnOnce(&mut Vec<u8>)) {
    out.push(tag);
    let length_at = out.len();
    out.push(0);
    content(out);
    let length = out.len().saturating_sub(length_at).saturating_sub(1);
    if let (Ok(short @ 0..=0x7f), Some(place)) = (u8::try_from(length), out.get_mut(length_at)) {
        *place = short;
        return;
    }
    let bytes = length.to_be_bytes();
    let skip = bytes.iter().take_while(|byte| **byte == 0).count();
    let long = bytes.get(skip..).unwrap_or_default();
    let count = u8::try_from(long.len()).unwrap_or(0);
    out.splice(length_at..=length_at, core::iter::once(0x80 | count).chain(long.iter().copied()));
}

/// Writes one element with this content.
pub(crate) fn bytes(out: &mut Vec<u8>, tag: u8, content: &[u8]) {
    element(out, tag, |out| out.extend_from_slice(content));
}

/// What X.509 signs, signed: Certificate (RFC 5280 §4.1) and CertificateList (§5.1) alike are the to-be-signed part, the
/// algorithm, the signature.
pub(crate) fn signed(tbs: &[u8], algorithm: SignatureAlgorithm, signature: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(tbs.len().saturating_add(signature.len()).saturating_add(32));
    element(&mut out, SEQUENCE, |out| {
        out.extend_from_slice(tbs);
        out.extend_from_slice(algorithm.identifier_der());
        element(out, BIT_STRING, |out| {
            out.push(0);
            out.extend_from_slice(signature);
        });
    });
    out
}

/// Writes a positive INTEGER from its big-endian bytes, in the shortest form.
pub(crate) fn positive_integer(out: &mut Vec<u8>, big_endian: &[u8]) {
    let skip = big_endian.iter().take_while(|byte| **byte == 0).count();
    let significant = big_endian.get(skip..).unwrap_or_default();
    element(out, INTEGER, |out| {
        if significant.first().is_none_or(|byte| byte & 0x80 != 0) {
            out.push(0);
        }
        out.extend_from_slice(significant);
    });
}

/// Writes a Time: UTCTime through 2049, GeneralizedTime from 2050 on and before 1950 (RFC 5280 §4.1.2.5).
pub(crate) fn time(out: &mut Vec<u8>, t: Timestamp) {
    if (1950..2050).contains(&t.civil().0) {
        element(out, UTC_TIME, |out| digits(out, t));
    } else {
        element(out, GENERALIZED_TIME, |out| generalized_time(out, t));
    }
}

/// Writes the content of a GeneralizedTime, without fractions.
pub(crate) fn generalized_time(out: &mut Vec<u8>, t: Timestamp) {
    two_digits(out, u8::try_from(t.civil().0.checked_div(100).unwrap_or(0)).unwrap_or(0));
    digits(out, t);
}

/// Writes `YYMMDDHHMMSSZ`.
fn digits(out: &mut Vec<u8>, t: Timestamp) {
    let (year, month, day, hour, minute, second) = t.civil();
    let in_century = u8::try_from(year.rem_euclid(100)).unwrap_or(0);
    for n in [in_century, month, day, hour, minute, second] {
        two_digits(out, n);
    }
    out.push(b'Z');
}

fn two_digits(out: &mut Vec<u8>, n: u8) {
    out.push(b'0'.saturating_add(n / 10));
    out.push(b'0'.saturating_add(n % 10));
}

#[cfg(test)]
mod tests {
    use super::*;
    use der::asn1::{AnyRef, UintRef};
    use der::{Decode, Encode};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn lengths_are_as_der_wants_them(content in proptest::collection::vec(any::<u8>(), 0..70_000)) {
            let mut out = vec![];
            bytes(&mut out, OCTET_STRING, &content);
            let read = AnyRef::from_der(&out).unwrap();
            prop_assert_eq!(read.value(), &content[..]);
        }

        #[test]
        fn integers_are_positive_and_minimal(n in any::<u128>()) {
            let mut out = vec![];
            positive_integer(&mut out, &n.to_be_bytes());
            prop_assert_eq!(&out, &n.to_der().unwrap());
            let _: UintRef<'_> = UintRef::from_der(&out).unwrap();
        }

        #[test]
        fn times_read_back(seconds in Timestamp::MIN.unix()..=Timestamp::MAX.unix()) {
            let t = Timestamp::from_unix(seconds);
            let mut out = vec![];
            time(&mut out, t);
            let mut reader = super::super::reader::DerReader::new(&out);
            prop_assert_eq!(super::super::wire::read_time(&mut reader).unwrap(), t);
        }
    }
}
