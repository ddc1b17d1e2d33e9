//! Randomness that is the same in every run.

use std::sync::Mutex;

use meshroot::key::{Entropy, KeyError};

/// Bytes that look random, never repeat within a test, and are the same in every run: SplitMix64 over a counter.
#[derive(Debug)]
pub struct CountingEntropy(Mutex<u64>);

impl CountingEntropy {
    /// Streams of different seeds differ.
    pub const fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }
}

impl Entropy for CountingEntropy {
    fn fill(&self, out: &mut [u8]) -> Result<(), KeyError> {
        let mut state = self.0.lock().map_err(|_| KeyError::NoEntropy)?;
        for chunk in out.chunks_mut(8) {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = *state;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            word ^= word >> 31;
            chunk.iter_mut().zip(word.to_le_bytes()).for_each(|(byte, random)| *byte = random);
        }
        Ok(())
    }
}

/// A source that fails, as a broken system's does.
#[derive(Clone, Copy, Debug)]
pub struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&self, _: &mut [u8]) -> Result<(), KeyError> {
        Err(KeyError::NoEntropy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_no_two_calls_do() {
        let (a, b) = (CountingEntropy::new(1), CountingEntropy::new(1));
        let draw = |source: &CountingEntropy| {
            let mut out = [0; 20];
            source.fill(&mut out).unwrap();
            out
        };
        let first = draw(&a);
        assert_eq!(first, draw(&b));
        assert_ne!(first, draw(&a));
        assert_ne!(first, draw(&CountingEntropy::new(2)));
    }
}
