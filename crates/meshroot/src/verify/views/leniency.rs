//! Values of extensions as others read them. With no departure, as we do.

use std::borrow::Cow;

use crate::verify::{Reason, rules};
use crate::x509::encode::{BIT_STRING, BOOLEAN, SEQUENCE};
use crate::x509::extension as ext;
use crate::x509::reader::DerReader;
use crate::x509::wire::TbsRef;
use crate::x509::{AltNames, BasicConstraints, ExtendedKeyUsage, KeyUsage};

use super::Departures;
use super::table::Departure as D;

/// The value of an extension, without what follows its end if that is passed over.
fn value<'a>(tbs: &TbsRef<'a>, oid: der::asn1::ObjectIdentifier, d: Departures) -> Option<&'a [u8]> {
    let value = tbs.extension(oid)?.value;
    if !d.has(D::TrailingInValue) {
        return Some(value);
    }
    Some(DerReader::new(value).element().map_or(value, |element| element.whole))
}

pub(super) fn basic_constraints(tbs: &TbsRef<'_>, d: Departures) -> Result<Option<BasicConstraints>, Reason> {
    let Some(value) = value(tbs, ext::BASIC_CONSTRAINTS, d) else { return Ok(None) };
    let value = match value {
        [SEQUENCE, 3, BOOLEAN, 1, 0] if d.has(D::Defaults) => &[SEQUENCE, 0][..],
        [SEQUENCE, 3, BOOLEAN, 1, truth] if *truth != 0 && d.has(D::BerBooleans) => &[SEQUENCE, 3, BOOLEAN, 1, 0xff],
        other => other,
    };
    BasicConstraints::decode(value).map(Some).map_err(|_| Reason::MalformedExtension("basicConstraints"))
}

pub(super) fn key_usage(tbs: &TbsRef<'_>, d: Departures) -> Result<Option<KeyUsage>, Reason> {
    let Some(value) = value(tbs, ext::KEY_USAGE, d) else { return Ok(None) };
    let value = if d.has(D::Defaults) { without_trailing_zeros(value, d.has(D::UnusedBits)) } else { Cow::Borrowed(value) };
    KeyUsage::decode(&value).map(Some).map_err(|_| Reason::MalformedExtension("keyUsage"))
}

pub(super) fn extended_key_usage(tbs: &TbsRef<'_>, d: Departures) -> Result<Option<ExtendedKeyUsage>, Reason> {
    let Some(value) = value(tbs, ext::EXTENDED_KEY_USAGE, d) else { return Ok(None) };
    if d.has(D::AnyPurposeInLeaf) && value == [SEQUENCE, 0] {
        return Ok(None);
    }
    ExtendedKeyUsage::decode(value).map(Some).map_err(|_| Reason::MalformedExtension("extKeyUsage"))
}

pub(in crate::verify) fn alt_names<'a>(tbs: &TbsRef<'a>, d: Departures) -> Result<Option<AltNames<'a>>, Reason> {
    if d.is_empty() {
        return rules::alt_names(tbs);
    }
    let Some(value) = value(tbs, ext::SUBJECT_ALT_NAME, d) else { return Ok(None) };
    match AltNames::decode(value) {
        Ok(names) => Ok(Some(names)),
        Err(_) => loose(value, d).map(Some).ok_or(Reason::MalformedExtension("subjectAltName")),
    }
}

/// Names of a subjectAltName that we refuse to read. Text that is not ASCII stands as an empty URI, which no constraint permits.
fn loose(value: &[u8], d: Departures) -> Option<AltNames<'_>> {
    let mut names = AltNames::default();
    let mut outer = DerReader::new(value);
    let read = outer.required(SEQUENCE).map(|sequence| sequence.inside());
    let Ok(mut items) = read else { return d.has(D::SanUnread).then_some(names) };
    if items.is_finished() && !(d.has(D::EmptySan) || d.has(D::SanUnread)) || !outer.is_finished() {
        return None;
    }
    while !items.is_finished() {
        let Ok(name) = items.element() else { return d.has(D::SanUnread).then_some(names) };
        let text = core::str::from_utf8(name.content).ok().filter(|text| text.is_ascii());
        match (name.tag, text) {
            (0x81, Some(text)) => names.emails.push(text),
            (0x82, Some(text)) => names.dns.push(text),
            (0x86, Some(text)) => names.uris.push(text),
            (0x81 | 0x82 | 0x86, None) if d.has(D::TextUnread) => names.uris.push(""),
            (0x81 | 0x82 | 0x86, None) => return None,
            (0x87, _) => names.ips.push(name.content),
            (0xa4, _) => names.directory_names.push(name.content),
            (0xa0 | 0xa3 | 0xa5 | 0x88, _) => names.others = names.others.saturating_add(1),
            _ if d.has(D::UnknownNameForms) || d.has(D::SanUnread) => names.others = names.others.saturating_add(1),
            _ => return None,
        }
    }
    Some(names)
}

/// A BIT STRING whose last bits are zero, as DER has it; anything else as it is. `unused`: unused bits count as zero.
fn without_trailing_zeros(value: &[u8], unused_count_as_zero: bool) -> Cow<'_, [u8]> {
    let Ok(element) = DerReader::new(value).required(BIT_STRING) else { return Cow::Borrowed(value) };
    let Some((unused @ 0..=7, octets)) = element.content.split_first() else { return Cow::Borrowed(value) };
    let mut octets = octets.to_vec();
    if let Some(last) = octets.last_mut().filter(|last| last.trailing_zeros() < u32::from(*unused)) {
        if !unused_count_as_zero {
            return Cow::Borrowed(value);
        }
        *last = *last >> unused << unused;
    }
    while octets.last() == Some(&0) {
        octets.pop();
    }
    let unused = octets.last().map_or(0, |last| last.trailing_zeros());
    let mut out = vec![BIT_STRING, u8::try_from(octets.len()).unwrap_or(0).saturating_add(1), u8::try_from(unused).unwrap_or(0)];
    out.extend(octets);
    Cow::Owned(out)
}
