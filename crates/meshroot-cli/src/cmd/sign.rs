//! `sign`: a request in, a chain out.

use std::path::Path;

use meshroot::csr::Csr;
use meshroot::issue::Authorized;
use meshroot::profile::Profile;
use meshroot_store::files::Mode;

use crate::args::Sign;
use crate::exit::{Exit, Failure, Result};
use crate::input;
use crate::leaf;
use crate::mesh::Mesh;
use crate::outputs::{self, Output};
use crate::session::Session;
use crate::space;

pub(super) fn run(session: &Session<'_>, args: &Sign) -> Result<Exit> {
    let id = leaf::id(&args.id)?;
    if let Some(path) = &args.out {
        outputs::refuse_existing([path.as_path()], args.force)?;
    }
    let mesh = Mesh::open(session)?;
    mesh.cluster(&args.cluster)?;
    let bytes = input::read(&args.csr)?;
    let request = Csr::from_pem_or_der(&bytes).and_then(|csr| csr.prove(&session.crypto));
    let request = request.map_err(|e| Failure::from(e).at(input::named(&args.csr)))?;
    let grant = Authorized::workload(request, id.clone())?;
    let issuer = leaf::issuer(session, &mesh, &args.cluster)?;
    let folder = args.out.as_deref().map(|path| path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")));
    let room = folder.map(|folder| space::reserve(folder, space::FOR_A_LEAF)).transpose()?;
    let recorded = leaf::issue(session, &mesh, &args.cluster, &issuer, grant, &Profile::workload().with_lifetime(args.lifetime))?;
    drop(room);

    match &args.out {
        Some(path) => {
            outputs::write_checked(&[Output::new(path.clone(), recorded.chain_pem().as_bytes(), Mode::Public)], args.force)?;
            session.out.say(format_args!("{}: {id}, until {}", path.display(), recorded.validity().not_after));
        }
        None => session.out.line(recorded.chain_pem().trim_end()),
    }
    session.out.document(&leaf::document(&id, &args.cluster, &recorded));
    Ok(Exit::Ok)
}
