//! What form single values have to have, as far as a difference turns on it.

use super::der::{OID, SEQUENCE, SET, Tlv};

pub(super) fn is_integer(content: &[u8]) -> bool {
    match content {
        [] => false,
        [0, second, ..] => second & 0x80 != 0,
        [0xff, second, ..] => second & 0x80 == 0,
        _ => true,
    }
}

pub(super) fn is_identifier(content: &[u8]) -> bool {
    let starts = std::iter::once(content.first()).chain(content.windows(2).filter(|pair| pair[0] & 0x80 == 0).map(|pair| pair.get(1)));
    // Our reader holds identifiers up to 2.39: the first octet stands for two arcs.
    let first = content.first().is_some_and(|first| *first < 120);
    first && content.last().is_some_and(|last| last & 0x80 == 0) && starts.into_iter().all(|first| first != Some(&0x80))
}

pub(super) fn is_serial(content: &[u8]) -> bool {
    let magnitude = content.strip_prefix(&[0]).unwrap_or(content);
    is_integer(content) && content[0] & 0x80 == 0 && magnitude.len() <= 20 && !magnitude.is_empty()
}

/// A Name of attributes with the string types that X.520 has, each of them well-formed.
pub(super) fn is_name(der: &[u8]) -> bool {
    let string = |value: &Tlv<'_>| match value.tag {
        0x0c => std::str::from_utf8(value.content).is_ok(),
        0x13 | 0x14 | 0x16 => true,
        // Code points that there are: no half of a surrogate pair, nothing behind the last.
        0x1e => value.content.chunks(2).all(|unit| matches!(unit, [high, _] if !(0xd8..=0xdf).contains(high))),
        0x1c => value.content.chunks(4).all(|unit| unit.try_into().is_ok_and(|unit| char::from_u32(u32::from_be_bytes(unit)).is_some())),
        _ => false,
    };
    let attribute = |pair: &Tlv<'_>| {
        pair.tag == SEQUENCE
            && is_whole(pair)
            && matches!(pair.children()[..], [oid, value] if oid.tag == OID && is_identifier(oid.content) && string(&value))
    };
    let rdn = |set: &Tlv<'_>| set.tag == SET && is_whole(set) && !set.content.is_empty() && set.children().iter().all(attribute);
    Tlv::first(der).is_some_and(|(name, _)| name.tag == SEQUENCE && is_whole(&name) && name.children().iter().all(rdn))
}

/// A Name with letter case, repeated white space and string types made equal: how RFC 5280 §7.1 compares names, as far as
/// the names of our cases need it.
pub(super) fn folded(der: &[u8]) -> Vec<Vec<u8>> {
    let text = |value: &Tlv<'_>| {
        value.content.to_ascii_lowercase().split(|byte| *byte == b' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(&b' ')
    };
    let attributes = |set: &Tlv<'_>| set.children().iter().flat_map(|pair| pair.children().iter().map(text).collect::<Vec<_>>()).collect::<Vec<_>>();
    Tlv::first(der).map(|(name, _)| name.children().iter().flat_map(attributes).collect()).unwrap_or_default()
}

/// The base of an iPAddress constraint: an address and a mask of one bits and then zero bits.
pub(super) fn is_range(content: &[u8]) -> bool {
    let (8 | 32, (_, mask)) = (content.len(), content.split_at(content.len() / 2)) else { return false };
    let bits = mask.iter().fold(0u128, |bits, byte| bits << 8 | u128::from(*byte)) << (128 - 8 * mask.len());
    bits.leading_ones() + bits.trailing_zeros() >= 128
}

/// A host name that a constraint can be made of: labels of letters, digits, hyphens and underscores, a dot between them.
pub(super) fn is_host(content: &[u8]) -> bool {
    let letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let content = content.strip_suffix(b".").unwrap_or(content);
    content.split(|byte| *byte == b'.').all(|label| !label.is_empty() && label.iter().all(letter))
}

/// A GeneralName that plainly is inside or outside a constraint: a DNS name without wildcard, a URI with a host name, one
/// mailbox, an address.
pub(super) fn is_plain_name(name: &Tlv<'_>) -> bool {
    match name.tag {
        0x82 => is_host(name.content),
        0x81 => {
            let parts: Vec<_> = name.content.split(|byte| *byte == b'@').collect();
            matches!(parts[..], [local, host] if !local.is_empty() && !local.contains(&b'"') && is_host(host))
        }
        0x86 => {
            let text = String::from_utf8_lossy(name.content);
            let host = text.split_once("://").map(|(_, rest)| rest.split(['/', '?', '#', ':']).next().unwrap_or_default());
            host.is_some_and(|host| {
                is_host(host.as_bytes()) && !host.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()))
            })
        }
        0x87 => matches!(name.content.len(), 4 | 16),
        _ => true,
    }
}

/// A named bit list as DER has it: the last bit is set, and what follows it is unused.
pub(super) fn is_bit_list(value: &[u8]) -> bool {
    match Tlv::first(value) {
        Some((Tlv { tag: 3, content: [unused, bits @ ..], .. }, [])) => match bits.last() {
            Some(last) => *last != 0 && last.trailing_zeros() == u32::from(*unused),
            None => *unused == 0,
        },
        _ => false,
    }
}

/// A host name as RFC 1034 prefers it: no dot behind, no hyphen at an end of a label, letters in the last label.
pub(super) fn is_preferred_host(content: &[u8]) -> bool {
    let label = |label: &[u8]| !label.starts_with(b"-") && !label.ends_with(b"-") && label.len() < 64;
    let last = content.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    is_host(content) && !content.ends_with(b".") && content.split(|byte| *byte == b'.').all(label) && !last.iter().all(u8::is_ascii_digit)
}

/// Whether its elements fill it.
pub(super) fn is_whole(list: &Tlv<'_>) -> bool {
    list.children().iter().map(|child| child.whole.len()).sum::<usize>() == list.content.len()
}
