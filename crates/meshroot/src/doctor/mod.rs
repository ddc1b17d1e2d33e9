//! Why does west not trust east? What several clusters' secrets, bundles and chains mean together.
//!
//! No istiod sees more than its own cluster. [`diagnose`] takes whatever can be had of all of them, works out the
//! clusters, and says for each ordered pair and both data planes whether a workload of the one is accepted in the other,
//! today and until when. A *no* names the certificate and the rule, what it looks like from the proxy's side, and the
//! steps that mend it; a *yes* names what ends it. [`Warning`]s are about what works today and hurts later.
//!
//! Data in, data out: nothing is read, fetched or asked for the time.
//!
//! ```
//! use meshroot::doctor::{Evidence, EvidenceKind, Settings, diagnose};
//! use meshroot::istio::CacertsFiles;
//! use meshroot::key::Crypto;
//! use meshroot::time::Timestamp;
//!
//! let mut files = CacertsFiles::default();
//! files.set("ca-cert.pem", "no certificate at all");
//! let west = Evidence::new("west/cacerts", EvidenceKind::Cacerts { cluster: None, files, manifest: false });
//! let diagnosis = diagnose(vec![west], &Settings::default(), &Crypto::ring(), Timestamp::from_unix(1_796_083_200));
//! assert_eq!(diagnosis.clusters[0].name, "west");
//! assert!(!diagnosis.every_pair_trusts());
//! ```

mod diagnosis;
mod evidence;
mod forecast;
mod gather;
mod intake;
#[cfg(feature = "serde")]
mod json;
mod judge;
mod matrix;
mod mend;
mod mending;
mod naming;
mod places;
mod pool;
mod site;
mod steps;
mod symptom;
#[cfg(test)]
mod tests;
mod verdict;
mod warning;
mod warnings;

pub use diagnosis::{Cell, Cluster, CrlSummary, Diagnosis, Plane, Settings};
pub use evidence::{Evidence, EvidenceKind, StoredCluster};
pub use forecast::{Breaks, ExpiringKind, Expiry};
pub use mend::{Mend, Reissue, Step};
pub use verdict::{Blamed, Cause, Symptom, Verdict};
pub use warning::Warning;

use crate::key::Crypto;
use crate::time::Timestamp;

/// Judges the evidence: clusters, the matrix of who is accepted where, the forecast, warnings.
///
/// It never fails: what cannot be read is a warning, and what cannot be judged is [`Verdict::Unknown`]. Work and memory are
/// bounded; what was left out for that is named.
pub fn diagnose(evidence: Vec<Evidence>, settings: &Settings, crypto: &Crypto, now: Timestamp) -> Diagnosis {
    let (mut warnings, mut notes) = (Vec::new(), Vec::new());
    let pieces = intake::read(evidence, settings, crypto, now, &mut warnings);
    let sites = gather::gather(pieces, settings, crypto, &mut warnings, &mut notes);

    let pool = pool::Pool::of(&sites);
    let places = places::Places::of_all(&sites, crypto);
    let judge = judge::Judge::new(&sites, &pool, crypto, now);
    let mut matrix = matrix::Matrix { sites: &sites, judge, mending: mending::Mending::new(&pool), places };
    let cells = matrix.cells();

    let mesh = warnings::Mesh { sites: &sites, rows: &matrix.judge.rows, places: &matrix.places, settings, crypto, now };
    mesh.warn(&mut warnings, &mut notes);
    let forecast = forecast::forecast(&cells);
    let clusters = sites.iter().map(site::Site::to_cluster).collect();
    Diagnosis { now, clusters, cells, forecast, warnings, notes }
}
