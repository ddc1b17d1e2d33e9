//! Making the stores of a mesh and of its root, with the root in both.

use std::time::Duration;

use meshroot::hierarchy::{Command, Event, Hierarchy, create_root};
use meshroot::key::seal::{DataKey, SealContext, UnlockSecret, WrappedDataKey};
use meshroot::key::{KeyAlgorithm, PrivateKey};
use meshroot::profile::Profile;
use meshroot::spiffe::TrustDomain;
use meshroot_store::files::{Mode, write_new};
use meshroot_store::{Change, NewStore, RenderedBundle, SealedKeyOf, SqliteStore, Store, StoreId, StoreKind};

use crate::exit::{Exit, Failure, Result};
use crate::home::Home;
use crate::mesh::Mesh;
use crate::session::Session;
use crate::unlock;

/// What a new mesh is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) trust_domain: &'a TrustDomain,
    pub(crate) root_key: KeyAlgorithm,
    pub(crate) root_lifetime: Duration,
    pub(crate) passphrase: bool,
}

/// A trust domain that every program of a mesh can read, or one that was insisted on.
pub(crate) fn trust_domain(name: &str, force: bool) -> Result<TrustDomain> {
    let trust_domain = TrustDomain::parse(name).map_err(|e| Failure::from(e).at(format_args!("--trust-domain '{}'", name.escape_debug())))?;
    if trust_domain.as_ref().is_readable_by_go() || force {
        return Ok(trust_domain);
    }
    let message = format!(
        "Go programs, istiod among them, cannot read certificates of the trust domain '{trust_domain}': a label of it is empty. \
         Choose a name without a dot at either end and without two in a row, or give --force if no Go program is in the mesh"
    );
    Err(Failure::new(Exit::Refused, "trust_domain.unreadable_by_go", message))
}

/// Makes a mesh without clusters, and its root's store, in these two folders.
///
/// The secrets are asked for, and the keys are made, before anything is written.
pub(crate) fn mesh(session: &Session<'_>, home: &Home, root_home: &Home, wanted: Wanted<'_>) -> Result<(Mesh, Mesh)> {
    let crypto = &session.crypto;
    let key = PrivateKey::generate(wanted.root_key, crypto)?;
    let signer = key.signer(crypto)?;
    let profile = Profile::root_ca().with_lifetime(wanted.root_lifetime);
    let path = create_root(wanted.trust_domain, &profile, &*signer, crypto, session.now)?;
    let mut hierarchy = Hierarchy::new(wanted.trust_domain.clone());
    let events = hierarchy.decide(&Command::AddRoot { path }, crypto, session.now)?;
    events.iter().for_each(|event| hierarchy.apply(event));
    let bundle = hierarchy.bundle()?;
    let published = RenderedBundle { sequence: bundle.sequence().unwrap_or(1), bytes: bundle.to_spiffe_json().into_bytes() };
    let mesh_secret = unlock::new_secret(session, StoreKind::Mesh, wanted.passphrase)?;
    let root_secret = unlock::new_secret(session, StoreKind::Root, wanted.passphrase)?;

    let (root_store, data_key) = store(session, root_home, StoreKind::Root, &root_secret)?;
    let sealed = seal(session, &root_store, &data_key, &hierarchy, &key)?;
    commit(session, &root_store, &hierarchy, &events, sealed, &published)?;
    let (mesh_store, _) = store(session, home, StoreKind::Mesh, &mesh_secret)?;
    // The mesh knows its root by the certificate; the key stays in the root's store.
    commit(session, &mesh_store, &hierarchy, &events, Vec::new(), &published)?;
    drop((root_store, mesh_store));
    Ok((Mesh::open_at(home.clone(), StoreKind::Mesh)?, Mesh::open_at(root_home.clone(), StoreKind::Root)?))
}

fn store(session: &Session<'_>, home: &Home, kind: StoreKind, secret: &UnlockSecret) -> Result<(SqliteStore, DataKey)> {
    let (crypto, entropy) = (&session.crypto, session.crypto.entropy());
    let id = StoreId::generate(entropy)?;
    let data_key = DataKey::generate(entropy)?;
    let wrapped_data_key = WrappedDataKey::wrap(&data_key, secret, id.as_str(), crypto, entropy)?.to_bytes();
    let store = SqliteStore::create(&home.database, &NewStore { id, kind, wrapped_data_key, at: session.now })?;
    if let Some(line) = secret.to_file() {
        write_new(&home.unlock_key(), line.as_bytes(), Mode::Private)?;
    }
    Ok((store, data_key))
}

fn seal(session: &Session<'_>, store: &dyn Store, data_key: &DataKey, hierarchy: &Hierarchy, key: &PrivateKey) -> Result<Vec<SealedKeyOf>> {
    let root = hierarchy.active_root().ok_or_else(|| Failure::internal("the first root is not active"))?;
    Ok(vec![sealed(session, store, data_key, root.id(), key)?])
}

/// A key as a store keeps it.
pub(crate) fn sealed(
    session: &Session<'_>,
    store: &dyn Store,
    data_key: &DataKey,
    authority: &meshroot::hierarchy::AuthorityId,
    key: &PrivateKey,
) -> Result<SealedKeyOf> {
    let context = SealContext { store: store.meta().id.as_str(), authority: authority.as_str(), public_key: key.public_key() };
    let sealed = data_key.seal(&session.crypto, session.crypto.entropy(), &context, key)?;
    Ok(SealedKeyOf { authority: authority.clone(), sealed: sealed.to_bytes() })
}

fn commit(
    session: &Session<'_>,
    store: &dyn Store,
    hierarchy: &Hierarchy,
    events: &[Event],
    sealed_keys: Vec<SealedKeyOf>,
    published: &RenderedBundle,
) -> Result<()> {
    store.commit(&Change {
        expected_version: 0,
        trust_domain: hierarchy.trust_domain().clone(),
        events: events.to_vec(),
        sealed_keys,
        bundle: Some(published.clone()),
        at: session.now,
    })?;
    Ok(())
}
