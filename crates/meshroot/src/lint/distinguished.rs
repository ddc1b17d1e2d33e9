//! The attributes of a distinguished name (RFC 5280 §4.1.2.4 and appendix A.1), as other CAs write them.

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, Tag};

use super::Finding;
use super::finding::Severity::{Error, Warning};
use crate::x509::encode::{OID, SEQUENCE, SET};
use crate::x509::reader::DerReader;

const STRINGS: &str = "RFC 5280 §4.1.2.4";
const SIZES: &str = "RFC 5280 app. A.1";

const COUNTRY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.6");
const DN_QUALIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.46");
const SERIAL_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.5");
const EMAIL_ADDRESS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.1");
const DOMAIN_COMPONENT: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.25");

/// Attributes with an upper bound, their name, and the bound in characters.
const BOUNDS: [(ObjectIdentifier, &str, usize); 8] = [
    (ObjectIdentifier::new_unwrap("2.5.4.3"), "commonName", 64),
    (SERIAL_NUMBER, "serialNumber", 64),
    (COUNTRY, "countryName", 2),
    (ObjectIdentifier::new_unwrap("2.5.4.7"), "localityName", 128),
    (ObjectIdentifier::new_unwrap("2.5.4.8"), "stateOrProvinceName", 128),
    (ObjectIdentifier::new_unwrap("2.5.4.10"), "organizationName", 64),
    (ObjectIdentifier::new_unwrap("2.5.4.11"), "organizationalUnitName", 64),
    (ObjectIdentifier::new_unwrap("2.5.4.12"), "title", 64),
];

/// Findings about one name: real ones have a handful of attributes, a hostile one ten thousand.
const MOST: usize = 8;

pub(super) fn check(field: &'static str, name: &[u8], out: &mut Vec<Finding>) {
    let mut found = Vec::new();
    if attributes(name, field, &mut found).is_err() {
        found.push(Finding::error("lint.name_malformed", field, "the name cannot be read", STRINGS));
    }
    out.append(&mut found);
}

fn attributes(name: &[u8], field: &'static str, found: &mut Vec<Finding>) -> der::Result<()> {
    let mut rdns = DerReader::new(name).required(SEQUENCE)?.inside();
    while !rdns.is_finished() {
        let set = rdns.required(SET)?;
        if set.content.is_empty() {
            return Err(set.wrong());
        }
        let mut set = set.inside();
        while !set.is_finished() {
            let mut attribute = set.required(SEQUENCE)?.inside();
            let oid = ObjectIdentifier::from_der(attribute.required(OID)?.whole)?;
            let value = AnyRef::from_der(attribute.element()?.whole)?;
            attribute.finish()?;
            if found.len() < MOST {
                found.extend(judge(oid, value, field));
            }
        }
    }
    Ok(())
}

fn judge(oid: ObjectIdentifier, value: AnyRef<'_>, field: &'static str) -> Option<Finding> {
    let bound = BOUNDS.iter().find(|(known, ..)| *known == oid);
    let label = bound.map_or_else(|| oid.to_string(), |(_, label, _)| (*label).to_owned());
    let found = |severity, code, message: String, source| Some(Finding::new(severity, code, field, message, source));
    let tag = value.header().tag();
    let text = value.value();
    let directory_string = bound.is_some();
    match tag {
        Tag::PrintableString if !text.iter().all(|byte| is_printable(*byte)) => {
            return found(
                Error,
                "lint.printable_string",
                format!("{label} is a PrintableString with a character that it cannot have (like *, @, & or _)"),
                STRINGS,
            );
        }
        Tag::Utf8String if core::str::from_utf8(text).is_err() => {
            return found(Error, "lint.utf8_string", format!("{label} is a UTF8String that is not UTF-8"), STRINGS);
        }
        Tag::TeletexString | Tag::BmpString if directory_string => {
            return found(Warning, "lint.old_string", format!("{label} is a {tag}: new certificates use PrintableString or UTF8String"), STRINGS);
        }
        Tag::PrintableString | Tag::Utf8String => {}
        _ if directory_string => {
            return found(Error, "lint.string_type", format!("{label} is a {tag}: it must be a PrintableString or UTF8String"), STRINGS);
        }
        Tag::Ia5String => {}
        _ if oid == EMAIL_ADDRESS || oid == DOMAIN_COMPONENT => {
            return found(Error, "lint.string_type", format!("{label} is a {tag}: it must be an IA5String"), SIZES);
        }
        _ => {}
    }
    if [COUNTRY, SERIAL_NUMBER, DN_QUALIFIER].contains(&oid) && tag != Tag::PrintableString {
        return found(Error, "lint.string_type", format!("{label} is a {tag}: it must be a PrintableString"), SIZES);
    }
    let characters = core::str::from_utf8(text).map_or(text.len(), |text| text.chars().count());
    match bound {
        Some((_, _, 2)) if characters != 2 => found(Error, "lint.name_length", format!("{label} has {characters} characters: it must have 2"), SIZES),
        Some((_, _, most)) if characters > *most => {
            found(Error, "lint.name_length", format!("{label} has {characters} characters: more than {most}"), SIZES)
        }
        // Software of Istio writes an organization of zero length; nothing breaks on it.
        Some(_) if characters == 0 => found(Warning, "lint.empty_attribute", format!("{label} is empty"), SIZES),
        _ => None,
    }
}

/// X.680 §41.4.
fn is_printable(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte)
}
