//! Judges the library by a vector file: `conformance spiffe-id|bundle|x509-svid|limbo FILE [--verbose]`.
//!
//! Prints each mismatch with its reason (with `--verbose` every case), and last `N passed, N failed, N skipped`; for limbo
//! `N passed, M decided, K failed`. Exits 0 only if nothing failed.
#![forbid(unsafe_code)]

use std::path::Path;
use std::process::ExitCode;

use meshroot_testkit::{conformance, vectors};

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let verbose = arguments.iter().any(|argument| argument == "--verbose");
    let named: Vec<&String> = arguments.iter().filter(|argument| *argument != "--verbose").collect();
    let [suite, file] = named.as_slice() else {
        eprintln!("usage: conformance spiffe-id|bundle|x509-svid|limbo FILE [--verbose]");
        return Ok(ExitCode::from(2));
    };
    let report = conformance::run(suite.parse()?, &vectors::load(Path::new(file))?)?;
    if verbose {
        report.cases.iter().for_each(|case| println!("{case}"));
    }
    println!("{report}");
    Ok(if report.is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
