//! `quickstart`: from nothing to files that two clusters trust each other by, in one command that never asks.

mod report;

use meshroot::hierarchy::ClusterName;
use meshroot::issue::LifetimeCut;
use meshroot::istio::check_together;
use meshroot::key::seal::DataKey;
use meshroot::spiffe::TrustDomain;
use meshroot_store::StoreKind;

use crate::args::Quickstart;
use crate::exit::{Exit, Failure, Result};
use crate::grow::{self, CaWanted};
use crate::home::Home;
use crate::lock;
use crate::make::{self, Wanted};
use crate::matrix::Matrix;
use crate::mesh::Mesh;
use crate::outputs::{self, Output};
use crate::progress::Progress;
use crate::session::Session;
use crate::space;
use crate::staging::{self, Staging};

/// What a run did.
struct Done {
    mesh: Mesh,
    /// The mesh did not exist before.
    created: bool,
    added: Vec<ClusterName>,
    written: Vec<std::path::PathBuf>,
    cut: Vec<LifetimeCut>,
}

pub(super) fn run(session: &Session<'_>, args: &Quickstart) -> Result<Exit> {
    let names = grow::names(&args.names)?;
    let trust_domain = make::trust_domain(&args.trust_domain, args.force)?;
    let home = args.out.as_deref().map_or_else(|| Home::of(session), |out| Ok(Home::mesh(out)))?;
    home.is_a_folder()?;
    let _held = lock::folder(session, &home.folder)?;
    staging::recover(&home.folder)?;
    let done = if home.database.exists() {
        extend(session, args, home, &names, &trust_domain)?
    } else {
        create(session, args, &home, &names, &trust_domain)?
    };

    let clusters: Vec<_> = done.mesh.hierarchy.clusters().into_iter().cloned().collect();
    let progress = Progress::new(session.out, "trying out", clusters.len());
    let matrix = Matrix::try_out(session, &done.mesh.home, &trust_domain, clusters, &progress)?;
    drop(progress);
    report::print(session, &done, &matrix);
    Ok(if matrix.refusals().next().is_none() { Exit::Ok } else { Exit::Refused })
}

/// Everything new, as a whole or not at all.
fn create(session: &Session<'_>, args: &Quickstart, home: &Home, names: &[ClusterName], trust_domain: &TrustDomain) -> Result<Done> {
    if session.global.root.is_some() {
        return Err(Failure::usage(
            "root.not_chosen",
            "the first root is made in the folder `root` inside the mesh's: move it away afterwards, then name it with --root",
        ));
    }
    let staging = Staging::begin(&home.folder)?;
    drop(space::reserve(&home.folder, space::FOR_A_MESH.saturating_add(names.len().saturating_mul(space::FOR_A_CLUSTER)))?);
    let staged = Home::mesh(&staging.path());
    let wanted = Wanted { trust_domain, root_key: args.root.root_key_type, root_lifetime: args.root.root_lifetime, passphrase: args.passphrase };
    let (mut mesh, root) = make::mesh(session, &staged, &Home::root(&staged.folder.join("root")), wanted)?;
    let progress = Progress::new(session.out, "making CAs", names.len());
    let cut = grow::clusters(session, &mut mesh, &root, names, ca_wanted(args), &progress)?;
    drop(progress);
    let outputs = all_outputs(session, &mesh, &mesh.unlock(session)?, &staged, names)?;
    write(session, &outputs)?;
    // Closed before they move: SQLite removes its journals then.
    drop((mesh, root));
    staging.finish()?;
    let in_place = |output: &Output| output.path.strip_prefix(&staged.folder).map_or_else(|_| output.path.clone(), |path| home.folder.join(path));
    let written = outputs.iter().map(in_place).collect();
    Ok(Done { mesh: Mesh::open_at(home.clone(), StoreKind::Mesh)?, created: true, added: names.to_vec(), written, cut })
}

/// Adds what is missing, and touches nothing else.
fn extend(session: &Session<'_>, args: &Quickstart, home: Home, names: &[ClusterName], trust_domain: &TrustDomain) -> Result<Done> {
    let mut mesh = Mesh::open_at(home.clone(), StoreKind::Mesh)?;
    if mesh.trust_domain() != trust_domain {
        let message = format!(
            "{} is a mesh of the trust domain '{}', not '{trust_domain}': name that, or make the other mesh in another folder with --out",
            home.folder.display(),
            mesh.trust_domain()
        );
        return Err(Failure::new(Exit::Refused, "store.other_trust_domain", message));
    }
    let data_key = mesh.unlock(session)?;
    let known: Vec<ClusterName> = mesh.hierarchy.clusters().into_iter().cloned().collect();
    let added: Vec<ClusterName> = names.iter().filter(|name| !known.contains(name)).cloned().collect();
    let mut pending = outputs::to_write(all_outputs(session, &mesh, &data_key, &home, &known)?, args.force)?;

    let mut cut = Vec::new();
    if !added.is_empty() {
        refuse_folders_in_the_way(&home, &added, args.force)?;
        let root = grow::open_root(session, &mesh)?;
        let reserved = space::reserve(&home.folder, added.len().saturating_mul(space::FOR_A_CLUSTER))?;
        let progress = Progress::new(session.out, "making CAs", added.len());
        cut = grow::clusters(session, &mut mesh, &root, &added, ca_wanted(args), &progress)?;
        drop(progress);
        drop(reserved);
        for name in &added {
            pending.extend(outputs::of_cluster(&home, name, &outputs::cacerts(session, &mesh, &data_key, name)?)?);
        }
    }
    write(session, &pending)?;
    Ok(Done { mesh, created: false, added, written: pending.into_iter().map(|output| output.path).collect(), cut })
}

fn ca_wanted(args: &Quickstart) -> CaWanted {
    CaWanted { key: args.ca.key_type, lifetime: args.ca.ca_lifetime }
}

/// All files as they should be, the sets of all clusters compared with each other.
fn all_outputs(session: &Session<'_>, mesh: &Mesh, data_key: &DataKey, home: &Home, names: &[ClusterName]) -> Result<Vec<Output>> {
    let mut all = outputs::of_mesh(mesh, home)?;
    let mut sets = Vec::with_capacity(names.len());
    for name in names {
        let set = outputs::cacerts(session, mesh, data_key, name)?;
        all.extend(outputs::of_cluster(home, name, &set)?);
        sets.push((name.as_str(), set));
    }
    let reports: Vec<_> = sets.iter().map(|(name, set)| (*name, set.report())).collect();
    match check_together(&reports).first() {
        Some(finding) => Err(Failure::new(Exit::Refused, finding.code, finding)),
        None => Ok(all),
    }
}

/// A folder of a cluster that is not in the store belongs to somebody.
fn refuse_folders_in_the_way(home: &Home, added: &[ClusterName], force: bool) -> Result<()> {
    let in_the_way = added.iter().flat_map(|name| [home.cacerts(name), home.manifest(name)]).find(|path| path.symlink_metadata().is_ok());
    match in_the_way.filter(|_| !force) {
        None => Ok(()),
        Some(path) => {
            let message =
                format!("{} is already there, and belongs to no cluster of this mesh: move it away, or overwrite it with --force", path.display());
            Err(Failure::new(Exit::CannotWrite, "file.exists", message))
        }
    }
}

fn write(session: &Session<'_>, outputs: &[Output]) -> Result<()> {
    outputs::write(outputs, &Progress::new(session.out, "writing files", outputs.len()))
}
