//! A new mesh's store goes into a database, and everything else stays in the folder.
//!
//! The mesh is whole in the folder before anything is written elsewhere, and its unlock file is in its place: whenever this is
//! interrupted, there is a store that opens.

use std::fs;
use std::path::Path;

use meshroot_store::export::{self, Export};
use meshroot_store::{PostgresAddress, PostgresStore, SqliteStore, StoreError};

use crate::exit::{Exit, Failure, Result};
use crate::home::Home;

/// What the store's folder is called while its content moves.
const MOVING: &str = "store-moving";
/// The files that carry it.
const CARRIED: &str = "store-moving-files";

/// Refuses a database that cannot be used, or that has a store already, before anything is made.
pub(super) fn is_empty(address: &PostgresAddress) -> Result<()> {
    match PostgresStore::open(address) {
        Err(StoreError::NotFound(_)) => Ok(()),
        Err(e) => Err(e.into()),
        Ok(_) => Err(StoreError::Exists(address.to_string().into()).into()),
    }
}

/// Moves the store of this mesh into the database.
pub(super) fn take_over(mesh: &Home, address: &PostgresAddress) -> Result<()> {
    let (store, moving, carried) = (mesh.folder.join("store"), mesh.folder.join(MOVING), mesh.folder.join(CARRIED));
    let moved = carry(mesh, &carried, address, || rename(&store, &moving));
    // Sealed keys are in it, though none that counts yet.
    let _ = fs::remove_dir_all(&carried);
    if let Err(e) = moved {
        if moving.exists() {
            rename(&moving, &store)?;
        }
        let (code, folder) = (e.code, mesh.folder.display());
        let message = format!(
            "{}; the mesh is in {folder}: move its store with `meshroot export` and `meshroot import`, or remove {folder} and try again",
            e.message
        );
        return Err(Failure::new(e.exit, code, message));
    }
    fs::remove_dir_all(&moving).map_err(|e| cannot(&moving, &e))
}

/// `out_of_reach` is called before the copy counts: two stores of one mesh would give numbers twice.
fn carry(mesh: &Home, carried: &Path, address: &PostgresAddress, out_of_reach: impl FnOnce() -> Result<()>) -> Result<()> {
    export::write(&SqliteStore::open(&mesh.database)?, carried)?;
    let export = Export::open(carried)?;
    out_of_reach()?;
    PostgresStore::import(address, &export)?;
    Ok(())
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|e| cannot(from, &e))
}

fn cannot(path: &Path, e: &std::io::Error) -> Failure {
    Failure::new(Exit::CannotWrite, "file.io", format!("cannot move {}: {e}", path.display()))
}
