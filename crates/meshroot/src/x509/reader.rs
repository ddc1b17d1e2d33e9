//! Reading DER in place.
//!
//! The `der` crate reads everything that is not on the path of every certificate. That path is measured against its
//! signatures, and a third of what is not signature was generic length arithmetic; this reader does the same with slices,
//! and a property test holds it to the same verdicts.

use der::asn1::ObjectIdentifier;
use der::{Decode, Error, ErrorKind, Length, SliceReader, Tag};

use super::extension as ext;

/// What is left to read of some DER.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DerReader<'a> {
    rest: &'a [u8],
    /// How far `rest` starts into the bytes that the first reader was made of.
    offset: usize,
}

/// One element: a tag of one byte, a definite length in its shortest form, the content.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    /// With its header.
    pub(crate) whole: &'a [u8],
    pub(crate) content: &'a [u8],
    content_offset: usize,
}

impl<'a> DerReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, offset: 0 }
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    /// The tag that comes next.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next element, whatever it is.
    pub(crate) fn element(&mut self) -> der::Result<Element<'a>> {
        let (header, length): (usize, usize) = match self.rest {
            // Tag numbers above 30 take more bytes; nothing that we read has one.
            [tag, ..] if tag & 0x1f == 0x1f => return Err(self.error(ErrorKind::TagNumberInvalid)),
            [_, length @ 0..=0x7f, ..] => (2, usize::from(*length)),
            [_, 0x81, length @ 0x80..=0xff, ..] => (3, usize::from(*length)),
            [_, 0x82, high @ 1..=0xff, low, ..] => (4, usize::from(*high) << 8 | usize::from(*low)),
            [_, 0x83, high @ 1..=0xff, middle, low, ..] => (5, usize::from(*high) << 16 | usize::from(*middle) << 8 | usize::from(*low)),
            [] | [_] | [_, 0x81] | [_, 0x82, ..=1] | [_, 0x82, _] | [_, 0x83] | [_, 0x83, _] | [_, 0x83, _, _] => {
                return Err(
                    self.error(ErrorKind::Incomplete { expected_len: length_of(self.offset.saturating_add(2)), actual_len: length_of(self.offset) })
                );
            }
            // Longer than needed, indefinite, or over 16 MiB.
            _ => return Err(self.error(ErrorKind::Length { tag: Tag::Sequence })),
        };
        let end = header.saturating_add(length);
        let (Some(whole), Some(rest)) = (self.rest.get(..end), self.rest.get(end..)) else {
            let expected_len = length_of(self.offset.saturating_add(end));
            let actual_len = length_of(self.offset.saturating_add(self.rest.len()));
            return Err(self.error(ErrorKind::Incomplete { expected_len, actual_len }));
        };
        let element = Element {
            tag: whole.first().copied().unwrap_or_default(),
            whole,
            content: whole.get(header..).unwrap_or_default(),
            content_offset: self.offset.saturating_add(header),
        };
        self.rest = rest;
        self.offset = self.offset.saturating_add(end);
        Ok(element)
    }

    /// The next element, which has this tag.
    pub(crate) fn required(&mut self, tag: u8) -> der::Result<Element<'a>> {
        match self.peek() {
            Some(found) if found != tag => Err(self.unexpected(tag, found)),
            _ => self.element(),
        }
    }

    /// The next element, if it has this tag.
    pub(crate) fn optional(&mut self, tag: u8) -> der::Result<Option<Element<'a>>> {
        if self.peek() == Some(tag) { self.element().map(Some) } else { Ok(None) }
    }

    /// Nothing may be left.
    pub(crate) fn finish(self) -> der::Result<()> {
        if self.rest.is_empty() {
            return Ok(());
        }
        let total = self.offset.saturating_add(self.rest.len());
        Err(self.error(ErrorKind::TrailingData { decoded: length_of(self.offset), remaining: length_of(total.saturating_sub(self.offset)) }))
    }

    /// An error at the place that this reader has reached.
    pub(crate) fn error(&self, kind: ErrorKind) -> Error {
        Error::new(kind, length_of(self.offset))
    }

    fn unexpected(&self, expected: u8, actual: u8) -> Error {
        match (named(expected), named(actual)) {
            (expected, Some(actual)) => self.error(ErrorKind::TagUnexpected { expected, actual }),
            (_, None) => self.error(ErrorKind::TagUnknown { byte: actual }),
        }
    }
}

impl<'a> Element<'a> {
    /// How far the content starts into the bytes that the first reader was made of.
    pub(crate) fn content_offset(&self) -> usize {
        self.content_offset
    }

