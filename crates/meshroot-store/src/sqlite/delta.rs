//! Octets as what differs from others: certificates of one CA and kind share most of what they say.
//!
//! The form is in the file. It is a row of steps, each one
//!
//! ```text
//! literals  a number, then so many octets, which stand as they are
//! copy      a number: four times how many octets are copied, and from where:
//!           0  from the reference, where it goes on beside what is written
//!           1  from the reference, elsewhere: a number says by how much it is shifted against what is written from here on
//!           2  from the first of the values that are known otherwise, behind so many octets as a number says
//!           3  from the second
//! ```
//!
//! and a copy is left out behind the last literals. Numbers are in groups of seven bits, the lowest first, each octet but the
//! last with its highest bit set; a shift is added to the one before, and its sign is in the lowest bit.

use core::ops::Range;

/// How many places of a reference are remembered by what stands there: as many as a certificate has octets, and some more.
const PLACES: usize = 1_024;

/// A copy of fewer octets takes more room than they do: two or three, and one for the literals behind it.
const LEAST: usize = 4;

/// The same of a copy that says where.
const LEAST_ELSEWHERE: usize = 6;

/// So many octets are looked up together.
const LOOKED_UP: usize = 4;

/// What others are told by, with where in it they may go on.
#[derive(Debug)]
pub(crate) struct Reference {
    octets: Vec<u8>,
    /// The last place, of those in reach of 16 bits, for each of many beginnings. What is found is compared.
    places: Box<[u16]>,
}

/// Values that are known when a delta is read, and need not stand in it: the fewer, the better; empty ones are none.
pub(crate) type Known<'a> = [&'a [u8]; 2];

/// Where a copy comes from.
#[derive(Clone, Copy)]
enum Source {
    Beside,
    Elsewhere(usize),
    Known(u64, usize),
}

impl Reference {
    pub(crate) fn new(octets: Vec<u8>) -> Self {
        let mut places = vec![0; PLACES].into_boxed_slice();
        for (at, first) in octets.windows(LOOKED_UP).enumerate() {
            if let Some(first) = first.first_chunk()
                && let (Some(place), Ok(at)) = (places.get_mut(slot(*first)), u16::try_from(at))
            {
                *place = at;
            }
        }
        Self { octets, places }
    }

    /// Appends to `out` what `target` is beside the reference.
    pub(crate) fn encode(&self, known: Known<'_>, target: &[u8], out: &mut Vec<u8>) {
        let stand = known.map(|value| place(target, value).map_or(0..0, |at| at..at.saturating_add(value.len())));
        let (mut at, mut literals, mut shift) = (0usize, 0usize, 0isize);
        while let Some(next) = self.next(target, at, shift, &stand) {
            at = next;
            let rest = tail(target, at);
            let Some((from, length)) = self.longest(rest, at, shift, &stand) else {
                at = at.saturating_add(1);
                continue;
            };
            put_literals(out, target.get(literals..at).unwrap_or_default());
            let length_and = |source: u64| wide(length).wrapping_shl(2) | source;
            match from {
                Source::Beside => put(out, length_and(0)),
                Source::Elsewhere(place) => {
                    let new = place.cast_signed().wrapping_sub(at.cast_signed());
                    put(out, length_and(1));
                    put(out, signed(new.wrapping_sub(shift)));
                    shift = new;
                }
                Source::Known(which, offset) => {
                    put(out, length_and(which.saturating_add(2)));
                    put(out, wide(offset));
                }
            }
            at = at.saturating_add(length);
            literals = at;
        }
        if literals < target.len() {
            put_literals(out, tail(target, literals));
        }
    }

    /// Whether what was encoded is read as what it was.
    pub(crate) fn reads_back(&self, known: Known<'_>, encoded: &[u8], target: &[u8]) -> bool {
        decode(&self.octets, known, encoded, target.len()).is_some_and(|read| read == target)
    }

    /// The next place where a copy may begin. Most of what is written has none, and is passed over here.
    fn next(&self, target: &[u8], at: usize, shift: isize, stand: &[Range<usize>; 2]) -> Option<usize> {
        let first = |at: usize| self.octets.get(at..).and_then(|rest| rest.first_chunk::<LOOKED_UP>());
        let mut windows = (at..).zip(target.get(at..)?.windows(LOOKED_UP));
        let may_begin = |(at, window): &(usize, &[u8])| {
            let Some(window) = window.first_chunk() else { return false };
            let place = self.places.get(slot(*window)).copied().map(usize::from);
            first(at.wrapping_add_signed(shift)) == Some(window)
                || place.and_then(first) == Some(window)
                || stand.iter().any(|range| range.contains(at))
        };
        windows.find(may_begin).map(|(at, _)| at)
    }

