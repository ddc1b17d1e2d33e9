//! What `doctor` is told to look at, read into the library's evidence.
//!
//! A source that cannot be read does not stop the others: a mesh is often diagnosed because one of its clusters is away.
//! Everything is bounded: bytes of each file and of all together, entries of a folder, the time of each endpoint.

mod bundle;
mod classify;
mod folder;
mod json;
mod manifest;
mod name;
mod network;
mod pem;
mod store;

pub(crate) use name::{Place, Source};
pub(crate) use network::{Network, Seen};

use std::path::Path;

use meshroot::doctor::{Evidence, EvidenceKind};
use meshroot::spiffe::TrustDomain;
use zeroize::Zeroizing;

use crate::exit::{Exit, Failure, Result};
use crate::input;
use crate::session::Session;

/// Bytes of all files together: two hundred clusters with CRLs of a megabyte would still fit.
const MOST_BYTES: usize = 256 << 20;
/// Pieces of evidence.
const MOST_PIECES: usize = 10_000;

/// How a store of ours begins, whatever it is called.
const SQLITE: &[u8] = b"SQLite format 3\0";

/// What was found in all sources.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub(crate) evidence: Vec<Evidence>,
    /// What endpoints said besides their chains.
    pub(crate) seen: Vec<Seen>,
    /// What was passed over, and why; sentences.
    pub(crate) remarks: Vec<String>,
    /// Sources that could not be read, by name.
    pub(crate) unread: Vec<(String, Failure)>,
}

/// Reads all sources, the distant ones side by side, and keeps their order.
pub(crate) fn gather(session: &Session<'_>, sources: &[Source], trust_domain: Option<&TrustDomain>, network: &Network) -> Result<Gathered> {
    if sources.iter().filter(|source| source.place == Place::Stdin).count() > 1 {
        return Err(Failure::usage("doctor.stdin_twice", "standard input can be read once: name - once"));
    }
    let mut gathered = Gathered::default();
    let mut bytes = 0usize;
    for (source, fetched) in sources.iter().zip(network.fetch_all(sources)) {
        let mut reader = Reader { session, source, trust_domain, found: Vec::new(), seen: None, remarks: Vec::new(), bytes };
        let read = match fetched {
            None => reader.local(),
            Some(Ok(fetched)) => reader.distant(fetched),
            Some(Err(failure)) => Err(failure),
        };
        bytes = reader.bytes;
        // What a source held before the place where it is broken counts: it was read well.
        gathered.evidence.append(&mut reader.found);
        gathered.seen.extend(reader.seen.take());
        gathered.remarks.append(&mut reader.remarks);
        if let Err(failure) = read {
            gathered.unread.push((source.to_string(), failure));
        }
        if gathered.evidence.len() > MOST_PIECES {
            let message = format!("the sources hold more than {MOST_PIECES} pieces of evidence: diagnose them in parts");
            return Err(Failure::new(Exit::BadInput, "doctor.too_much", message));
        }
    }
    Ok(gathered)
}

/// Reads one source.
struct Reader<'a> {
    session: &'a Session<'a>,
    source: &'a Source,
    /// The one of `--trust-domain`.
    trust_domain: Option<&'a TrustDomain>,
    found: Vec<Evidence>,
    seen: Option<Seen>,
    remarks: Vec<String>,
    /// Of this source and those before.
    bytes: usize,
}

impl Reader<'_> {
    fn local(&mut self) -> Result<()> {
        match &self.source.place {
            Place::Path(path) if path.is_dir() => self.folder(path),
            Place::Path(path) => self.file(path),
            Place::Stdin => self.file(Path::new("-")),
            // Fetched before, side by side.
            Place::Tls(_) | Place::Https(_) => Ok(()),
        }
    }

    fn distant(&mut self, fetched: network::Fetched) -> Result<()> {
        match fetched {
            network::Fetched::Document(bytes) => {
                self.count(bytes.len())?;
                let name = self.source.place.to_string();
                self.document(&bytes, &name).map_err(|failure| failure.at(&name))
            }
            network::Fetched::Peer(kind, seen) => {
                self.put(&seen.source, *kind);
                self.seen = Some(seen);
                Ok(())
            }
        }
    }

    fn file(&mut self, path: &Path) -> Result<()> {
        let name = input::named(path);
        if path.extension().is_some_and(|extension| extension == "db") {
            return self.store(path, &name);
        }
        let bytes = self.read(path)?;
        if bytes.starts_with(SQLITE) && path.is_file() {
            return self.store(path, &name);
        }
        self.document(&bytes, &name).map_err(|failure| failure.at(&name))
    }

    /// The bytes of a file; they may be a secret.
    fn read(&mut self, path: &Path) -> Result<Zeroizing<Vec<u8>>> {
        let bytes = input::read(path)?;
        self.count(bytes.len())?;
        Ok(bytes)
    }

    fn count(&mut self, bytes: usize) -> Result<()> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > MOST_BYTES {
            let message = format!("the sources hold more than {MOST_BYTES} bytes: diagnose them in parts");
            return Err(Failure::new(Exit::BadInput, "doctor.too_much", message));
        }
        Ok(())
    }

    fn put(&mut self, source: &str, kind: EvidenceKind) {
        self.found.push(Evidence::new(source, kind));
    }

    fn remark(&mut self, place: &str, text: impl std::fmt::Display) {
        self.remarks.push(format!("{place}: {text}"));
    }

    /// The cluster that a person named.
    fn cluster(&self) -> Option<String> {
        self.source.cluster.clone()
    }
}
