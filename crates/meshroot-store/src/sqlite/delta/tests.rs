#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests may be blunt")]

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::support::Mesh;

const MOST: usize = 65_536;

fn encoded(reference: &[u8], known: Known<'_>, target: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Reference::new(reference.to_vec()).encode(known, target, &mut out);
    out
}

/// Octets, some of which are parts of one text, so that there is something to copy from elsewhere.
fn octets() -> impl Strategy<Value = Vec<u8>> {
    const TEXT: &[u8] = b"spiffe://mesh.example/ns/shop/sa/cart and what else is said about it, over and over, over and over again";
    let part = (0..TEXT.len(), 0..TEXT.len()).prop_map(|(a, b)| TEXT[a.min(b)..a.max(b)].to_vec());
    vec(prop_oneof![vec(any::<u8>(), 0..40), part], 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn whatever_is_encoded_is_decoded_as_itself(reference in octets(), first in octets(), second in octets(), target in octets()) {
        let known = [&*first, &*second];
        let encoded = encoded(&reference, known, &target);
        prop_assert_eq!(decode(&reference, known, &encoded, MOST), Some(target.clone()));
        prop_assert!(encoded.len() <= target.len() + 3, "{} octets were made of {}", encoded.len(), target.len());
    }

    #[test]
    fn what_lies_within_the_target_is_known(before in octets(), value in octets(), after in octets()) {
        let target = [&*before, &value, &after].concat();
        let known = [&[][..], &value];
        prop_assert_eq!(decode(&[], known, &encoded(&[], known, &target), MOST), Some(target.clone()));
    }

    #[test]
    fn any_octets_are_decoded_within_bounds_or_not_at_all(
        reference in octets(), first in octets(), second in octets(), encoded in vec(any::<u8>(), 0..200), most in 0usize..2_000,
    ) {
        if let Some(decoded) = decode(&reference, [&first, &second], &encoded, most) {
            prop_assert!(decoded.len() <= most);
        }
    }

    #[test]
    fn a_damaged_delta_is_decoded_within_bounds_or_not_at_all(reference in octets(), target in octets(), at in any::<usize>(), with in any::<u8>()) {
        let mut encoded = encoded(&reference, [&[], &[]], &target);
        let length = encoded.len();
        if let Some(octet) = encoded.get_mut(at.checked_rem(length).unwrap_or(0)) {
            *octet = with;
        }
        if let Some(decoded) = decode(&reference, [&[], &[]], &encoded, 500) {
            prop_assert!(decoded.len() <= 500);
        }
    }

    #[test]
    fn a_number_is_read_as_what_was_written(number in any::<u64>(), shift in any::<isize>()) {
        let mut out = Vec::new();
        put(&mut out, number);
        prop_assert_eq!((take(&mut &*out), out.len() <= 10), (Some(number), true));
        prop_assert_eq!(unsigned(signed(shift)), Some(shift));
    }
}

#[test]
fn more_than_the_bound_is_not_decoded() {
    // A copy of 16 octets from a reference that has them.
    let encoded = [0, 16 << 2];
    assert_eq!(decode(&[7; 16], [&[], &[]], &encoded, 16), Some(vec![7; 16]));
    assert_eq!(decode(&[7; 16], [&[], &[]], &encoded, 15), None);
    assert_eq!(decode(&[], [&[], &[]], &[16, 1, 2], MOST), None, "literals that are not there");
    assert_eq!(decode(&[7; 16], [&[], &[]], &[0, 17 << 2], MOST), None, "a copy of what is not there");
}

#[test]
fn a_certificate_is_told_by_its_neighbour_in_a_third_of_its_octets() {
    let mesh = Mesh::new("mesh.example");
    let first = mesh.issue("/ns/shop/sa/cart");
    for path in ["/ns/shop/sa/cart", "/ns/shop/sa/till", "/ns/a/sa/b", "/ns/accounting/sa/ledger-of-the-second-quarter"] {
        let issued = mesh.issue(path);
        let known = [issued.serial().as_bytes(), issued.id().unwrap().as_str().as_bytes()];
        let encoded = encoded(first.der(), known, issued.der());
        assert_eq!(decode(first.der(), known, &encoded, MOST).as_deref(), Some(issued.der()));
        assert!(encoded.len() * 10 <= issued.der().len() * 4, "{path}: {} of {} octets", encoded.len(), issued.der().len());
    }
}
