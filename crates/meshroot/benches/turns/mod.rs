//! Several sides in turns of some milliseconds, in one process: absolute figures drift with the machine, ratios do not.

use std::time::{Duration, Instant};

/// Operations of each side in a round.
pub(crate) const BATCH: usize = 60;
/// Operations of one side before the next one's turn: shorter than the machine's moods.
const TURN: usize = 20;
const ROUNDS: usize = 60;
/// Rounds that only warm caches and the clock of the processor.
const WARM: usize = 3;

/// One side: it is given the number of the operation, below [`BATCH`].
pub(crate) type Side<'a> = &'a mut dyn FnMut(usize);

/// What one side took.
pub(crate) struct Measured {
    /// Seconds an operation, the median of all rounds.
    pub(crate) seconds: f64,
    /// The first side's time by this side's, the median of the rounds' ratios.
    pub(crate) of_floor: f64,
}

/// Runs all sides in turns; the first is the floor.
pub(crate) fn take_turns<const N: usize>(mut sides: [Side<'_>; N]) -> [Measured; N] {
    // `cargo test --benches` only wants to see that it runs.
    let rounds = if std::env::args().any(|arg| arg == "--test") { 2 } else { ROUNDS };
    let mut all = Vec::with_capacity(rounds);
    for round in 0..rounds + WARM {
        let mut times = [Duration::ZERO; N];
        for first in (0..BATCH).step_by(TURN) {
            for (side, time) in sides.iter_mut().zip(&mut times) {
                let start = Instant::now();
                (first..first + TURN).for_each(&mut **side);
                *time += start.elapsed();
            }
        }
        if round >= WARM {
            all.push(times.map(|time| time.as_secs_f64() / BATCH as f64));
        }
    }
    std::array::from_fn(|side| Measured {
        seconds: median(all.iter().map(|times| times[side]).collect()),
        of_floor: median(all.iter().map(|times| times[0] / times[side]).collect()),
    })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
