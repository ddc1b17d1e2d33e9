use core::fmt;
use std::collections::BTreeSet;
use std::sync::Arc;

use meshroot::spiffe::{SpiffeId, TrustDomain};

/// Who is accepted, of those whose certificates are valid.
#[derive(Clone)]
pub struct Peers(Kind);

#[derive(Clone)]
enum Kind {
    Trusted,
    Ids(Arc<BTreeSet<SpiffeId>>),
    TrustDomain(TrustDomain),
    When(Arc<str>, Arc<dyn Fn(&SpiffeId) -> bool + Send + Sync>),
}

impl Peers {
    /// Everybody of every trust domain whose bundle is held. The handler decides who may do what.
    pub fn trusted() -> Self {
        Self(Kind::Trusted)
    }

    /// These identities; nobody if there are none.
    pub fn ids(ids: impl IntoIterator<Item = SpiffeId>) -> Self {
        Self(Kind::Ids(Arc::new(ids.into_iter().collect())))
    }

    /// Everybody of this trust domain.
    pub fn of(trust_domain: TrustDomain) -> Self {
        Self(Kind::TrustDomain(trust_domain))
    }

    /// Whoever `accept` says yes to. `who` says in words who that is, for refusals: "workloads of the namespace shop".
    /// It is called during handshakes and should not wait for anything.
    pub fn when(who: &str, accept: impl Fn(&SpiffeId) -> bool + Send + Sync + 'static) -> Self {
        Self(Kind::When(who.into(), Arc::new(accept)))
    }

    /// Whether this identity is accepted.
    pub fn accept(&self, id: &SpiffeId) -> bool {
        match &self.0 {
            Kind::Trusted => true,
            Kind::Ids(ids) => ids.contains(id),
            Kind::TrustDomain(name) => id.trust_domain() == name.as_ref(),
            Kind::When(_, accept) => accept(id),
        }
    }
}

/// In words, short even when they are many.
impl fmt::Display for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 3;
        match &self.0 {
            Kind::Trusted => f.write_str("anybody with a valid certificate"),
            Kind::Ids(ids) if ids.is_empty() => f.write_str("nobody"),
            Kind::Ids(ids) => {
                let shown: Vec<_> = ids.iter().take(SHOWN).map(SpiffeId::as_str).collect();
                f.write_str(&shown.join(" or "))?;
                match ids.len().saturating_sub(SHOWN) {
                    0 => Ok(()),
                    more => write!(f, " or {more} more"),
                }
            }
            Kind::TrustDomain(name) => write!(f, "anybody of {name}"),
            Kind::When(who, _) => f.write_str(who),
        }
    }
}

impl fmt::Debug for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Peers({self})")
    }
}
