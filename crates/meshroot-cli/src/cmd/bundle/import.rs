//! `bundle import`, `bundle remove`: the roots of others, handed to this mesh's workloads.

use std::path::Path;

use meshroot::bundle::Bundle;
use meshroot::hierarchy::{Command, Event};
use meshroot::spiffe::TrustDomain;
use meshroot_store::Change;
use serde_json::json;

use crate::cmd::verify::anchors;
use crate::exit::{Exit, Failure, Result};
use crate::home::Home;
use crate::input;
use crate::lock;
use crate::mesh::Mesh;
use crate::output::Style;
use crate::session::Session;
use crate::tree;

pub(super) fn import(session: &Session<'_>, file: &Path, trust_domain: Option<&str>, force: bool) -> Result<Exit> {
    let out = session.out;
    let given = trust_domain.map(|name| TrustDomain::parse(name).map_err(Failure::from)).transpose()?;
    let read = anchors::read(&input::read(file)?, given).map_err(|failure| failure.at(input::named(file)))?;
    read.ignored.iter().for_each(|ignored| out.warn(format_args!("{}: ignored: {ignored}", input::named(file))));
    let bundles: Vec<&Bundle> = read.map.iter().map(|(_, bundle)| bundle).collect();
    let (mesh, events) = change(session, |mesh| {
        let mut hierarchy = mesh.hierarchy.clone();
        let mut events = Vec::new();
        for bundle in &bundles {
            let command = Command::Import { bundle: (*bundle).clone(), force };
            for event in hierarchy.decide(&command, &session.crypto, session.now)? {
                hierarchy.apply(&event);
                events.push(event);
            }
        }
        Ok(events)
    })?;
    for bundle in &bundles {
        let roots = bundle.x509_authorities();
        out.say(format_args!("{} {}: {} handed to workloads", out.styled(Style::Good, "Imported"), bundle.trust_domain(), tree::roots(roots.len())));
        for root in roots.iter().filter(|root| root.validity().not_after < session.now) {
            out.warn(format_args!("'{}' of {} expired on {}", root.subject(), bundle.trust_domain(), tree::date(root.validity().not_after)));
        }
    }
    match events.is_empty() {
        true => out.say("nothing was changed: it was imported already"),
        false => {
            out.warn("Istio's clients take all roots together: whoever holds a key of these can be anybody to them, of this trust domain as well")
        }
    }
    out.document(&json!({ "changed": !events.is_empty(), "imported": tree::imported(&mesh) }));
    Ok(Exit::Ok)
}

pub(super) fn remove(session: &Session<'_>, trust_domain: &str) -> Result<Exit> {
    let trust_domain = TrustDomain::parse(trust_domain)?;
    let forget = Command::Forget { trust_domain: trust_domain.clone() };
    let (mesh, _) = change(session, |mesh| Ok(mesh.hierarchy.decide(&forget, &session.crypto, session.now)?))?;
    session.out.say(format_args!("Removed {trust_domain}: workloads trust its roots until they have their next certificate"));
    session.out.document(&json!({ "removed": trust_domain.as_str(), "imported": tree::imported(&mesh) }));
    Ok(Exit::Ok)
}

/// Decides on the mesh as it is now, and commits; a service that runs takes it over within a second.
fn change(session: &Session<'_>, decide: impl FnOnce(&Mesh) -> Result<Vec<Event>>) -> Result<(Mesh, Vec<Event>)> {
    let home = Home::of(session)?;
    // Opened first, so that a path without a mesh is not made into a folder by locking it.
    drop(Mesh::open(session)?);
    let _held = lock::folder(session, &home.folder)?;
    let mut mesh = Mesh::open(session)?;
    let events = decide(&mesh)?;
    if !events.is_empty() {
        let trust_domain = mesh.trust_domain().clone();
        let change = Change { expected_version: mesh.version, trust_domain, events, sealed_keys: Vec::new(), bundle: None, at: session.now };
        let version = mesh.store.commit(&change)?;
        mesh.apply(&change.events, version);
        return Ok((mesh, change.events));
    }
    Ok((mesh, events))
}
