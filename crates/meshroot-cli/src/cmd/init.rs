//! `init`: a root, and a mesh without clusters.

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
    home.is_a_folder()?;
    let _held = lock::folder(session, &home.folder)?;
    staging::recover(&home.folder)?;
    if home.database.exists() {
        return Err(meshroot_store::StoreError::Exists(home.database).into());
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

    let mesh = Mesh::open_at(home, StoreKind::Mesh)?;
    let folder = mesh.home.folder.display();
    out.say(out.styled(Style::Good, format_args!("Made an empty mesh in {folder}")));
    tree::print(session, &mesh);
    out.say("");
    out.say(format_args!("The root's key is apart, in {folder}/root: it can go offline whenever no cluster is being added."));
    out.say(format_args!("Next:\n  meshroot cluster add west east --store {folder}"));
    let (roots, _) = tree::documents(&mesh);
    out.document(&json!({
        "trust_domain": trust_domain.as_str(),
        "folder": folder.to_string(),
        "store": mesh.store.meta().id.as_str(),
        "roots": roots,
    }));
    Ok(Exit::Ok)
}
