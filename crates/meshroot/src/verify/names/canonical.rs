//! Directory names, brought into a form in which equal names have equal bytes (RFC 5280 §7.1).

use der::asn1::ObjectIdentifier;

use crate::x509::encode::{IA5_STRING, OID, PRINTABLE_STRING, SEQUENCE, SET, UTF8_STRING};
use crate::x509::reader::{DerReader, Element};

/// pkcs-9-at-emailAddress (RFC 5280 §4.1.2.6).
const EMAIL_ADDRESS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.1");

const BMP_STRING: u8 = 0x1e;

/// The RDNs of a Name, folded.
pub(crate) type Rdns = Vec<Vec<u8>>;

/// The RDNs of a Name, each folded: letters in lower case, white space at the ends dropped and inside made one space,
/// whatever of PrintableString, UTF8String, IA5String and BMPString they are written in. Attributes of one RDN are
/// sorted, since it is a set. Other string types compare by their bytes.
///
/// RFC 5280 asks for the whole of RFC 4518; of its Unicode steps this does the case folding, and leaves the rest: two
/// names that differ there stay different, which permits less.
pub(crate) fn rdns(name: &[u8]) -> Option<Rdns> {
    let mut outer = DerReader::new(name);
    let mut sets = outer.required(SEQUENCE).ok()?.inside();
    outer.finish().ok()?;
    let mut out = Vec::new();
    while !sets.is_finished() {
        let mut members = sets.required(SET).ok()?.inside();
        let mut attributes = Vec::new();
        while !members.is_finished() {
            let (oid, value) = attribute(members.required(SEQUENCE).ok()?)?;
            let mut folded = Vec::with_capacity(oid.whole.len().saturating_add(value.whole.len()));
            folded.extend_from_slice(oid.whole);
            match text(value) {
                Some(text) => {
                    folded.push(UTF8_STRING);
                    folded.extend_from_slice(fold(&text).as_bytes());
                }
                None => folded.extend_from_slice(value.whole),
            }
            attributes.push(folded);
        }
        if attributes.is_empty() {
            return None;
        }
        attributes.sort_unstable();
        let mut rdn = Vec::with_capacity(attributes.iter().map(|a| a.len().saturating_add(4)).sum());
        for attribute in attributes {
            // Lengths between the attributes: no two sets of attributes run together into the same bytes.
            rdn.extend_from_slice(&u32::try_from(attribute.len()).ok()?.to_be_bytes());
            rdn.extend_from_slice(&attribute);
        }
        out.push(rdn);
    }
    Some(out)
}

/// Whether two Names in DER are the same name: byte for byte, or else folded.
pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    one == other || rdns(one).is_some_and(|folded| Some(folded) == rdns(other))
}

/// The values of emailAddress in a Name; `None` if it cannot be read.
pub(super) fn email_addresses(name: &[u8]) -> Option<Vec<String>> {
    let mut outer = DerReader::new(name);
    let mut sets = outer.required(SEQUENCE).ok()?.inside();
    let mut found = Vec::new();
    while !sets.is_finished() {
        let mut members = sets.required(SET).ok()?.inside();
        while !members.is_finished() {
            let (oid, value) = attribute(members.required(SEQUENCE).ok()?)?;
            if oid.object_identifier().ok()? == EMAIL_ADDRESS {
                found.push(text(value)?);
            }
        }
    }
    Some(found)
}

/// AttributeTypeAndValue (RFC 5280 §4.1.2.4).
fn attribute(pair: Element<'_>) -> Option<(Element<'_>, Element<'_>)> {
    let mut fields = pair.inside();
    let (oid, value) = (fields.required(OID).ok()?, fields.element().ok()?);
    fields.finish().ok()?;
    Some((oid, value))
}

fn text(value: Element<'_>) -> Option<String> {
    match value.tag {
        PRINTABLE_STRING | UTF8_STRING | IA5_STRING => core::str::from_utf8(value.content).ok().map(str::to_owned),
        BMP_STRING if value.content.len().is_multiple_of(2) => {
            let units: Vec<u16> = value.content.chunks_exact(2).map(|pair| pair.iter().fold(0, |unit, byte| unit << 8 | u16::from(*byte))).collect();
            String::from_utf16(&units).ok()
        }
        _ => None,
    }
}

fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars().flat_map(char::to_lowercase));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One RDN a value: commonName, with this string type.
    fn name(values: &[(u8, &str)]) -> Vec<u8> {
        let wrap = |tag: u8, content: &[u8]| [&[tag, u8::try_from(content.len()).unwrap()], content].concat();
        let rdn = |(tag, value): &(u8, &str)| wrap(0x31, &wrap(0x30, &[&[0x06, 0x03, 0x55, 0x04, 0x03][..], &wrap(*tag, value.as_bytes())].concat()));
        wrap(0x30, &values.iter().flat_map(rdn).collect::<Vec<_>>())
    }

    #[test]
    fn case_white_space_and_string_type_make_no_other_name() {
        let plain = name(&[(PRINTABLE_STRING, "West CA")]);
        for other in [(UTF8_STRING, "West CA"), (PRINTABLE_STRING, "  west   ca "), (UTF8_STRING, "WEST\tCA")] {
            assert!(same(&plain, &name(&[other])), "{other:?}");
        }
        for other in [(UTF8_STRING, "WestCA"), (PRINTABLE_STRING, "East CA"), (0x14, "West CA")] {
            assert!(!same(&plain, &name(&[other])), "{other:?}");
        }
    }

    #[test]
    fn the_order_of_rdns_counts() {
        let (a, b) = ((UTF8_STRING, "a"), (UTF8_STRING, "b"));
        assert!(!same(&name(&[a, b]), &name(&[b, a])));
    }

    #[test]
    fn bytes_that_are_no_name_are_the_same_as_nothing_else() {
        assert!(!same(&[0x30, 0x01, 0x00], &[0x30, 0x01, 0x01]));
        assert_eq!(rdns(&[0x31, 0x00]), None);
        assert_eq!(rdns(&[0x30, 0x02, 0x31, 0x00]), None, "an RDN of no attribute");
    }
}
