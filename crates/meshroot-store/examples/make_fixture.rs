//! Makes the store that `tests/compatibility.rs` opens: `cargo run -p meshroot-store --example make_fixture -- FOLDER`.
//!
//! Run once for each format of the store, with the version that introduced it, and never again.

#[path = "../tests/support/mod.rs"]
mod support;

use std::path::Path;

use meshroot::key::seal::{DataKey, SealContext, UnlockSecret, WrappedDataKey};
use meshroot::key::{Crypto, PrivateKey};
use meshroot_store::files::{Mode, write_new};
use meshroot_store::{Change, Issuance, NewStore, RenderedBundle, SealedKeyOf, SqliteStore, Store, StoreId, StoreKind};
use support::{Mesh, NOW};

/// The unlock secret, in plain: it protects nothing.
const UNLOCK: [u8; 32] = [0x11; 32];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("say where: a folder that is not there yet")?;
    let (folder, crypto, mesh) = (Path::new(&folder), Crypto::ring(), Mesh::new("mesh.example"));
    let (id, unlock) = (StoreId::generate(crypto.entropy())?, UnlockSecret::File(UNLOCK));
    let data_key = DataKey::generate(crypto.entropy())?;
    let wrapped_data_key = WrappedDataKey::wrap(&data_key, &unlock, id.as_str(), &crypto, crypto.entropy())?.to_bytes();
    let store = SqliteStore::create(&folder.join("mesh.db"), &NewStore { id: id.clone(), kind: StoreKind::Mesh, wrapped_data_key, at: NOW })?;
    let key: &PrivateKey = &mesh.west_key;
    let context = SealContext { store: id.as_str(), authority: mesh.west.as_str(), public_key: key.public_key() };
    let sealed = data_key.seal(&crypto, crypto.entropy(), &context, key)?.to_bytes();
    store.commit(&Change {
        expected_version: 0,
        trust_domain: mesh.trust_domain.clone(),
        events: mesh.events.clone(),
        sealed_keys: vec![SealedKeyOf { authority: mesh.west.clone(), sealed }],
        bundle: Some(RenderedBundle { sequence: 1, bytes: mesh.bundle.to_spiffe_json().into_bytes() }),
        at: NOW,
    })?;
    for path in ["/ns/shop/sa/cart", "/ns/shop/sa/till"] {
        let (trust_domain, authority) = (mesh.trust_domain.clone(), mesh.west.clone());
        store.record_one(Issuance {
            issued: mesh.issue(path),
            trust_domain,
            authority,
            kind: "workload".into(),
            caller: "operator".into(),
            at: NOW,
            since: NOW,
        })?;
    }
    let line = unlock.to_file().ok_or("no file holds a passphrase")?;
    write_new(&folder.join("unlock.key"), line.as_bytes(), Mode::Private)?;
    Ok(())
}
