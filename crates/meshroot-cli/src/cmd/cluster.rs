//! `cluster add`, `cluster list`, `cluster show`.

use meshroot::hierarchy::ClusterName;
use serde_json::json;

use crate::args::{CaOptions, Cluster};
use crate::exit::{Exit, Failure, Result};
use crate::grow::{self, CaWanted};
use crate::home::Home;
use crate::lock;
use crate::mesh::Mesh;
use crate::output::Style;
use crate::progress::Progress;
use crate::session::Session;
use crate::tree;

pub(super) fn run(session: &Session<'_>, command: &Cluster) -> Result<Exit> {
    match command {
        Cluster::Add { names, ca } => add(session, names, ca),
        Cluster::List => list(session),
        Cluster::Show { name } => show(session, name),
    }
}

fn add(session: &Session<'_>, names: &[String], ca: &CaOptions) -> Result<Exit> {
    let out = session.out;
    let names = grow::names(names)?;
    let home = Home::of(session)?;
    // Opened first, so that a path without a mesh is not made into a folder by locking it.
    drop(Mesh::open(session)?);
    let _held = lock::folder(session, &home.folder)?;
    let mut mesh = Mesh::open(session)?;
    if let Some(name) = names.iter().find(|name| mesh.hierarchy.clusters().contains(name)) {
        return Err(Failure::new(Exit::Refused, "cluster.exists", format!("the cluster '{name}' has a CA already: nothing was changed")));
    }
    let root = grow::open_root(session, &mesh)?;
    let progress = Progress::new(out, "making CAs", names.len());
    let wanted = CaWanted { key: ca.key_type, lifetime: ca.ca_lifetime };
    let cut = grow::clusters(session, &mut mesh, &root, &names, wanted, &progress)?;
    drop(progress);
    for cut in &cut {
        tree::say_cut(out, "a cluster CA", cut);
    }
    let folder = mesh.home.folder.display();
    for name in &names {
        let (ca, _) = mesh.cluster_ca(name)?;
        out.say(format_args!("{} {name}: {}, {}", out.styled(Style::Good, "Added"), ca.id(), tree::expiry(session, ca)));
    }
    if let Some(name) = names.first() {
        out.say(format_args!("Next:\n  meshroot istio cacerts {name} --store {folder} --out {name}-cacerts"));
    }
    let added = names
        .iter()
        .map(|name| mesh.cluster_ca(name).map(|(ca, _)| tree::with_cluster(tree::document(ca), name.as_str())))
        .collect::<Result<Vec<_>>>()?;
    out.document(&json!({ "added": added, "lifetimes_cut": cut.iter().map(ToString::to_string).collect::<Vec<_>>() }));
    Ok(Exit::Ok)
}

fn list(session: &Session<'_>) -> Result<Exit> {
    let mesh = Mesh::open(session)?;
    let width = mesh.hierarchy.clusters().iter().map(|name| name.as_str().len()).max().unwrap_or(0);
    for (name, ca) in mesh.cluster_authorities() {
        session.out.line(format_args!("{name:<width$}  {:<8}  {}  {}", ca.state(), ca.id(), tree::expiry(session, ca)));
    }
    if mesh.cluster_authorities().next().is_none() {
        session.out.say("there is no cluster yet: add one with `meshroot cluster add`");
    }
    session.out.document(&json!({ "trust_domain": mesh.trust_domain().as_str(), "clusters": tree::documents(&mesh).1 }));
    Ok(Exit::Ok)
}

fn show(session: &Session<'_>, name: &str) -> Result<Exit> {
    let out = session.out;
    let mesh = Mesh::open(session)?;
    let name: ClusterName = mesh.cluster(name)?;
    let mut documents = Vec::new();
    for (_, ca) in mesh.cluster_authorities().filter(|(of, _)| **of == name) {
        out.line(format_args!("{}", out.styled(Style::Strong, ca.id())));
        out.line(format_args!("  state    {}", ca.state()));
        let mut document = tree::with_cluster(tree::document(ca), name.as_str());
        if let Some(certificate) = ca.certificate() {
            let digest: Vec<_> = certificate.fingerprint(&session.crypto).iter().map(|byte| format!("{byte:02x}")).collect();
            out.line(format_args!("  subject  {}", certificate.subject()));
            out.line(format_args!("  issuer   {}", certificate.issuer()));
            out.line(format_args!("  key      {}", certificate.public_key().algorithm()));
            out.line(format_args!("  serial   {}", certificate.serial()));
            out.line(format_args!("  valid    {}", tree::expiry(session, ca)));
            out.line(format_args!("  SHA-256  {}", digest.concat()));
            if let Some(fields) = document.as_object_mut() {
                fields.insert("issuer".into(), certificate.issuer().to_string().into());
                fields.insert("sha256".into(), digest.concat().into());
                fields.insert("certificate".into(), certificate.to_pem().into());
            }
        }
        documents.push(document);
    }
    out.document(&json!({ "cluster": name.as_str(), "authorities": documents }));
    Ok(Exit::Ok)
}
