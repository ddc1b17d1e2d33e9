//! `istio`: the plug-in CA, written and checked; what istiod needs when it is not the CA.

mod cacerts;
mod check;
mod istiod_tls;
mod root_config_map;

use crate::args::Istio;
use crate::exit::{Exit, Result};
use crate::session::Session;

pub(super) fn run(session: &Session<'_>, command: &Istio) -> Result<Exit> {
    match command {
        Istio::Cacerts(args) => cacerts::run(session, args),
        Istio::IstiodTls(args) => istiod_tls::run(session, args),
        Istio::RootConfigMap { namespace, out, force } => root_config_map::run(session, namespace, out.as_deref(), *force),
        Istio::Check { inputs } => check::run(session, inputs),
    }
}
