use std::path::Path;

use meshroot::bundle::{Bundle, Limits};
use meshroot::key::{Crypto, PrivateKey};
use meshroot::spiffe::SpiffeId;
use meshroot::time::Timestamp;
use meshroot::x509::Certificate;
use meshroot_store::files::Mode;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::client::{Issued, spiffe_id};
use super::{AgentError, Istiod, files, istiod, sds};

/// What the agent has, and has written.
#[derive(Debug, Default)]
pub(super) struct Held {
    identity: Option<Identity>,
    bundle: Option<Bundle>,
    /// For istiod, which reads other files.
    istiod: Option<Istiod>,
}

/// A certificate with its key.
#[derive(Clone)]
pub(super) struct Identity {
    pub(super) chain: Vec<Certificate>,
    pub(super) key_pem: Zeroizing<String>,
    id: SpiffeId,
    not_after: Timestamp,
    renew_after: Timestamp,
}

impl core::fmt::Debug for Identity {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Identity").field("id", &self.id).field("not_after", &self.not_after).finish_non_exhaustive()
    }
}

impl Held {
    /// What is in the folder from before.
    pub(super) fn read(folder: &Path, istiod: Option<Istiod>, crypto: &Crypto) -> Result<Self, AgentError> {
        let bad = |name: &str, detail: String| AgentError::Unreadable { path: folder.join(name), detail };
        let (Some(chain), Some(key), Some(state)) =
            (files::current(folder, "svid.pem")?, files::current(folder, "svid-key.pem")?, files::current(folder, "state.json")?)
        else {
            return Ok(Self { istiod, ..Self::default() });
        };
        let chain = meshroot::pem::certificates(&chain).map_err(|e| bad("svid.pem", e.to_string()))?;
        let key = PrivateKey::from_pem(&key, None, crypto).map_err(|e| bad("svid-key.pem", e.to_string()))?;
        let leaf = chain
            .first()
            .filter(|leaf| leaf.public_key() == key.public_key())
            .ok_or_else(|| bad("svid-key.pem", "it is not the key of svid.pem".into()))?;
        let id = spiffe_id(leaf).ok_or_else(|| bad("svid.pem", "it carries no SPIFFE ID".into()))?;
        let state: Value = serde_json::from_slice(&state).map_err(|e| bad("state.json", e.to_string()))?;
        let renew_after = state.get("renew_after_unix").and_then(Value::as_i64).map(Timestamp::from_unix);
        let renew_after = renew_after.ok_or_else(|| bad("state.json", "it does not say when to renew".into()))?;
        let not_after = leaf.validity().not_after;
        let bundle = match files::current(folder, "bundle.json")? {
            Some(document) => Some(Bundle::from_spiffe_json(id.trust_domain().to_owned(), &document, &Limits::default())?.0),
            None => None,
        };
        let key_pem = key.to_pkcs8_pem();
        Ok(Self { identity: Some(Identity { chain, key_pem, id, not_after, renew_after }), bundle, istiod })
    }

    pub(super) fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    pub(super) fn bundle(&self) -> Option<&Bundle> {
        self.bundle.as_ref()
    }

    pub(super) fn id(&self) -> Option<SpiffeId> {
        self.identity.as_ref().map(|identity| identity.id.clone())
    }

    pub(super) fn not_after(&self) -> Option<Timestamp> {
        self.identity.as_ref().map(|identity| identity.not_after)
    }

    pub(super) fn renew_after(&self) -> Option<Timestamp> {
        self.identity.as_ref().map(|identity| identity.renew_after)
    }

    /// Takes over a new certificate with its bundle, on disk first.
    pub(super) fn replace(&mut self, folder: &Path, issued: Issued, key: &PrivateKey) -> Result<(), AgentError> {
        let not_after = issued.chain.first().map_or(issued.renew_after, |leaf| leaf.validity().not_after);
        let identity = Identity { chain: issued.chain, key_pem: key.to_pkcs8_pem(), id: issued.id, not_after, renew_after: issued.renew_after };
        write(folder, Some(&identity), &issued.bundle, self.istiod.as_ref())?;
        (self.identity, self.bundle) = (Some(identity), Some(issued.bundle));
        Ok(())
    }

    /// Takes over a new bundle, on disk first.
    pub(super) fn replace_bundle(&mut self, folder: &Path, bundle: Bundle) -> Result<(), AgentError> {
        write(folder, self.identity.as_ref(), &bundle, self.istiod.as_ref())?;
        self.bundle = Some(bundle);
        Ok(())
    }
}

fn write(folder: &Path, identity: Option<&Identity>, bundle: &Bundle, istiod: Option<&Istiod>) -> Result<(), AgentError> {
    let (pem, document) = (bundle.to_pem(), bundle.to_spiffe_json());
    // Envoy resolves names against its own working folder, not the file's.
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let (certificate, roots) = (sds::certificate(&absolute), sds::roots(&absolute));
    let mut entries: Vec<files::Entry<'_>> = vec![
        ("bundle.pem", pem.as_bytes(), Mode::Public),
        ("bundle.json", document.as_bytes(), Mode::Public),
        ("sds-roots.json", roots.as_bytes(), Mode::Public),
    ];
    let (chain, state);
    let tls = identity.zip(istiod).map(|(identity, istiod)| istiod::Forms::of(identity, bundle, istiod)).transpose()?;
    entries.extend(tls.iter().flat_map(istiod::Forms::entries));
    let mut unique = format!("bundle-{}", bundle.sequence().unwrap_or_default());
    if let Some(identity) = identity {
        chain = meshroot::pem::encode_certificates(&identity.chain);
        state = json!({
            "id": identity.id.as_str(),
            "not_after": identity.not_after.to_string(),
            "renew_after": identity.renew_after.to_string(),
            "renew_after_unix": identity.renew_after.unix(),
        })
        .to_string();
        entries.push(("svid.pem", chain.as_bytes(), Mode::Public));
        entries.push(("svid-key.pem", identity.key_pem.as_bytes(), Mode::Private));
        entries.push(("sds-certificate.json", certificate.as_bytes(), Mode::Public));
        entries.push(("state.json", state.as_bytes(), Mode::Public));
        unique = format!("{unique}-{}", identity.chain.first().map(|leaf| leaf.serial().to_string()).unwrap_or_default());
    }
    // A state may be written again, after a crash or under another name of the folder.
    let unique = format!("{unique}-{:x}", std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos());
    files::replace(folder, &unique, &entries)
}
