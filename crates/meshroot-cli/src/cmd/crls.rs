//! `crls`: the CRLs of all CAs in one file.

use std::path::Path;

use meshroot::revocation::Crl;
use meshroot_store::files::Mode;
use serde_json::json;

use crate::administration;
use crate::exit::{Exit, Result};
use crate::outputs::{self, Output};
use crate::session::Session;

pub(super) fn run(session: &Session<'_>, path: Option<&Path>, force: bool) -> Result<Exit> {
    let out = session.out;
    let bytes = administration::crls(session)?;
    let crls = Crl::from_pem(&bytes)?;
    let until = crls.iter().filter_map(Crl::next_update).min();
    match path {
        Some(path) => {
            outputs::write_checked(&[Output::new(path.to_owned(), &bytes, Mode::Public)], force)?;
            let until = until.map(|until| format!(", good until {until}")).unwrap_or_default();
            out.say(format_args!("{}: {} CRLs{until}", path.display(), crls.len()));
        }
        None => out.line(String::from_utf8_lossy(&bytes).trim_end()),
    }
    out.document(&json!({
        "crls": crls.iter().map(|crl| json!({
            "issuer": crl.issuer().to_string(),
            "number": crl.number().map(ToString::to_string),
            "entries": crl.len(),
            "this_update": crl.this_update().to_string(),
            "next_update": crl.next_update().map(|at| at.to_string()),
        })).collect::<Vec<_>>(),
        "text": String::from_utf8_lossy(&bytes),
        "written": path.map(|path| path.display().to_string()),
    }));
    Ok(Exit::Ok)
}
