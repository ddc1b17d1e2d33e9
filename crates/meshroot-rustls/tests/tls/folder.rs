//! Folders as `meshroot svid` and `meshroot agent` write them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use meshroot::key::Crypto;
use meshroot_rustls::{Folder, Trust};

use crate::mesh::Mesh;

fn write(folder: &Path, mesh: &Mesh, path: &str) {
    let (key, issued) = mesh.issue(path);
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("svid.pem"), issued.chain_pem()).unwrap();
    fs::write(folder.join("svid-key.pem"), key.to_pkcs8_pem().as_bytes()).unwrap();
    fs::write(folder.join("bundle.pem"), mesh.bundle.to_pem()).unwrap();
}

#[test]
fn plain_files_have_a_bundle_without_a_sequence_number() {
    let (mesh, folder) = (Mesh::new("mesh.example"), tempfile::tempdir().unwrap());
    write(folder.path(), &mesh, "/cart");
    let held = Folder::read(folder.path(), &Crypto::ring()).unwrap();
    assert_eq!(held.credential.id(), &mesh.id("/cart"));
    assert_eq!((held.bundle.sequence(), held.bundle.x509_authorities()), (None, mesh.bundle.x509_authorities()));
}

#[test]
fn the_agents_files_are_read_as_one_state() {
    let (mesh, folder) = (Mesh::new("mesh.example"), tempfile::tempdir().unwrap());
    for (state, path) in [("..1", "/old"), ("..2", "/new")] {
        write(&folder.path().join(state), &mesh, path);
        fs::write(folder.path().join(state).join("bundle.json"), mesh.bundle.to_spiffe_json()).unwrap();
    }
    symlink("..1", folder.path().join("..data")).unwrap();
    // Caught by the agent between two files: what is read by name is of two states, what is read through the link is not.
    symlink("..1/svid.pem", folder.path().join("svid.pem")).unwrap();
    symlink("..2/svid-key.pem", folder.path().join("svid-key.pem")).unwrap();

    let held = Folder::read(folder.path(), &Crypto::ring()).unwrap();
    assert_eq!(held.credential.id(), &mesh.id("/old"));
    assert_eq!((held.bundle.sequence(), held.ignored.len()), (Some(1), 0));
    let trust = Trust::new(held.bundle.into(), Crypto::ring());
    fs::remove_file(folder.path().join("..data")).unwrap();
    symlink("..2", folder.path().join("..data")).unwrap();
    let held = Folder::read(folder.path(), &Crypto::ring()).unwrap();
    assert_eq!(held.credential.id(), &mesh.id("/new"));
    trust.replace(held.bundle.into()).unwrap();
}

#[test]
fn what_cannot_be_used_is_named() {
    let (mesh, folder) = (Mesh::new("mesh.example"), tempfile::tempdir().unwrap());
    let read = || Folder::read(folder.path(), &Crypto::ring()).unwrap_err();
    assert_eq!(read().code(), "folder.unreadable");
    assert!(read().to_string().contains("svid.pem"), "{}", read());

    write(folder.path(), &mesh, "/cart");
    fs::write(folder.path().join("bundle.json"), "{").unwrap();
    assert_eq!(read().code(), "bundle.malformed");
    let (other, _) = mesh.issue("/cart");
    fs::write(folder.path().join("svid-key.pem"), other.to_pkcs8_pem().as_bytes()).unwrap();
    assert_eq!(read().code(), "credential.other_key");
}
