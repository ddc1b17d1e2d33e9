//! The files that a mesh hands out, as they should be, held against what lies on the disk.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use meshroot::hierarchy::ClusterName;
use meshroot::istio::{CA_KEY, Cacerts, DEFAULT_NAMESPACE};
use meshroot::key::seal::DataKey;
use meshroot_store::StoreError;
use meshroot_store::files::{self, Mode};
use zeroize::Zeroizing;

use crate::exit::{Exit, Failure, Result};
use crate::home::Home;
use crate::mesh::Mesh;
use crate::progress::Progress;
use crate::session::Session;

/// Every file is synced, and so is its folder; the disk does that for several at once as quickly as for one.
const WRITERS: usize = 8;

/// A file as it should be.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Zeroizing<Vec<u8>>,
    pub(crate) mode: Mode,
}

/// What lies on the disk in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Nothing,
    Same,
    Other,
}

impl Output {
    pub(crate) fn new(path: PathBuf, bytes: &[u8], mode: Mode) -> Self {
        Self { path, bytes: Zeroizing::new(bytes.to_vec()), mode }
    }

    pub(crate) fn found(&self) -> Result<Found> {
        if fs::symlink_metadata(&self.path).is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound) {
            return Ok(Found::Nothing);
        }
        Ok(if files::unchanged(&self.path, &self.bytes)? { Found::Same } else { Found::Other })
    }
}

/// `root-cert.pem` and `bundle.json`.
pub(crate) fn of_mesh(mesh: &Mesh, home: &Home) -> Result<Vec<Output>> {
    mesh.check_newest()?;
    let published = mesh.published.as_ref().ok_or_else(|| Failure::internal("the mesh publishes no bundle"))?;
    Ok(vec![
        Output::new(home.root_cert(), mesh.bundle()?.to_pem().as_bytes(), Mode::Public),
        Output::new(home.bundle(), &published.bytes, Mode::Public),
    ])
}

/// A cluster's cacerts, checked as istiod would check them and more strictly.
pub(crate) fn cacerts(session: &Session<'_>, mesh: &Mesh, data_key: &DataKey, name: &ClusterName) -> Result<Cacerts> {
    let (authority, certificate) = mesh.cluster_ca(name)?;
    let validity = certificate.validity();
    let now = session.now;
    if now < validity.not_before {
        return Err(Failure::from(meshroot::issue::IssueError::ClockBeforeCa { from: validity.not_before, now }).at(name));
    }
    if now > validity.not_after {
        let ca = certificate.subject().to_string();
        return Err(Failure::from(meshroot::issue::IssueError::CaExpired { ca, at: validity.not_after, now }).at(name));
    }
    let key = mesh.private_key(session, data_key, authority)?;
    let roots = mesh.hierarchy.anchors();
    Ok(Cacerts::new_for(mesh.trust_domain().as_ref(), core::slice::from_ref(certificate), &key, &roots, &session.crypto, now)?)
}

/// A cluster's folder `cacerts` and its `cacerts.yaml`.
pub(crate) fn of_cluster(home: &Home, name: &ClusterName, cacerts: &Cacerts) -> Result<Vec<Output>> {
    let folder = home.cacerts(name);
    let mut outputs = in_folder(&folder, cacerts);
    outputs.push(Output::new(home.manifest(name), cacerts.secret_manifest(DEFAULT_NAMESPACE)?.as_bytes(), Mode::Private));
    Ok(outputs)
}

/// The four files of a cacerts folder.
pub(crate) fn in_folder(folder: &Path, cacerts: &Cacerts) -> Vec<Output> {
    let mode = |name: &str| if name == CA_KEY { Mode::Private } else { Mode::Public };
    cacerts.files().iter().map(|(name, bytes)| Output::new(folder.join(name), bytes, mode(name))).collect()
}

/// Sorts outputs into those to write, refusing to overwrite what somebody changed unless that is forced.
pub(crate) fn to_write(outputs: Vec<Output>, force: bool) -> Result<Vec<Output>> {
    let mut missing = Vec::new();
    let mut others = Vec::new();
    for output in outputs {
        match output.found()? {
            Found::Same => {}
            Found::Other if !force => others.push(output.path),
            Found::Nothing | Found::Other => missing.push(output),
        }
    }
    if others.is_empty() { Ok(missing) } else { Err(refused(&others)) }
}

/// Refuses when one of these is there already, for content that is new every time.
pub(crate) fn refuse_existing<'p>(paths: impl IntoIterator<Item = &'p Path>, force: bool) -> Result<()> {
    match paths.into_iter().find(|path| path.symlink_metadata().is_ok()).filter(|_| !force) {
        Some(path) => Err(StoreError::Exists(path.to_owned()).into()),
        None => Ok(()),
    }
}

/// Writes what is not there as it should be; nothing at all if something else is there, unless forced.
///
/// When writing fails, the new ones among them are taken away again.
pub(crate) fn write_checked(outputs: &[Output], force: bool) -> Result<()> {
    let mut missing = Vec::new();
    let mut others = Vec::new();
    for output in outputs {
        match output.found()? {
            Found::Same => {}
            Found::Nothing => missing.push(output),
            Found::Other => others.push(output),
        }
    }
    if !others.is_empty() && !force {
        return Err(refused(&others.iter().map(|output| output.path.clone()).collect::<Vec<_>>()));
    }
    let made: Vec<_> = missing.iter().filter_map(|output| output.path.parent()).flat_map(folders_to_make).collect();
    for output in missing.iter().chain(&others) {
        if let Err(e) = write_one(output) {
            missing.iter().for_each(|output| drop(fs::remove_file(&output.path)));
            // Refused, as it should be, for folders with something in them.
            made.iter().for_each(|folder| drop(fs::remove_dir(folder)));
            return Err(e.into());
        }
    }
    Ok(())
}

/// The folders that are missing above and at this path, the deepest first.
pub(crate) fn folders_to_make(path: &Path) -> Vec<PathBuf> {
    path.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists()).map(Path::to_owned).collect()
}

fn write_one(output: &Output) -> std::result::Result<(), StoreError> {
    if let Some(folder) = output.path.parent() {
        files::private_dir(folder)?;
    }
    files::replace(&output.path, &output.bytes, output.mode)
}

fn refused(others: &[PathBuf]) -> Failure {
    let named: Vec<_> = others.iter().take(5).map(|path| path.display().to_string()).collect();
    let more = others.len().saturating_sub(named.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let message =
        format!("{}{more} is not as it would be written: nothing was changed. Move it away, or overwrite it with --force", named.join(", "));
    Failure::new(Exit::CannotWrite, "file.differs", message)
}

/// Writes them all, with the folders they need; existing ones are replaced, so look before.
pub(crate) fn write(outputs: &[Output], progress: &Progress) -> Result<()> {
    let next = AtomicUsize::new(0);
    let failed: Mutex<Option<StoreError>> = Mutex::new(None);
    let work = || {
        while let Some(output) = outputs.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(e) = write_one(output) {
                next.store(outputs.len(), Ordering::Relaxed);
                failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(e);
                return;
            }
            progress.step();
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..WRITERS.min(outputs.len()) {
            scope.spawn(work);
        }
    });
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(e) => Err(e.into()),
        None => Ok(()),
    }
}
