//! `inspect`.

use meshroot::time::Timestamp;

use crate::args::Inspect;
use crate::exit::{Exit, Failure, Result};
use crate::output::Out;

pub(super) fn run(args: &Inspect, _now: Timestamp, _out: &Out) -> Result<Exit> {
    Err(Failure::internal(format_args!("{} files are not inspected", args.files.len())))
}
