//! The commands, one file each.

mod inspect;
mod verify;

use crate::args::{Cli, Command};
use crate::clock;
use crate::exit::{Exit, Failure, Result};
use crate::output::Out;

/// Does what the command line says.
pub(crate) fn run(cli: &Cli, out: &Out) -> Result<Exit> {
    let now = cli.global.now.unwrap_or_else(clock::now);
    match &cli.command {
        Command::Inspect(args) => inspect::run(args, now, out),
        Command::Verify(args) => verify::run(args, now, out),
        _ => Err(Failure::internal("not here yet")),
    }
}
