// The store's own file, which asks for nothing of the rest of it.
#[path = "../../crates/meshroot-store/src/sqlite/delta.rs"]
mod delta;

use delta::{Known, Reference, decode, put, take};

/// A reference, two values that are known otherwise, and what the log keeps: lengths of two octets and of one and one, then those. Read as a
/// difference it gives exactly what a naive reading of the documented form gives, and never more than is allowed. Written as a difference
/// from the reference it is read as itself, by both, and takes hardly more room than it has octets.
pub fn log_difference(data: &[u8]) {
    let Some((&[high, low, first, second], rest)) = data.split_first_chunk() else { return };
    let (reference, rest) = at_most(rest, usize::from(u16::from_be_bytes([high, low])));
    let (first, rest) = at_most(rest, usize::from(first));
    let (second, kept) = at_most(rest, usize::from(second));
    let known = [first, second];
    for most in [0, kept.len(), 2 * reference.len(), 65_536] {
        let decoded = decode(reference, known, kept, most);
        assert_eq!(decoded, naive(reference, known, kept, most), "at most {most}");
        assert!(decoded.is_none_or(|decoded| decoded.len() <= most));
    }

    let held = Reference::new(reference.to_vec());
    let mut written = Vec::new();
    held.encode(known, kept, &mut written);
    assert!(written.len() <= kept.len() + 3, "{} octets were made of {}", written.len(), kept.len());
    assert!(held.reads_back(known, &written, kept));
    assert_eq!(naive(reference, known, &written, kept.len()).as_deref(), Some(kept));

    let mut number = kept;
    if let Some(value) = take(&mut number) {
        assert_eq!(Some(value), naive_number(&mut { kept }));
        let mut shortest = Vec::new();
        put(&mut shortest, value);
        assert_eq!(take(&mut &shortest[..]), Some(value));
    }
}

fn at_most(octets: &[u8], length: usize) -> (&[u8], &[u8]) {
    octets.split_at(length.min(octets.len()))
}

/// The form as it is documented, in numbers that are large enough for anything, an octet at a time.
fn naive(reference: &[u8], known: Known<'_>, mut kept: &[u8], most: usize) -> Option<Vec<u8>> {
    let (mut out, mut shift) = (Vec::new(), 0i128);
    let mut literals = true;
    while !kept.is_empty() {
        let number = i128::from(naive_number(&mut kept)?);
        let (source, from, length) = if literals {
            (kept, 0, number)
        } else {
            let (length, place) = (number >> 2, out.len() as i128);
            match number & 3 {
                0 => (reference, place + shift, length),
                1 => {
                    let by = i128::from(naive_number(&mut kept)?);
                    shift += if by & 1 == 0 { by >> 1 } else { -(by >> 1) - 1 };
                    (reference, place + shift, length)
                }
                which => (known[which as usize - 2], i128::from(naive_number(&mut kept)?), length),
            }
        };
        if from < 0 || from + length > source.len() as i128 || out.len() as i128 + length > most as i128 {
            return None;
        }
        (from..from + length).for_each(|at| out.push(source[at as usize]));
        if literals {
            kept = &kept[length as usize..];
        }
        literals = !literals;
    }
    Some(out)
}

/// Groups of seven bits, the lowest first, at most ten of them; of the tenth only what has its place in 64 bits.
fn naive_number(kept: &mut &[u8]) -> Option<u64> {
    let mut number = 0u128;
    for group in 0..10 {
        let (octet, rest) = kept.split_first()?;
        *kept = rest;
        number |= u128::from(octet & 0x7f) << (7 * group);
        if octet & 0x80 == 0 {
            return Some(number as u64);
        }
    }
    None
}

/// Two certificates of one CA: the second as it is, and as what the log keeps of it.
pub fn log_difference_seeds(reference: &[u8], serial: &[u8], id: &str, certificate: &[u8]) -> [(&'static str, Vec<u8>); 2] {
    let known = [serial, id.as_bytes()];
    let mut difference = Vec::new();
    Reference::new(reference.to_vec()).encode(known, certificate, &mut difference);
    let short = |value: &[u8]| u8::try_from(value.len()).unwrap_or(u8::MAX);
    let length = u16::try_from(reference.len()).unwrap_or(u16::MAX).to_be_bytes();
    let head = [&length[..], &[short(serial), short(known[1])], reference, serial, known[1]].concat();
    [("certificate", [&head[..], certificate].concat()), ("difference", [head, difference].concat())]
}
