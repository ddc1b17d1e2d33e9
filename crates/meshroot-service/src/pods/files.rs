use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use meshroot::hierarchy::ClusterName;
use tracing::{error, info};

use super::list::Pods;
use super::{Pod, PodIndex, PodsError};
use crate::json;

/// Longer than the list of a cluster as large as Kubernetes allows, with all that is not asked for left out.
const MOST: u64 = 256 << 20;

/// A file of pods for each cluster, written by whoever can see them and read again when it changes. It is as far behind as its writer,
/// and a second more.
#[derive(Debug)]
pub(crate) struct PodFiles {
    files: Vec<PodFile>,
}

#[derive(Debug)]
struct PodFile {
    cluster: ClusterName,
    path: PathBuf,
    current: ArcSwap<Read>,
}

#[derive(Debug)]
struct Read {
    pods: Arc<Pods>,
    mark: Mark,
}

/// What differs when a file was written anew.
type Mark = (Option<SystemTime>, u64, u64);

impl PodFiles {
    /// Reads every file that the settings name.
    pub(crate) fn read(paths: &BTreeMap<String, PathBuf>) -> Result<Self, PodsError> {
        let files = paths.iter().map(|(name, path)| {
            let cluster = ClusterName::parse(name).map_err(|_| PodsError::NoCluster(name.clone()))?;
            Ok(PodFile { cluster, path: path.clone(), current: ArcSwap::from_pointee(read(path)?) })
        });
        Ok(Self { files: files.collect::<Result<_, PodsError>>()? })
    }

    /// Reads again what changed; what cannot be read stays as it was. Blocks: for a thread that may.
    pub(crate) fn refresh(&self) {
        for file in &self.files {
            let held = file.current.load();
            let mark = mark(&file.path).unwrap_or_default();
            if mark == held.mark {
                continue;
            }
            match read(&file.path) {
                Ok(fresh) => {
                    info!(cluster = %file.cluster, pods = fresh.pods.count(), "the pods were read");
                    file.current.store(Arc::new(fresh));
                }
                Err(e) => {
                    error!(cluster = %file.cluster, code = e.code(), error = %e, "the pods cannot be read; those before hold");
                    // Under the new mark, so that it is told once.
                    file.current.store(Arc::new(Read { pods: Arc::clone(&held.pods), mark }));
                }
            }
        }
    }

    fn of(&self, cluster: &ClusterName) -> Option<&PodFile> {
        self.files.iter().find(|file| file.cluster == *cluster)
    }
}

impl PodIndex for PodFiles {
    fn knows(&self, cluster: &ClusterName) -> bool {
        self.of(cluster).is_some()
    }

    fn pod(&self, cluster: &ClusterName, uid: &str) -> Option<Arc<Pod>> {
        self.of(cluster)?.current.load().pods.pod(uid)
    }

    fn on_node(&self, cluster: &ClusterName, node: &str, namespace: &str, service_account: &str) -> Option<Arc<Pod>> {
        self.of(cluster)?.current.load().pods.at(node, namespace, service_account)
    }
}

fn mark(path: &Path) -> Option<Mark> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok(), metadata.len(), std::os::unix::fs::MetadataExt::ino(&metadata)))
}

fn read(path: &Path) -> Result<Read, PodsError> {
    let failed = |detail: String| PodsError::Unreadable { path: path.into(), detail };
    // The mark first: what is written meanwhile is read again.
    let mark = mark(path).ok_or_else(|| failed("there is no such file, or it may not be read".into()))?;
    if mark.1 > MOST {
        return Err(failed(format!("it is longer than {MOST} octets")));
    }
    let json = fs::read(path).map_err(|e| failed(e.to_string()))?;
    let pods = Pods::from_json(&json).map_err(|e| PodsError::Malformed { path: path.into(), detail: json::fault(&e) })?;
    Ok(Read { pods: Arc::new(pods), mark })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = r#"{"items":[{"metadata":{"uid":"u1","namespace":"shop","name":"cart-1"},
        "spec":{"nodeName":"n1","serviceAccountName":"cart"},"status":{"phase":"Running"}}]}"#;

    #[test]
    fn a_changed_file_is_read_again_and_a_broken_one_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("west.json");
        let west = ClusterName::parse("west").unwrap();
        let paths = BTreeMap::from([("west".to_owned(), path.clone())]);
        assert_eq!(PodFiles::read(&paths).unwrap_err().code(), "pods.unreadable");
        fs::write(&path, ONE).unwrap();
        let files = PodFiles::read(&paths).unwrap();
        let on = |node| files.on_node(&west, node, "shop", "cart").is_some();
        assert!(on("n1") && files.pod(&west, "u1").is_some());
        assert!(files.knows(&west) && !files.knows(&ClusterName::parse("east").unwrap()));
        fs::write(&path, "{\"items\":[{}]}").unwrap();
        files.refresh();
        assert!(on("n1"));
        fs::remove_file(&path).unwrap();
        files.refresh();
        assert!(on("n1"));
        fs::write(&path, ONE.replace("n1", "n22")).unwrap();
        files.refresh();
        assert!(on("n22") && !on("n1"));
    }

    #[test]
    fn a_file_of_something_else_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pods.json");
        for text in ["", "[]", "{}", r#"{"items":[{"metadata":{"name":"x"}}]}"#] {
            fs::write(&path, text).unwrap();
            let error = PodFiles::read(&BTreeMap::from([("west".to_owned(), path.clone())])).unwrap_err();
            assert_eq!(error.code(), "pods.malformed", "{text}");
        }
        // What it quotes of the file is short, and nothing that a terminal obeys.
        fs::write(&path, ONE.replacen("u1", &format!(r"\u001b[2J\n{}", "x".repeat(10_000)), 1)).unwrap();
        let said = PodFiles::read(&BTreeMap::from([("west".to_owned(), path.clone())])).unwrap_err().to_string();
        assert!(said.len() < 700 && !said.chars().any(char::is_control), "{said:?}");
        assert!(said.contains("u{1b}[2J") && said.contains(" at line 1 column "), "{said}");
        assert_eq!(PodFiles::read(&BTreeMap::from([("no such name!".to_owned(), path)])).unwrap_err().code(), "pods.no_cluster");
    }
}
