//! `istio istiod-tls`: the certificate that istiod serves with.

use std::io::IsTerminal;

use meshroot::csr::ProvenRequest;
use meshroot::issue::Authorized;
use meshroot::istio::{IstiodTls, TLS_KEY, istiod_names};
use meshroot::key::PrivateKey;
use meshroot::profile::Profile;
use meshroot::spiffe::SpiffeId;
use meshroot_store::files::Mode;
use serde_json::json;

use crate::args::IstiodTls as Args;
use crate::exit::{Exit, Failure, Result};
use crate::leaf;
use crate::mesh::Mesh;
use crate::outputs::{self, Output};
use crate::session::Session;

pub(super) fn run(session: &Session<'_>, args: &Args) -> Result<Exit> {
    if args.secret && args.out.is_none() && session.out.is_json() {
        // A document about the manifest would carry the key into logs.
        return Err(Failure::usage("usage", "with --json the manifest is written to a file: add --out FILE"));
    }
    // An empty one, so that a namespace that is none is refused before anything is issued and recorded.
    meshroot::istio::root_config_map(&[], [args.namespace.as_str()])?;
    let paths: Vec<_> = match (&args.out, args.secret) {
        (Some(file), true) => vec![file.clone()],
        (Some(folder), false) => ["tls.crt", TLS_KEY, "ca.crt"].map(|name| folder.join(name)).to_vec(),
        (None, _) => Vec::new(),
    };
    outputs::refuse_existing(paths.iter().map(std::path::PathBuf::as_path), args.force)?;
    let mesh = Mesh::open(session)?;
    let mut names = istiod_names(&args.namespace, args.revision.as_deref());
    names.extend(args.dns.iter().cloned());
    let key = PrivateKey::generate(args.key_type, &session.crypto)?;
    let request = ProvenRequest::from_signer(&*key.signer(&session.crypto)?, &session.crypto)?;
    let id = SpiffeId::parse(&format!("{}/ns/{}/sa/istiod", mesh.trust_domain().id(), args.namespace))?;
    let grant = Authorized::server(request, Some(id.clone()), names.clone(), Vec::new())?;
    let issuer = leaf::issuer(session, &mesh, &args.cluster)?;
    let recorded = leaf::issue(session, &mesh, &args.cluster, &issuer, grant, &Profile::server().with_lifetime(args.lifetime))?;

    let tls = IstiodTls::new(recorded.chain_pem(), key.to_pkcs8_pem(), &mesh.hierarchy.anchors());
    let files = match (&args.out, args.secret) {
        (Some(path), true) => vec![Output::new(path.clone(), tls.secret_manifest(&args.namespace)?.as_bytes(), Mode::Private)],
        (Some(folder), false) => {
            let mode = |name: &str| if name == TLS_KEY { Mode::Private } else { Mode::Public };
            tls.files().iter().map(|(name, bytes)| Output::new(folder.join(name), bytes, mode(name))).collect()
        }
        (None, _) => {
            session.out.raw(tls.secret_manifest(&args.namespace)?.as_bytes());
            if std::io::stdout().is_terminal() {
                session.out.warn("what was printed holds istiod's private key");
            }
            return Ok(Exit::Ok);
        }
    };
    outputs::write_checked(&files, args.force)?;
    for file in &files {
        let secret = if file.mode == Mode::Private { "  holds istiod's private key, in the clear (0600)" } else { "" };
        session.out.say(format_args!("{}{secret}", file.path.display()));
    }
    session.out.say(format_args!("for {}, until {}", names.join(", "), recorded.validity().not_after));
    let mut document = leaf::document(&id, &args.cluster, &recorded);
    if let Some(fields) = document.as_object_mut() {
        fields.insert("dns".into(), json!(names));
        fields.insert("written".into(), files.iter().map(|file| file.path.display().to_string()).collect());
    }
    session.out.document(&document);
    Ok(Exit::Ok)
}
