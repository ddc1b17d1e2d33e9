use meshroot::hierarchy::{AuthorityId, Event};
use meshroot::spiffe::TrustDomain;
use meshroot::time::Timestamp;

/// A change of one trust domain's hierarchy, stored as a whole or not at all.
#[derive(Clone, Debug)]
pub struct Change {
    /// The version of the store that the change was decided on: [`Loaded::version`].
    pub expected_version: u64,
    /// Whose hierarchy. One that the store does not know yet is added.
    pub trust_domain: TrustDomain,
    /// What happened, in order: what `Hierarchy::decide` answered.
    pub events: Vec<Event>,
    /// The private keys of the authorities that the events add, as far as the store shall hold them.
    pub sealed_keys: Vec<SealedKeyOf>,
    /// The bundle that is published from now on, if the change touches it.
    pub bundle: Option<RenderedBundle>,
    /// Now.
    pub at: Timestamp,
}

/// An authority's private key, sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedKeyOf {
    /// Whose key.
    pub authority: AuthorityId,
    /// The sealed key as bytes: `meshroot::key`'s `SealedKey::to_bytes`.
    pub sealed: Vec<u8>,
}

/// A published bundle: the bytes that are served, kept so that everybody serves the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedBundle {
    /// Its sequence number.
    pub sequence: u64,
    /// The SPIFFE bundle document.
    pub bytes: Vec<u8>,
}

/// The store's state at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// How many changes were committed; what the next [`Change`] has to expect.
    pub version: u64,
    /// All trust domains, in the order in which they were added.
    pub trust_domains: Vec<StoredTrustDomain>,
}

/// What the store holds of one trust domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTrustDomain {
    /// The trust domain.
    pub trust_domain: TrustDomain,
    /// All its events, oldest first: what `Hierarchy::replay` takes.
    pub events: Vec<Event>,
    /// The bundle that is published, if there is one.
    pub bundle: Option<RenderedBundle>,
    /// From when on that bundle is served, everywhere at once; the one before it until then.
    pub visible_at: Option<Timestamp>,
}

impl Loaded {
    /// From when on all of it is served.
    pub fn visible_at(&self) -> Option<Timestamp> {
        self.trust_domains.iter().filter_map(|held| held.visible_at).max()
    }

    /// What is held of this trust domain.
    pub fn trust_domain(&self, name: &TrustDomain) -> Option<&StoredTrustDomain> {
        self.trust_domains.iter().find(|held| held.trust_domain == *name)
    }
}
