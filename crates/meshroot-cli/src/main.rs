//! `meshroot`: the command of operators. It parses, calls the library and the store, and prints.

#![forbid(unsafe_code)]

mod administration;
mod args;
mod clock;
mod cmd;
mod exit;
mod failures;
mod grow;
mod home;
mod input;
mod instead;
mod leaf;
mod lock;
mod make;
mod matrix;
mod mesh;
mod net;
mod output;
mod outputs;
mod progress;
mod session;
mod sources;
mod space;
mod staging;
mod tree;
mod unlock;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use args::Cli;
use exit::{Exit, Failure};
use output::Out;

/// The service allocates some hundred times a request, from several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // What a panic would print is for programmers; the sentence below is for people.
    std::panic::set_hook(Box::new(|_| {}));
    let exit = std::panic::catch_unwind(run).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        output::complain(&Failure::internal(text.unwrap_or("it panicked")), wants_json());
        Exit::Internal
    });
    ExitCode::from(exit as u8)
}

fn run() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => return misunderstood(&e),
    };
    let out = Out::new(cli.global.json, cli.global.quiet);
    let result = cmd::run(&cli, &out);
    match result.and_then(|exit| out.flush().map(|()| exit)) {
        Ok(exit) => exit,
        Err(failure) => {
            output::complain(&failure, cli.global.json);
            failure.exit
        }
    }
}

/// Help and version are answers; everything else is a usage error, as JSON if that was asked for.
fn misunderstood(e: &clap::Error) -> Exit {
    if matches!(e.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let _ = e.print();
        return Exit::Ok;
    }
    if wants_json() {
        let text = e.render().to_string();
        let sentence = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ").trim().to_owned();
        output::complain(&Failure::usage("usage", sentence), true);
    } else {
        let _ = e.print();
    }
    Exit::Usage
}

/// Whether `--json` was asked for, on a command line that may not be understood otherwise.
fn wants_json() -> bool {
    std::env::args_os().skip(1).take_while(|arg| arg != "--").any(|arg| arg == "--json")
}
