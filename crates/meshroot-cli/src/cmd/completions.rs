//! `completions` and `man`, from the same definitions as the command line itself.

use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;
use serde_json::json;

use crate::args::Cli;
use crate::exit::{Exit, Failure, Result};
use crate::outputs::{self, Output};
use crate::session::Session;
use meshroot_store::files::Mode;

pub(super) fn shell(session: &Session<'_>, shell: Shell) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "meshroot", &mut script);
    if session.out.is_json() {
        session.out.document(&json!({ "shell": shell.to_string(), "script": String::from_utf8_lossy(&script) }));
    } else {
        session.out.raw(&script);
    }
    Ok(Exit::Ok)
}

/// One page for the program and one for each of its commands.
pub(super) fn man(session: &Session<'_>, folder: &Path) -> Result<Exit> {
    let mut command = Cli::command();
    command.build();
    let mut pages = Vec::new();
    render(&command, "meshroot", folder, &mut pages)?;
    outputs::write_checked(&pages, true)?;
    session.out.say(format_args!("{}: {} manual pages", folder.display(), pages.len()));
    session.out.document(&json!({ "written": pages.iter().map(|page| page.path.display().to_string()).collect::<Vec<_>>() }));
    Ok(Exit::Ok)
}

fn render(command: &clap::Command, name: &str, folder: &Path, pages: &mut Vec<Output>) -> Result<()> {
    let mut page = Vec::new();
    let written = clap_mangen::Man::new(command.clone()).title(name).render(&mut page);
    written.map_err(|e| Failure::internal(format_args!("no manual page for {name}: {e}")))?;
    pages.push(Output::new(folder.join(format!("{name}.1")), &page, Mode::Public));
    for below in command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help") {
        render(below, &format!("{name}-{}", below.get_name()), folder, pages)?;
    }
    Ok(())
}
