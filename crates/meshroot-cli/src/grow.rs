//! Adding clusters to a mesh: the root signs a CA for each.

use std::time::Duration;

use meshroot::csr::ProvenRequest;
use meshroot::hierarchy::{AuthorityId, ClusterName, Command, Event, Role, ca_name};
use meshroot::issue::{Authorized, Issuer, LifetimeCut};
use meshroot::key::{KeyAlgorithm, PrivateKey};
use meshroot::profile::{Profile, ProfileKind};
use meshroot::verify::CaPath;
use meshroot::x509::Certificate;
use meshroot_service::root::RootKeeper;
use meshroot_store::{Change, Issuance, Recorded, StoreError, StoreKind};

use crate::exit::{Exit, Failure, Result};
use crate::home::Home;
use crate::make;
use crate::mesh::Mesh;
use crate::progress::Progress;
use crate::session::Session;
use crate::unlock;

/// How the CAs shall be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CaWanted {
    pub(crate) key: KeyAlgorithm,
    pub(crate) lifetime: Duration,
}

/// Opens the root of a mesh, or says what does not work without it, and what does.
pub(crate) fn open_root(session: &Session<'_>, mesh: &Mesh) -> Result<Mesh> {
    let home = mesh.home.its_root(session);
    let root = Mesh::open_at(home.clone(), StoreKind::Root).map_err(|e| if e.code == "store.not_found" { root_is_away(&home) } else { e })?;
    let ours = mesh.hierarchy.active_root().map(|root| root.id());
    if root.trust_domain() != mesh.trust_domain() || root.hierarchy.active_root().map(|root| root.id()) != ours {
        let message =
            format!("the root in {} is not the one of {}: name the right folder with --root", home.folder.display(), mesh.home.folder.display());
        return Err(Failure::new(Exit::Refused, "root.of_another_mesh", message));
    }
    Ok(root)
}

/// The root with its key.
pub(crate) fn keeper(session: &Session<'_>, root: &Mesh) -> Result<RootKeeper> {
    let data_key = unlock::data_key(session, &root.home, &*root.store)?;
    let store = root.home.open()?;
    Ok(RootKeeper::open(store, &data_key, session.crypto.clone())?)
}

fn root_is_away(home: &Home) -> Failure {
    let message = format!(
        "the root's store {} is not there, and a new cluster's CA needs the root's signature: bring it back, or name its folder with --root. \
         Workloads are signed, and bundles and cacerts exported, without it",
        home.database.display()
    );
    Failure::new(Exit::NotFound, "root.not_found", message)
}

/// Makes a CA for each of these clusters and commits them all at once. Of a failure nothing stays but a line in the
/// root's issuance log. Answers with the lifetimes that were cut.
pub(crate) fn clusters(
    session: &Session<'_>,
    mesh: &mut Mesh,
    root: &Mesh,
    names: &[ClusterName],
    wanted: CaWanted,
    progress: &Progress,
) -> Result<Vec<LifetimeCut>> {
    mesh.check_newest()?;
    let mesh_key = mesh.unlock(session)?;
    let bundle = mesh.bundle()?;
    let issuer = root.root_issuer(session, &unlock::data_key(session, &root.home, &*root.store)?, &bundle)?;
    let root_id = root.hierarchy.active_root().map(|root| root.id().clone()).ok_or_else(|| Failure::internal("the root has no name"))?;

    let mut keys = Vec::with_capacity(names.len());
    let mut batch = Vec::with_capacity(names.len());
    for name in names {
        let (key, issuance) = one(session, mesh, &issuer, &root_id, name, wanted)?;
        keys.push(key);
        batch.push(issuance);
        progress.step();
    }
    // The root's log comes first: a CA certificate that is in use is always on record there.
    let recorded = root.store.record(batch)?.into_iter().collect::<std::result::Result<Vec<Recorded>, StoreError>>()?;

    let mut hierarchy = mesh.hierarchy.clone();
    let mut events = Vec::with_capacity(names.len());
    let mut sealed_keys = Vec::with_capacity(names.len());
    for ((name, key), recorded) in names.iter().zip(&keys).zip(&recorded) {
        let certificate = Certificate::from_der(recorded.der())?;
        let path = CaPath::find(&certificate, &[], bundle.x509_authorities(), &session.crypto, session.now)?;
        for event in hierarchy.decide(&Command::AddCluster { cluster: name.clone(), path }, &session.crypto, session.now)? {
            hierarchy.apply(&event);
            if let Event::AuthorityAdded { authority, .. } = &event {
                sealed_keys.push(make::sealed(session, &*mesh.store, &mesh_key, authority, key)?);
            }
            events.push(event);
        }
    }
    let change =
        Change { expected_version: mesh.version, trust_domain: mesh.trust_domain().clone(), events, sealed_keys, bundle: None, at: session.now };
    let version = mesh.store.commit(&change)?;
    mesh.apply(&change.events, version);
    // While the root is at hand: every chain ends at it, so a set of CRLs without its own is none.
    keeper(session, root)?.publish_crl(&*mesh.store, session.now)?;
    Ok(recorded.iter().filter_map(|recorded| recorded.lifetime_cut().cloned()).collect())
}

fn one(
    session: &Session<'_>,
    mesh: &Mesh,
    issuer: &Issuer,
    root: &AuthorityId,
    name: &ClusterName,
    wanted: CaWanted,
) -> Result<(PrivateKey, Issuance)> {
    let crypto = &session.crypto;
    let key = PrivateKey::generate(wanted.key, crypto)?;
    let request = ProvenRequest::from_signer(&*key.signer(crypto)?, crypto)?;
    let subject = ca_name(mesh.trust_domain(), &Role::Cluster(name.clone()), key.public_key(), crypto);
    let grant = Authorized::authority(request, mesh.trust_domain().clone(), subject)?;
    let profile = Profile::cluster_ca().with_lifetime(wanted.lifetime);
    let issued = issuer.issue(grant, &profile, crypto.entropy(), session.now)?;
    let issuance = Issuance {
        issued,
        trust_domain: mesh.trust_domain().clone(),
        authority: root.clone(),
        kind: ProfileKind::ClusterCa.to_string(),
        caller: "operator".into(),
        at: session.now,
        since: session.now,
    };
    Ok((key, issuance))
}

/// The names, each once; a usage error otherwise.
pub(crate) fn names(names: &[String]) -> Result<Vec<ClusterName>> {
    let mut read: Vec<ClusterName> = Vec::with_capacity(names.len());
    let mut folded = std::collections::HashSet::new();
    for name in names {
        let name = ClusterName::parse(name)?;
        // Folders of two such names would be one on file systems that do not tell capitals apart.
        if !folded.insert(name.as_str().to_ascii_lowercase()) {
            return Err(Failure::usage("cluster.named_twice", format_args!("the cluster '{name}' is named twice")));
        }
        read.push(name);
    }
    Ok(read)
}
