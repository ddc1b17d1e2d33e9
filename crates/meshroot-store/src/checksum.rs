//! A checksum of a row, against accidents: a decaying disk, a careless editor.
//!
//! FNV-1a with 64 bits. Every step is a bijection of the state, so one changed byte is always noticed; anything else
//! passes with a chance of 2^-64. Whoever can write to the file can recompute it: it proves nothing against people.

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

pub(crate) struct Checksum(u64);

impl Checksum {
    /// Starts with the table's name, so that no row passes for one of another table.
    pub(crate) fn of(table: &str) -> Self {
        Self(OFFSET).bytes(table.as_bytes())
    }

    /// Adds bytes, with their length in front: where a field ends is part of what is checked.
    pub(crate) fn bytes(self, bytes: &[u8]) -> Self {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.raw(&length.to_be_bytes()).raw(bytes)
    }

    pub(crate) fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    pub(crate) fn int(self, number: i64) -> Self {
        self.raw(&number.to_be_bytes())
    }

    /// As the database holds it.
    pub(crate) fn finish(self) -> i64 {
        self.0.cast_signed()
    }

    fn raw(self, bytes: &[u8]) -> Self {
        Self(bytes.iter().fold(self.0, |state, byte| (state ^ u64::from(*byte)).wrapping_mul(PRIME)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_single_changed_byte_is_noticed() {
        let row = b"a row of some table".to_vec();
        let whole = Checksum::of("t").bytes(&row).finish();
        for at in 0..row.len() {
            for bit in 0..8 {
                let mut flipped = row.clone();
                flipped[at] ^= 1 << bit;
                assert_ne!(Checksum::of("t").bytes(&flipped).finish(), whole);
            }
        }
    }

    #[test]
    fn a_field_that_ends_elsewhere_is_another_row() {
        assert_ne!(Checksum::of("t").text("ab").text("c").finish(), Checksum::of("t").text("a").text("bc").finish());
        assert_ne!(Checksum::of("t").text("a").finish(), Checksum::of("u").text("a").finish());
    }
}
