//! Compares us with another validator on random cases and prints how often they agree and by what name they differ:
//! `cargo run --release --manifest-path fuzz/Cargo.toml --example differential -- webpki [CASES] [SEED]`, or `openssl`; or, instead of
//! random ones, on `every` case with one edit, one changed bit, or one name under one constraint.
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
            eprintln!("usage: differential webpki|openssl [CASES [SEED] | every]");
            return ExitCode::from(2);
        }
    };
    let arguments: Vec<_> = arguments.collect();
    let number = |place: usize, default: u64| arguments.get(place).and_then(|text| text.parse().ok()).unwrap_or(default);
    let mut random = Random(number(1, 1));
    let inputs: Box<dyn Iterator<Item = Vec<u8>>> = match arguments.first().map(String::as_str) {
        Some("every") => Box::new(every()),
        _ => Box::new((0..number(0, 100_000)).map(|_| random.input())),
    };
    let (mut counts, mut findings) = (BTreeMap::<&str, u64>::new(), BTreeMap::<String, (u64, String)>::new());
    let start = Instant::now();
    for input in inputs {
        let outcome = compare(&input);
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
    println!("{} cases in {:.0} s", counts.values().sum::<u64>(), start.elapsed().as_secs_f64());
    for (name, count) in counts {
        println!("{count:>9} {name}");
    }
    if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The numbers of these edits: they are the names of seeds.
const PERMITTED: u8 = 4;
const EXCLUDED: u8 = 5;
const ALT_NAME: u8 = 6;
const BYTE_BEFORE_SIGNING: u8 = 23;
const BYTE_AFTER_SIGNING: u8 = 24;

/// Each edit of each of four certificates, with CRLs and strictly; each bit of the byte in 256 places of each, before and after
/// signing; and each name of a leaf or a CA under each constraint of a CA above.
fn every() -> impl Iterator<Item = Vec<u8>> {
    let edits = meshroot_fuzz::EDITS as u8;
    let one = (0..edits).filter(|edit| ![BYTE_BEFORE_SIGNING, BYTE_AFTER_SIGNING].contains(edit));
    let one = one.flat_map(|edit| (0..4).flat_map(move |target| (0..40).map(move |argument| [edit, target, argument])));
    let one = one.flat_map(|[edit, target, argument]| {
        [0x80, 0x41].into_iter().flat_map(move |asks| [0, 1, 2, 0x81].map(|more| vec![2, 5, 2, asks, edit, target, argument, more]))
    });
    let bits = [BYTE_BEFORE_SIGNING, BYTE_AFTER_SIGNING].into_iter().flat_map(|edit| (0..4).map(move |target| [edit, target]));
    let bits = bits.flat_map(|[edit, target]| {
        (0..=255).flat_map(move |place| [1, 2, 4, 8, 16, 32, 64, 128, 255].map(|bit| vec![2, 5, 2, 0x80, edit, target, place, bit]))
    });
    let names = [3, 2].into_iter().flat_map(|named| (0..28).flat_map(move |name| [[named, name, 0], [named, name, 0x80]]));
    let constraints = || [PERMITTED, EXCLUDED].into_iter().flat_map(|kind| (0..30).flat_map(move |base| [[kind, 0, base], [kind, 1, base]]));
    let names = names.flat_map(move |[named, name, more]| {
        constraints().map(move |[kind, ca, base]| vec![2, 5, 2, 0, ALT_NAME, named, name, more, kind, ca, base, 0])
    });
    one.chain(bits).chain(names)
}

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
