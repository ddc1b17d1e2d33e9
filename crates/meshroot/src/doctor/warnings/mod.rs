//! What works today and hurts later, and what contradicts itself.

mod authorities;
mod bundles;
mod constraints;
mod findings;
mod leaves;
mod revocation;
mod rotation;
mod secrets;
mod sharing;

use core::cmp::Reverse;
use std::collections::HashSet;

use crate::key::Crypto;
use crate::time::Timestamp;
use crate::x509::Certificate;

use super::judge::Row;
use super::places::Places;
use super::site::Site;
use super::{Settings, Warning};

/// Warnings that are kept; a hostile mesh has a million.
const MOST: usize = 2_000;

/// All that warnings look at.
pub(super) struct Mesh<'a> {
    pub(super) sites: &'a [Site],
    pub(super) rows: &'a [Option<Row>],
    pub(super) places: &'a Places,
    pub(super) settings: &'a Settings,
    pub(super) crypto: &'a Crypto,
    pub(super) now: Timestamp,
}

impl Mesh<'_> {
    pub(super) fn warn(&self, warnings: &mut Vec<Warning>, notes: &mut Vec<String>) {
        findings::warn(self, warnings);
        authorities::warn(self, warnings);
        sharing::warn(self, warnings, notes);
        rotation::warn(self, warnings);
        revocation::warn(self, warnings, notes);
        bundles::warn(self, warnings);
        leaves::warn(self, warnings);
        secrets::warn(self, warnings);
        warnings.sort_by_key(|warning| Reverse(warning.severity));
        if warnings.len() > MOST {
            notes.push(format!("{} more warnings were left out", warnings.len().saturating_sub(MOST)));
            warnings.truncate(MOST);
        }
    }

    fn row(&self, site: usize) -> Option<&Row> {
        self.rows.get(site)?.as_ref()
    }

    /// The root that a site's CA is under, as far as any evidence shows it.
    fn root_of(&self, site: usize) -> Option<&Certificate> {
        let top = self.row(site)?.way_up.last()?;
        (top.is_self_issued() || self.sites.get(site)?.roots().contains(top)).then_some(top)
    }

    fn names(&self, sites: impl IntoIterator<Item = usize>) -> Vec<String> {
        sites.into_iter().filter_map(|at| self.sites.get(at)).map(|site| site.name.clone()).collect()
    }
}

/// The same certificates, each once.
fn distinct<'a>(certificates: impl IntoIterator<Item = &'a Certificate>) -> Vec<&'a Certificate> {
    let mut seen = HashSet::new();
    certificates.into_iter().filter(|certificate| seen.insert(certificate.der())).collect()
}
