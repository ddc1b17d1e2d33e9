//! `verify`.

use meshroot::time::Timestamp;

use crate::args::Verify;
use crate::exit::{Exit, Failure, Result};
use crate::output::Out;

pub(super) fn run(args: &Verify, now: Timestamp, _out: &Out) -> Result<Exit> {
    let at = args.at.unwrap_or(now);
    Err(Failure::internal(format_args!("{} is not verified at {at} with {}", args.chain.display(), args.bundle.display())))
}
