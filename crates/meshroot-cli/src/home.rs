//! Where things lie in the folder of a mesh, and in that of its root.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use meshroot::hierarchy::ClusterName;
use meshroot_store::{PostgresAddress, PostgresStore, SqliteStore, Store};

use crate::exit::{Exit, Failure, Result};
use crate::session::Session;

/// The folder of a mesh's store or of a root's store.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    pub(crate) folder: PathBuf,
    /// The database's file, or what stands for it in messages.
    pub(crate) database: PathBuf,
    /// Where the database is, when it is no file.
    pub(crate) postgres: Option<PostgresAddress>,
}

impl Home {
    /// The mesh that the options mean: `--store`, else `$MESHROOT_STORE`, else `./mesh`.
    pub(crate) fn of(session: &Session<'_>) -> Result<Self> {
        let store = session.global.store.as_deref().unwrap_or(Path::new("mesh"));
        let home = session.global.home.as_deref();
        let Some(address) = address(session, store)? else {
            let mesh = Self::mesh(store);
            return Ok(Self { folder: home.map_or_else(|| mesh.folder.clone(), Path::to_owned), ..mesh });
        };
        let folder = home.unwrap_or(Path::new("mesh")).to_owned();
        let address = match &session.global.store_mark_dir {
            Some(marks) => address.with_marks_in(marks),
            // It may be somebody else's, or one that nobody may write to.
            None => address.with_marks_if_possible_in(&folder),
        };
        Ok(Self { folder, database: PathBuf::from(address.to_string()), postgres: Some(address) })
    }

    /// Refuses a database.
    pub(crate) fn is_a_folder(&self) -> Result<()> {
        if self.postgres.is_none() {
            return Ok(());
        }
        let message = "quickstart makes a mesh in a folder: use `meshroot init` and `meshroot cluster add` with a database, or make it in a folder, \
                       then move its store with `meshroot export` and `meshroot import`";
        Err(Failure::new(Exit::Usage, "store.not_a_folder", message))
    }

    /// Opens the store.
    pub(crate) fn open(&self) -> Result<Arc<dyn Store>> {
        Ok(match &self.postgres {
            Some(address) => Arc::new(PostgresStore::open(address)?),
            None => Arc::new(SqliteStore::open(&self.database)?),
        })
    }

    /// The mesh at this path: its folder, or its database.
    pub(crate) fn mesh(path: &Path) -> Self {
        let is_database = path.extension().is_some_and(|extension| extension == "db") || path.is_file();
        if !is_database {
            return Self { folder: path.to_owned(), database: path.join("store").join("mesh.db"), postgres: None };
        }
        let above = path.parent().unwrap_or(Path::new(""));
        let folder = if above.file_name().is_some_and(|name| name == "store") { above.parent().unwrap_or(Path::new("")) } else { above };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        Self { folder: folder.to_owned(), database: path.to_owned(), postgres: None }
    }

    /// The root whose folder this is.
    pub(crate) fn root(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), database: folder.join("store").join("root.db"), postgres: None }
    }

    /// The root of this mesh: `--root`, else the folder `root` in the mesh's own.
    pub(crate) fn its_root(&self, session: &Session<'_>) -> Self {
        session.global.root.as_deref().map_or_else(|| Self::root(&self.folder.join("root")), Self::root)
    }

    pub(crate) fn unlock_key(&self) -> PathBuf {
        self.folder.join("unlock.key")
    }

    /// Where a service of this mesh listens for administrators.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join("service.sock")
    }

    pub(crate) fn root_cert(&self) -> PathBuf {
        self.folder.join("root-cert.pem")
    }

    pub(crate) fn bundle(&self) -> PathBuf {
        self.folder.join("bundle.json")
    }

    /// The folder of one cluster's files.
    pub(crate) fn cluster(&self, name: &ClusterName) -> PathBuf {
        self.folder.join("clusters").join(name.as_str())
    }

    pub(crate) fn cacerts(&self, name: &ClusterName) -> PathBuf {
        self.cluster(name).join("cacerts")
    }

    pub(crate) fn manifest(&self, name: &ClusterName) -> PathBuf {
        self.cluster(name).join("cacerts.yaml")
    }
}

/// The database's address, with the files that the options name, if it is one.
pub(crate) fn address(session: &Session<'_>, store: &Path) -> Result<Option<PostgresAddress>> {
    let Some(text) = store.to_str().filter(|text| PostgresAddress::is_meant_by(text)) else { return Ok(None) };
    let mut address: PostgresAddress = text.parse()?;
    if let Some(path) = &session.global.store_password_file {
        address = address.with_password_file(path);
    }
    if let Some(path) = &session.global.store_root_file {
        address = address.with_root_file(path);
    }
    Ok(Some(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mesh_is_named_by_its_folder_or_its_database() {
        for path in ["m", "m/store/mesh.db"] {
            let home = Home::mesh(Path::new(path));
            assert_eq!((home.folder.as_path(), home.database.as_path()), (Path::new("m"), Path::new("m/store/mesh.db")));
        }
        assert_eq!(Home::mesh(Path::new("store/mesh.db")).folder, Path::new("."));
        assert_eq!(Home::mesh(Path::new("a/other.db")).folder, Path::new("a"));
    }
}
