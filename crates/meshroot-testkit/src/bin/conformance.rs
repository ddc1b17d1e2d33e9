//! Judges the library by a vector file: `conformance spiffe-id|bundle|x509-svid FILE`.
//!
//! Prints each mismatch with its reason, and last `N passed, N failed, N skipped`. Exits 0 only if nothing failed.
#![forbid(unsafe_code)]

use std::path::Path;
use std::process::ExitCode;

use meshroot_testkit::{conformance, vectors};

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [suite, file] = arguments.as_slice() else {
        eprintln!("usage: conformance spiffe-id|bundle|x509-svid FILE");
        return Ok(ExitCode::from(2));
    };
    let report = conformance::run(suite.parse()?, &vectors::load(Path::new(file))?)?;
    println!("{report}");
    Ok(if report.is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
