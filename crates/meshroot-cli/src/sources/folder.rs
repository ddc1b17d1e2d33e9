//! Folders: one cluster's plug-in CA, several of them, a store of ours, or manifests that were saved side by side.

use std::fs;
use std::path::{Path, PathBuf};

use meshroot::doctor::EvidenceKind;
use meshroot::istio::{CA_CERT, CA_KEY, CERT_CHAIN, TLS_KEY};
use meshroot::istio::{CacertsFiles, SECRET_NAME, TLS_CRT};

use super::Reader;
use crate::exit::{Exit, Failure, Result};
use crate::home::Home;

/// Entries of a folder that are looked at.
const MOST_ENTRIES: usize = 2_000;
/// Files that may hold evidence.
const EXTENSIONS: [&str; 6] = ["yaml", "yml", "json", "pem", "crt", "crl"];
/// Files that say a folder is one cluster's plug-in CA. `root-cert.pem` alone does not: Istio's Makefile leaves the root
/// beside the clusters' folders.
const TELLING: [&str; 5] = [CA_CERT, CA_KEY, CERT_CHAIN, TLS_CRT, TLS_KEY];

impl Reader<'_> {
    pub(super) fn folder(&mut self, path: &Path) -> Result<()> {
        let home = Home::mesh(path);
        if home.database.is_file() {
            return self.store(path, &path.display().to_string());
        }
        let before = self.found.len();
        if is_set(path) {
            return self.cacerts(path);
        }
        let entries = entries(path)?;
        for folder in entries.iter().filter(|entry| entry.is_dir()) {
            self.cluster_folder(folder)?;
        }
        if self.found.len() > before {
            return self.one_name_for_several(before);
        }
        for file in entries.iter().filter(|entry| is_evidence(entry)) {
            self.file(file)?;
        }
        if self.found.len() > before {
            return Ok(());
        }
        if CacertsFiles::NAMES.iter().any(|name| path.join(name).is_file()) {
            return self.cacerts(path);
        }
        let message = format!(
            "{} holds nothing to go by: neither the files of a plug-in CA (ca-cert.pem, ca-key.pem, cert-chain.pem, root-cert.pem, or tls.crt, tls.key, ca.crt), nor folders with them, nor manifests, nor a store",
            path.display()
        );
        Err(Failure::new(Exit::NotFound, "doctor.no_files", message))
    }

    /// The folder of one cluster among others: the set itself, or in a folder of its own.
    fn cluster_folder(&mut self, folder: &Path) -> Result<()> {
        let inner = folder.join(SECRET_NAME);
        if is_set(folder) {
            self.cacerts(folder)
        } else if is_set(&inner) {
            self.cacerts(&inner)
        } else {
            Ok(())
        }
    }

    fn one_name_for_several(&mut self, before: usize) -> Result<()> {
        match &self.source.cluster {
            Some(name) if self.found.len().saturating_sub(before) > 1 => {
                self.found.truncate(before);
                let message = format!("{} holds several clusters, and all of them would be '{name}': name each folder by itself", self.source.place);
                Err(Failure::usage("doctor.one_name", message))
            }
            _ => Ok(()),
        }
    }

    fn cacerts(&mut self, path: &Path) -> Result<()> {
        let mut files = CacertsFiles::default();
        for name in CacertsFiles::NAMES {
            let file = path.join(name);
            if file.is_file() {
                files.set(name, self.read(&file)?.as_slice());
            }
        }
        let (cluster, source) = (self.cluster(), path.display().to_string());
        self.put(&source, EvidenceKind::Cacerts { cluster, files, manifest: false });
        Ok(())
    }
}

fn is_set(path: &Path) -> bool {
    TELLING.iter().any(|name| path.join(name).is_file())
}

fn is_evidence(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    path.is_file() && extension.is_some_and(|extension| EXTENSIONS.contains(&extension))
}

/// In the order of their names, so that the same folder always makes the same diagnosis.
fn entries(path: &Path) -> Result<Vec<PathBuf>> {
    let reading = |e: std::io::Error| Failure::reading(path, &e);
    let mut entries = Vec::new();
    for entry in fs::read_dir(path).map_err(reading)? {
        entries.push(entry.map_err(reading)?.path());
        if entries.len() > MOST_ENTRIES {
            let message = format!("{} has more than {MOST_ENTRIES} entries: name the ones that matter", path.display());
            return Err(Failure::new(Exit::BadInput, "doctor.too_much", message));
        }
    }
    entries.sort();
    Ok(entries)
}
