//! Compares us with another validator on random cases and prints how often they agree and by what name they differ:
//! `cargo run --release --manifest-path fuzz/Cargo.toml --example differential -- webpki [CASES] [SEED]`, or `openssl`.
//!
//! The fuzz targets find more; this counts, and every run of a seed is the same.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

use meshroot_fuzz::{Outcome, compare_openssl, compare_webpki};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let compare = match arguments.next().as_deref() {
        Some("webpki") => compare_webpki,
        Some("openssl") => compare_openssl,
        _ => {
            eprintln!("usage: differential webpki|openssl [CASES] [SEED]");
            return ExitCode::from(2);
        }
    };
    let mut number = |default: u64| arguments.next().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (cases, mut random) = (number(100_000), Random(number(1)));
    let (mut counts, mut findings) = (BTreeMap::<&str, u64>::new(), BTreeMap::<String, (u64, String)>::new());
    let start = Instant::now();
    for _ in 0..cases {
        let outcome = compare(&random.input());
        *counts.entry(outcome.name()).or_default() += 1;
        if let Outcome::Finding { short, text } = outcome {
            let entry = findings.entry(short).or_insert((0, text.clone()));
            entry.0 += 1;
            // The example with the fewest edits is the easiest to read.
            if text.lines().count() < entry.1.lines().count() {
                entry.1 = text;
            }
        }
    }
    for (short, (count, text)) in &findings {
        println!("FINDING, {count} times: {short}\n{text}");
    }
    println!("{cases} cases in {:.0} s", start.elapsed().as_secs_f64());
    for (name, count) in counts {
        println!("{count:>9} {name}");
    }
    if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The number of this edit: it is the name of a seed.
const BYTE_BEFORE_SIGNING: u8 = 23;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// The shape of an honest PKI, and up to five edits; most have one or two. In every fourth one the last is a byte
    /// before signing, so that what was edited is also a little broken.
    fn input(&mut self) -> Vec<u8> {
        let edits = [0, 1, 1, 1, 2, 2, 3, 5][(self.next() % 8) as usize];
        let mut input: Vec<u8> = (0..4 + 4 * edits).map(|_| self.next() as u8).collect();
        if self.next() % 4 == 0
            && let Some(target) = input.get(5).copied()
        {
            input.extend([BYTE_BEFORE_SIGNING, target, self.next() as u8, self.next() as u8]);
        }
        input
    }
}
