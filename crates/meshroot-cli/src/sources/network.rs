//! Endpoints and URLs, side by side: a mesh of two hundred clusters is not to be waited for one by one.

use std::fmt;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use meshroot::doctor::EvidenceKind;

use super::{Place, Source};
use crate::exit::{Failure, Result};
use crate::net::{Asked, Identity, WebRoots, get, look};

/// Connections at a time.
const AT_ONCE: usize = 64;

/// How to ask others.
#[derive(Debug)]
pub(crate) struct Network {
    /// The time for each source.
    pub(crate) timeout: Duration,
    /// What to show to endpoints that ask for it.
    pub(crate) identity: Option<Identity>,
    /// Whom HTTPS trusts instead of the system's roots.
    pub(crate) ca: Option<PathBuf>,
}

/// What came back.
pub(super) enum Fetched {
    Document(Vec<u8>),
    Peer(Box<EvidenceKind>, Seen),
}

/// What an endpoint said besides its chain.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) source: String,
    pub(crate) negotiated: String,
    pub(crate) asked: Asked,
}

impl Network {
    /// For each source what came back, or `None` for those that are not distant.
    pub(super) fn fetch_all(&self, sources: &[Source]) -> Vec<Option<Result<Fetched>>> {
        let roots = OnceLock::new();
        let mut answers = Vec::with_capacity(sources.len());
        for some in sources.chunks(AT_ONCE) {
            thread::scope(|scope| {
                let asked: Vec<_> = some.iter().map(|source| source.is_distant().then(|| scope.spawn(|| self.fetch(source, &roots)))).collect();
                // A thread that panics has found a fault of ours; it is one source that is lost.
                let join = |thread: thread::ScopedJoinHandle<'_, Result<Fetched>>| {
                    thread.join().unwrap_or_else(|_| Err(Failure::internal("asking an endpoint panicked")))
                };
                answers.extend(asked.into_iter().map(|thread| thread.map(join)));
            });
        }
        answers
    }

    fn fetch(&self, source: &Source, roots: &OnceLock<WebRoots>) -> Result<Fetched> {
        match &source.place {
            Place::Https(url) => {
                let roots = match roots.get() {
                    Some(roots) => roots,
                    None => {
                        let read = WebRoots::read(self.ca.as_deref())?;
                        roots.get_or_init(|| read)
                    }
                };
                Ok(Fetched::Document(get(url, roots, self.timeout).map_err(|e| Failure::from(e).at(&source.place))?))
            }
            Place::Tls(address) => {
                let peer = look(address, self.identity.as_ref(), self.timeout).map_err(|e| Failure::from(e).at(&source.place))?;
                let seen = Seen { source: source.place.to_string(), negotiated: peer.negotiated, asked: peer.asked };
                let kind = EvidenceKind::Endpoint {
                    cluster: source.cluster.clone(),
                    address: address.place(),
                    chain: peer.chain,
                    negotiated: seen.to_string(),
                };
                Ok(Fetched::Peer(Box::new(kind), seen))
            }
            Place::Stdin | Place::Path(_) => Err(Failure::internal("a local source was asked for over the network")),
        }
    }
}

impl Source {
    fn is_distant(&self) -> bool {
        matches!(self.place, Place::Tls(_) | Place::Https(_))
    }
}

/// `TLS 1.3, …, ALPN istio; asks for a client certificate of CN=…, and was content without one`
impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.negotiated)?;
        let (issuers, with_one) = match &self.asked {
            Asked::No => return f.write_str("; asks for no client certificate"),
            Asked::Content { issuers, with_one } | Asked::Refused { issuers, with_one, .. } => (issuers, *with_one),
        };
        f.write_str("; asks for a client certificate")?;
        if !issuers.is_empty() {
            write!(f, " of {}", issuers.join(" or "))?;
        }
        match (&self.asked, with_one) {
            (Asked::Refused { said, .. }, true) => write!(f, ", and refused the one it was shown: {said}"),
            (Asked::Refused { said, .. }, false) => write!(f, ", and without one it ended the connection: {said}"),
            (_, true) => f.write_str(", and was content with the one it was shown"),
            (_, false) => f.write_str(", and was content without one"),
        }
    }
}
