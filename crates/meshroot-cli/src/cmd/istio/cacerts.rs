//! `istio cacerts`: one cluster's plug-in CA, as files or as a Secret.

use std::io::IsTerminal;

use meshroot_store::files::Mode;
use serde_json::json;

use crate::args::Cacerts;
use crate::exit::{Exit, Failure, Result};
use crate::mesh::Mesh;
use crate::outputs::{self, Found, Output};
use crate::session::Session;

pub(super) fn run(session: &Session<'_>, args: &Cacerts) -> Result<Exit> {
    if args.secret && args.out.is_none() && session.out.is_json() {
        // A document about the manifest would carry the key into logs.
        return Err(Failure::usage("usage", "with --json the manifest is written to a file: add --out FILE"));
    }
    let mesh = Mesh::open(session)?;
    mesh.check_newest()?;
    let name = mesh.cluster(&args.cluster)?;
    let cacerts = outputs::cacerts(session, &mesh, &mesh.unlock(session)?, &name)?;
    let files = match (&args.out, args.secret) {
        (Some(path), true) => vec![Output::new(path.clone(), cacerts.secret_manifest(&args.namespace)?.as_bytes(), Mode::Private)],
        (Some(folder), false) => outputs::in_folder(folder, &cacerts),
        (None, _) => {
            session.out.raw(cacerts.secret_manifest(&args.namespace)?.as_bytes());
            if std::io::stdout().is_terminal() {
                session.out.warn("what was printed holds the cluster CA's private key");
            }
            return Ok(Exit::Ok);
        }
    };
    let mut unchanged = 0usize;
    for file in &files {
        if file.found()? == Found::Same {
            unchanged = unchanged.saturating_add(1);
        }
    }
    outputs::write_checked(&files, args.force)?;
    for file in &files {
        let secret = if file.mode == Mode::Private { "  holds the cluster CA's private key, in the clear (0600)" } else { "" };
        session.out.say(format_args!("{}{secret}", file.path.display()));
    }
    if unchanged == files.len() {
        session.out.say("nothing was changed: they were there already");
    }
    session.out.document(&json!({
        "cluster": name.as_str(),
        "namespace": args.secret.then_some(&args.namespace),
        "written": files.iter().map(|file| file.path.display().to_string()).collect::<Vec<_>>(),
        "changed": unchanged != files.len(),
        "not_after": mesh.cluster_ca(&name)?.1.validity().not_after.to_string(),
    }));
    Ok(Exit::Ok)
}