    /// The longest copy that `rest` can begin with and that is worth it.
    fn longest(&self, rest: &[u8], at: usize, shift: isize, stand: &[Range<usize>; 2]) -> Option<(Source, usize)> {
        let first: &[u8; LOOKED_UP] = rest.first_chunk()?;
        let beside = self.same(at.wrapping_add_signed(shift), first, rest);
        let mut longest = (Source::Beside, beside);
        for (which, range) in (0u64..).zip(stand) {
            if range.contains(&at) {
                let (offset, length) = (at.saturating_sub(range.start), range.end.saturating_sub(at));
                if length > longest.1 {
                    longest = (Source::Known(which, offset), length);
                }
            }
        }
        if longest.1 >= LEAST {
            return Some(longest);
        }
        let place = self.places.get(slot(*first)).copied().map(usize::from)?;
        let length = self.same(place, first, rest);
        (length >= LEAST_ELSEWHERE).then_some((Source::Elsewhere(place), length))
    }

    /// How many octets of `rest` stand at a place, if its first ones do: nearly everywhere they do not.
    fn same(&self, place: usize, first: &[u8; LOOKED_UP], rest: &[u8]) -> usize {
        let there = tail(&self.octets, place);
        if there.first_chunk() == Some(first) { same(rest, there) } else { 0 }
    }
}

/// What was encoded; `None` if it is nothing that [`Reference::encode`] makes of this reference and these values, or more than
/// `most` octets. Whether it is what was encoded, the caller's checksum says.
pub(crate) fn decode(reference: &[u8], known: Known<'_>, mut encoded: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(reference.len().min(most));
    let mut shift = 0isize;
    while !encoded.is_empty() {
        let literals = usize::try_from(take(&mut encoded)?).ok()?;
        let (these, rest) = encoded.split_at_checked(literals)?;
        append(&mut out, these, most)?;
        encoded = rest;
        if encoded.is_empty() {
            break;
        }
        let copy = take(&mut encoded)?;
        let length = usize::try_from(copy.wrapping_shr(2)).ok()?;
        let (source, from) = match copy & 3 {
            0 => (reference, out.len().checked_add_signed(shift)?),
            1 => {
                shift = shift.checked_add(unsigned(take(&mut encoded)?)?)?;
                (reference, out.len().checked_add_signed(shift)?)
            }
            2 => (known[0], usize::try_from(take(&mut encoded)?).ok()?),
            _ => (known[1], usize::try_from(take(&mut encoded)?).ok()?),
        };
        append(&mut out, source.get(from..from.checked_add(length)?)?, most)?;
    }
    Some(out)
}

fn append(out: &mut Vec<u8>, octets: &[u8], most: usize) -> Option<()> {
    if out.len().checked_add(octets.len())? > most {
        return None;
    }
    out.extend_from_slice(octets);
    Some(())
}

/// Where a value stands as a whole.
fn place(target: &[u8], value: &[u8]) -> Option<usize> {
    let first = value.first().filter(|_| value.len() >= LEAST)?;
    let mut from = 0usize;
    loop {
        let at = from.saturating_add(tail(target, from).iter().position(|octet| octet == first)?);
        if tail(target, at).starts_with(value) {
            return Some(at);
        }
        from = at.saturating_add(1);
    }
}

/// How many octets both begin with.
fn same(these: &[u8], those: &[u8]) -> usize {
    let eights = these.as_chunks::<8>().0.iter().zip(those.as_chunks::<8>().0).take_while(|(a, b)| a == b).count().saturating_mul(8);
    let rest = tail(these, eights).iter().zip(tail(those, eights)).take_while(|(a, b)| a == b).count();
    eights.saturating_add(rest)
}

fn tail(octets: &[u8], at: usize) -> &[u8] {
    octets.get(at..).unwrap_or_default()
}

/// Where the place of what begins like this is kept.
fn slot(first: [u8; LOOKED_UP]) -> usize {
    // Fibonacci hashing: the product's highest ten bits.
    usize::try_from(u32::from_le_bytes(first).wrapping_mul(0x9e37_79b1).wrapping_shr(22)).unwrap_or(0)
}

fn put_literals(out: &mut Vec<u8>, octets: &[u8]) {
    put(out, wide(octets.len()));
    out.extend_from_slice(octets);
}

fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn signed(number: isize) -> u64 {
    let number = i64::try_from(number).unwrap_or(0);
    (number.wrapping_shl(1) ^ number.wrapping_shr(63)).cast_unsigned()
}

fn unsigned(number: u64) -> Option<isize> {
    let magnitude = number.wrapping_shr(1).cast_signed();
    isize::try_from(if number & 1 == 0 { magnitude } else { !magnitude }).ok()
}

/// Appends a number.
pub(crate) fn put(out: &mut Vec<u8>, mut number: u64) {
    while number > 127 {
        out.push(number.to_le_bytes()[0] | 128);
        number = number.wrapping_shr(7);
    }
    out.push(number.to_le_bytes()[0]);
}

/// Takes a number off the front.
pub(crate) fn take(octets: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for group in (0..64).step_by(7) {
        let (first, rest) = octets.split_first()?;
        *octets = rest;
        number |= u64::from(first & 127).checked_shl(group)?;
        if first & 128 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests;
