//! `istio root-configmap`: the roots by which proxies trust istiod and the CA.

use std::path::Path;

use meshroot_store::files::Mode;
use serde_json::json;

use crate::exit::{Exit, Result};
use crate::mesh::Mesh;
use crate::outputs::{self, Output};
use crate::session::Session;

pub(super) fn run(session: &Session<'_>, namespaces: &[String], path: Option<&Path>, force: bool) -> Result<Exit> {
    let mesh = Mesh::open(session)?;
    // Our own alone: an imported root is nobody's whom istiod and the CA could be.
    let manifest = meshroot::istio::root_config_map(&mesh.hierarchy.anchors(), namespaces.iter().map(String::as_str))?;
    if let Some(path) = path {
        outputs::write_checked(&[Output::new(path.to_owned(), manifest.as_bytes(), Mode::Public)], force)?;
        session.out.say(format_args!("{}: the roots of {} for {} namespaces", path.display(), mesh.trust_domain(), namespaces.len()));
    } else {
        session.out.line(manifest.trim_end());
    }
    session.out.document(&json!({
        "trust_domain": mesh.trust_domain().as_str(),
        "sequence": mesh.published.as_ref().map(|published| published.sequence),
        "namespaces": namespaces,
        "manifest": manifest,
        "written": path.map(|path| path.display().to_string()),
    }));
    Ok(Exit::Ok)
}
