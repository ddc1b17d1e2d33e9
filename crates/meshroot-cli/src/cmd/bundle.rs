//! `bundle show`, `bundle export`, and what others' bundles are for.

mod import;

use std::path::Path;

use meshroot::bundle::BundleMap;
use meshroot::time::humanize;
use meshroot_store::files::Mode;
use serde_json::json;

use crate::args::{Bundle, BundleFormat};
use crate::exit::{Exit, Failure, Result};
use crate::mesh::Mesh;
use crate::output::Style;
use crate::outputs::{self, Output};
use crate::session::Session;
use crate::tree;

pub(super) fn run(session: &Session<'_>, command: &Bundle) -> Result<Exit> {
    match command {
        Bundle::Show => show(session),
        Bundle::Import { file, trust_domain, force } => import::import(session, file, trust_domain.as_deref(), *force),
        Bundle::Remove { trust_domain } => import::remove(session, trust_domain),
        Bundle::Export { format, out, force } => export(session, *format, out.as_deref(), *force),
    }
}

fn show(session: &Session<'_>) -> Result<Exit> {
    let out = session.out;
    let mesh = Mesh::open(session)?;
    let bundle = mesh.bundle()?;
    let sequence = bundle.sequence().unwrap_or(0);
    out.line(format_args!("{}  trust bundle number {sequence}", out.styled(Style::Strong, mesh.trust_domain())));
    if let Some(hint) = bundle.refresh_hint() {
        out.line(format_args!("  to be fetched anew every {}", humanize(hint)));
    }
    let mut roots = Vec::new();
    for root in bundle.x509_authorities() {
        let digest: String = root.fingerprint(&session.crypto).iter().map(|byte| format!("{byte:02x}")).collect();
        let until = root.validity().not_after;
        out.line(format_args!("  {}  {}", root.subject(), root.public_key().algorithm()));
        out.line(format_args!("    until {} ({} left)", tree::date(until), humanize(until.since(session.now))));
        out.line(format_args!("    SHA-256 {digest}"));
        roots.push(json!({
            "subject": root.subject().to_string(),
            "key": root.public_key().algorithm().to_string(),
            "not_before": root.validity().not_before.to_string(),
            "not_after": until.to_string(),
            "sha256": digest,
            "certificate": root.to_pem(),
        }));
    }
    tree::imported_lines(&mesh).iter().for_each(|line| out.line(line));
    out.document(&json!({
        "trust_domain": mesh.trust_domain().as_str(),
        "sequence": sequence,
        "imported": tree::imported(&mesh),
        "refresh_hint_seconds": bundle.refresh_hint().map(|hint| hint.as_secs()),
        "roots": roots,
    }));
    Ok(Exit::Ok)
}

fn export(session: &Session<'_>, format: BundleFormat, path: Option<&Path>, force: bool) -> Result<Exit> {
    let mesh = Mesh::open(session)?;
    mesh.check_newest()?;
    let bundle = mesh.bundle()?;
    let sequence = bundle.sequence();
    let (name, bytes) = match format {
        // The bytes that were published, so that everybody has the same.
        BundleFormat::Spiffe => (
            "spiffe",
            mesh.published.as_ref().map(|published| published.bytes.clone()).ok_or_else(|| Failure::internal("the mesh publishes no bundle"))?,
        ),
        BundleFormat::Pem => ("pem", bundle.to_pem().into_bytes()),
        BundleFormat::Map => ("map", BundleMap::from(bundle).to_json().into_bytes()),
    };
    let text = String::from_utf8_lossy(&bytes);
    if let Some(path) = path {
        outputs::write_checked(&[Output::new(path.to_owned(), &bytes, Mode::Public)], force)?;
        session.out.say(format_args!("{}: the trust bundle of {}", path.display(), mesh.trust_domain()));
    } else {
        session.out.line(text.trim_end());
    }
    session.out.document(&json!({
        "trust_domain": mesh.trust_domain().as_str(),
        "sequence": sequence,
        "format": name,
        "bundle": text,
        "written": path.map(|path| path.display().to_string()),
    }));
    Ok(Exit::Ok)
}
