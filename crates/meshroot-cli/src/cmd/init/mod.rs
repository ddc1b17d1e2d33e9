//! `init`: a root, and a mesh without clusters.

mod database;

use meshroot_store::StoreKind;
use serde_json::json;

use crate::args::Init;
use crate::exit::{Exit, Failure, Result};
use crate::home::Home;
use crate::lock;
use crate::make::{self, Wanted};
use crate::mesh::Mesh;
use crate::output::Style;
use crate::session::Session;
use crate::space;
use crate::staging::{self, Staging};
use crate::tree;

pub(super) fn run(session: &Session<'_>, args: &Init) -> Result<Exit> {
    let out = session.out;
    let trust_domain = make::trust_domain(&args.trust_domain, args.force)?;
    let home = Home::of(session)?;
    if let Some(address) = &home.postgres {
        database::is_empty(address)?;
    }
    let _held = lock::folder(session, &home.folder)?;
    staging::recover(&home.folder)?;
    let here = Home::mesh(&home.folder);
    let file = if home.postgres.is_some() { &here.database } else { &home.database };
    if file.exists() {
        return Err(meshroot_store::StoreError::Exists(file.clone()).into());
    }
    if session.global.root.is_some() {
        return Err(Failure::usage(
            "root.not_chosen",
            "the first root is made in the folder `root` inside the mesh's: move it away afterwards, then name it with --root",
        ));
    }
    let staging = Staging::begin(&home.folder)?;
    drop(space::reserve(&home.folder, space::FOR_A_MESH)?);
    let staged = Home::mesh(&staging.path());
    let wanted = Wanted {
        trust_domain: &trust_domain,
        root_key: args.root.root_key_type,
        root_lifetime: args.root.root_lifetime,
        passphrase: args.passphrase,
    };
    drop(make::mesh(session, &staged, &Home::root(&staged.folder.join("root")), wanted)?);
    staging.finish()?;
    if let Some(address) = &home.postgres {
        database::take_over(&here, address)?;
    }

    let mesh = Mesh::open_at(home, StoreKind::Mesh)?;
    let folder = mesh.home.folder.display();
    let place = if mesh.home.postgres.is_some() { &mesh.home.database } else { &mesh.home.folder }.display();
    out.say(out.styled(Style::Good, format_args!("Made an empty mesh in {place}")));
    tree::print(session, &mesh);
    out.say("");
    out.say(format_args!("The root's key is apart, in {folder}/root: it can go offline whenever no cluster is being added."));
    if mesh.home.postgres.is_some() {
        out.say(format_args!("{folder}/unlock.key opens its keys: every replica needs a copy, in a folder of its own (--home)."));
        out.say(format_args!("Next:\n  meshroot cluster add west east --store '{place}' --home {folder}"));
    } else {
        out.say(format_args!("Next:\n  meshroot cluster add west east --store {folder}"));
    }
    let (roots, _) = tree::documents(&mesh);
    out.document(&json!({
        "trust_domain": trust_domain.as_str(),
        "folder": folder.to_string(),
        "store": mesh.store.meta().id.as_str(),
        "roots": roots,
    }));
    Ok(Exit::Ok)
}
