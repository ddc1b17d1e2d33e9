//! `istio`: the plug-in CA, written and checked.

mod cacerts;
mod check;

use crate::args::Istio;
use crate::exit::{Exit, Result};
use crate::session::Session;

pub(super) fn run(session: &Session<'_>, command: &Istio) -> Result<Exit> {
    match command {
        Istio::Cacerts(args) => cacerts::run(session, args),
        Istio::Check { inputs } => check::run(session, inputs),
    }
}
