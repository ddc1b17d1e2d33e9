use meshroot::hierarchy::{Command, Hierarchy};
use meshroot::key::Crypto;
use meshroot::time::Timestamp;
use meshroot_store::{Change, RenderedBundle, Restoration, Store};

use super::MeshError;

/// What a restoration of this store changes: each trust domain's bundle gets a sequence number that is ahead of all that
/// was ever published.
///
/// # Errors
/// When the store cannot be read, or its history makes no bundle.
pub fn restoration(store: &dyn Store, by: &str, crypto: &Crypto, now: Timestamp) -> Result<Restoration, MeshError> {
    let (loaded, seen) = (store.load()?, store.standing()?.seen);
    let mut changes = Vec::with_capacity(loaded.trust_domains.len());
    // A trust domain that has published nothing has nothing to jump ahead of.
    for (held, expected_version) in loaded.trust_domains.iter().filter(|held| held.bundle.is_some()).zip(loaded.version..) {
        let mut hierarchy = Hierarchy::replay(held.trust_domain.clone(), &held.events);
        let events = hierarchy.decide(&Command::Restore { seen }, crypto, now)?;
        events.iter().for_each(|event| hierarchy.apply(event));
        let bundle = hierarchy.bundle()?;
        let rendered = RenderedBundle { sequence: bundle.sequence().unwrap_or(seen), bytes: bundle.to_spiffe_json().into_bytes() };
        changes.push(Change {
            expected_version,
            trust_domain: held.trust_domain.clone(),
            events,
            sealed_keys: Vec::new(),
            bundle: Some(rendered),
            at: now,
        });
    }
    Ok(Restoration { by: by.to_owned(), at: now, changes })
}
