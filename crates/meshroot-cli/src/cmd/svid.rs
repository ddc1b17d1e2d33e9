//! `svid`: a key and its certificate, for trying things.

use meshroot::csr::ProvenRequest;
use meshroot::issue::Authorized;
use meshroot::key::PrivateKey;
use meshroot::profile::Profile;
use meshroot_store::files::Mode;

use crate::args::Svid;
use crate::exit::{Exit, Result};
use crate::leaf;
use crate::mesh::Mesh;
use crate::outputs::{self, Output};
use crate::session::Session;
use crate::space;

pub(super) fn run(session: &Session<'_>, args: &Svid) -> Result<Exit> {
    let out = session.out;
    let id = leaf::id(&args.id)?;
    let [svid, svid_key, roots] = ["svid.pem", "svid-key.pem", "bundle.pem"].map(|name| args.out.join(name));
    outputs::refuse_existing([svid.as_path(), &svid_key, &roots], args.force)?;
    let mesh = Mesh::open(session)?;
    let key = PrivateKey::generate(args.key_type, &session.crypto)?;
    let request = ProvenRequest::from_signer(&*key.signer(&session.crypto)?, &session.crypto)?;
    let grant = Authorized::workload(request, id.clone())?;
    let issuer = leaf::issuer(session, &mesh, &args.cluster)?;
    let room = space::reserve(&args.out, space::FOR_A_LEAF)?;
    let recorded = leaf::issue(session, &mesh, &args.cluster, &issuer, grant, &Profile::workload().with_lifetime(args.lifetime))?;
    drop(room);

    let files = [
        Output::new(svid_key.clone(), key.to_pkcs8_pem().as_bytes(), Mode::Private),
        Output::new(svid.clone(), recorded.chain_pem().as_bytes(), Mode::Public),
        Output::new(roots.clone(), mesh.bundle()?.to_pem().as_bytes(), Mode::Public),
    ];
    outputs::write_checked(&files, args.force)?;
    out.say(format_args!("{id}, until {}", recorded.validity().not_after));
    out.say(format_args!("  {}      the certificate, then the CA of {}", svid.display(), args.cluster));
    out.say(format_args!("  {}  its private key, in the clear, readable by you alone", svid_key.display()));
    out.say(format_args!("  {}    the roots to trust", roots.display()));
    let mut document = leaf::document(&id, &args.cluster, &recorded);
    if let Some(fields) = document.as_object_mut() {
        let names = [&svid, &svid_key, &roots].map(|path| path.display().to_string());
        fields.insert("written".into(), names.to_vec().into());
    }
    out.document(&document);
    Ok(Exit::Ok)
}
