//! The commands, one file each.

mod agent;
mod bundle;
mod cluster;
mod completions;
mod crls;
mod doctor;
mod export;
mod init;
mod inspect;
mod inventory;
mod istio;
mod policy;
mod quickstart;
mod revoke;
mod root;
mod serve;
mod sign;
mod status;
mod store;
mod svid;
mod token;
mod verify;

use crate::args::{Cli, Command};
use crate::exit::{Exit, Result};
use crate::output::Out;
use crate::session::Session;

/// Does what the command line says.
pub(crate) fn run(cli: &Cli, out: &Out) -> Result<Exit> {
    let session = Session::new(cli, out);
    match &cli.command {
        Command::Quickstart(args) => quickstart::run(&session, args),
        Command::Init(args) => init::run(&session, args),
        Command::Cluster(args) => cluster::run(&session, args),
        Command::Istio(args) => istio::run(&session, args),
        Command::Sign(args) => sign::run(&session, args),
        Command::Svid(args) => svid::run(&session, args),
        Command::Bundle(args) => bundle::run(&session, args),
        Command::Inspect(args) => inspect::run(args, session.now, out),
        Command::Verify(args) => verify::run(args, session.now, out),
        Command::Doctor(args) => doctor::run(&session, args),
        Command::Status => status::run(&session),
        Command::Serve(args) => serve::run(&session, args),
        Command::Agent(args) => agent::run(&session, args),
        Command::Policy(args) => policy::run(&session, args),
        Command::Token(args) => token::run(&session, args),
        Command::Inventory(args) => inventory::run(&session, args),
        Command::Revoke(args) => revoke::run(&session, args),
        Command::Export { out: folder } => export::export(&session, folder),
        Command::Import { from } => export::import(&session, from),
        Command::Store(args) => store::run(&session, args),
        Command::Crls { out, force } => crls::run(&session, out.as_deref(), *force),
        Command::Root(args) => root::run(&session, args),
        Command::Completions { shell } => completions::shell(&session, *shell),
        Command::Man { out: folder } => completions::man(&session, folder),
    }
}