    /// Reads what is inside.
    pub(crate) fn inside(&self) -> DerReader<'a> {
        DerReader { rest: self.content, offset: self.content_offset }
    }

    /// The content is wrong for its tag.
    pub(crate) fn wrong(&self) -> Error {
        let kind = named(self.tag).map_or(ErrorKind::TagUnknown { byte: self.tag }, |tag| ErrorKind::Value { tag });
        Error::new(kind, length_of(self.content_offset))
    }

    /// The content of an INTEGER: at least one octet, and no redundant first one (X.690 §8.3.2).
    pub(crate) fn integer(&self) -> der::Result<&'a [u8]> {
        match self.content {
            [] => Err(self.wrong()),
            [0x00, second, ..] if second & 0x80 == 0 => Err(self.wrong()),
            [0xff, second, ..] if second & 0x80 != 0 => Err(self.wrong()),
            octets => Ok(octets),
        }
    }

    /// TRUE is ff and FALSE is 00, and nothing else is either (X.690 §11.1).
    pub(crate) fn boolean(&self) -> der::Result<bool> {
        match self.content {
            [0xff] => Ok(true),
            [0x00] => Ok(false),
            _ => Err(self.wrong()),
        }
    }

    /// The octets of a BIT STRING that ends at a byte.
    pub(crate) fn whole_bytes(&self) -> der::Result<&'a [u8]> {
        match self.content {
            [0, octets @ ..] => Ok(octets),
            _ => Err(self.wrong()),
        }
    }

    pub(crate) fn object_identifier(&self) -> der::Result<ObjectIdentifier> {
        // The arcs of the seven that nearly every extension is were checked when the constants were compiled.
        Ok(match self.content {
            [0x55, 0x1d, 14] => ext::SUBJECT_KEY_IDENTIFIER,
            [0x55, 0x1d, 15] => ext::KEY_USAGE,
            [0x55, 0x1d, 17] => ext::SUBJECT_ALT_NAME,
            [0x55, 0x1d, 19] => ext::BASIC_CONSTRAINTS,
            [0x55, 0x1d, 30] => ext::NAME_CONSTRAINTS,
            [0x55, 0x1d, 35] => ext::AUTHORITY_KEY_IDENTIFIER,
            [0x55, 0x1d, 37] => ext::EXTENDED_KEY_USAGE,
            other => ObjectIdentifier::from_bytes(other).map_err(|_| self.wrong())?,
        })
    }
}

/// The tag as `der` names it, for messages.
fn named(byte: u8) -> Option<Tag> {
    Tag::decode(&mut SliceReader::new(&[byte]).ok()?).ok()
}

/// Offsets are of certificates and requests: far below what `Length` can hold.
fn length_of(n: usize) -> Length {
    Length::try_from(n).unwrap_or(Length::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use der::asn1::AnyRef;
    use proptest::prelude::*;

    /// What `der` makes of the first element.
    fn by_der(bytes: &[u8]) -> Option<(u8, Vec<u8>)> {
        let mut reader = SliceReader::new(bytes).ok()?;
        let any = AnyRef::decode(&mut reader).ok()?;
        Some((*bytes.first()?, any.value().to_vec()))
    }

    fn by_us(bytes: &[u8]) -> Option<(u8, Vec<u8>)> {
        DerReader::new(bytes).element().ok().map(|e| (e.tag, e.content.to_vec()))
    }

    /// `der` refuses tags that it has no name for, and reads tag numbers above 30; both are beside the point here.
    fn same_ground(bytes: &[u8]) -> bool {
        bytes.first().is_none_or(|tag| tag & 0x1f != 0x1f && named(*tag).is_some())
    }

    proptest! {
        #[test]
        fn lengths_are_judged_as_the_der_crate_judges_them(tag in any::<u8>(), header in proptest::collection::vec(any::<u8>(), 0..5), tail in proptest::collection::vec(any::<u8>(), 0..700)) {
            let bytes: Vec<u8> = core::iter::once(tag).chain(header).chain(tail).collect();
            if same_ground(&bytes) {
                prop_assert_eq!(by_us(&bytes), by_der(&bytes));
            }
        }

        #[test]
        fn every_length_that_was_written_is_read(content in proptest::collection::vec(any::<u8>(), 0..70_000)) {
            let mut bytes = vec![];
            super::super::encode::bytes(&mut bytes, 0x04, &content);
            prop_assert_eq!(by_us(&bytes), Some((0x04, content)));
        }
    }

    #[test]
    fn a_length_that_is_longer_than_needed_is_refused() {
        for bytes in [&[0x04, 0x81, 0x01, 0xaa][..], &[0x04, 0x82, 0x00, 0x80], &[0x30, 0x80, 0x00, 0x00], &[0x04, 0x84, 0, 0, 0, 1, 0xaa]] {
            assert!(DerReader::new(bytes).element().is_err(), "{bytes:02x?}");
        }
    }
}
