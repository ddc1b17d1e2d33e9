use std::collections::BTreeMap;

use super::{Cell, Plane, Verdict};
use crate::time::Timestamp;
use crate::x509::{DistinguishedName, SerialNumber};

/// Something that ends at a known time, and trust with it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Expiry {
    /// Its last second.
    pub at: Timestamp,
    /// What it is.
    pub kind: ExpiringKind,
    /// The certificate's subject; a CRL's issuer.
    pub subject: DistinguishedName,
    /// The certificate's serial number; a CRL has none.
    pub serial: Option<SerialNumber>,
    /// The evidence in which it stands; empty when it is not at hand.
    pub source: String,
}

/// What expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ExpiringKind {
    /// A workload's or a server's certificate, which is renewed all the time.
    Leaf,
    /// The CA that signs a cluster's workloads.
    SigningCa,
    /// A CA between the signing CA and the root.
    Intermediate,
    /// A root.
    Root,
    /// A CRL's nextUpdate.
    Crl,
    /// Nothing: it is valid as long as certificates can say (the year 9999).
    Nothing,
}

impl ExpiringKind {
    /// The stable name that machines read: `leaf`, `signing_ca`, `intermediate`, `root`, `crl`, `nothing`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Leaf => "leaf",
            Self::SigningCa => "signing_ca",
            Self::Intermediate => "intermediate",
            Self::Root => "root",
            Self::Crl => "crl",
            Self::Nothing => "nothing",
        }
    }
}

/// What ends trust between some pairs, in the mesh's forecast.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Breaks {
    /// What ends.
    pub expiry: Expiry,
    /// The pairs that trust until then: row and column.
    pub pairs: Vec<(String, String)>,
    /// In which data planes.
    pub planes: Vec<Plane>,
}

/// Gathers what ends trust, the earliest first; what never ends is left out.
pub(super) fn forecast(cells: &[Cell]) -> Vec<Breaks> {
    let mut endings: BTreeMap<&Expiry, Breaks> = BTreeMap::new();
    for cell in cells {
        let Verdict::Yes { first_to_break, .. } = &cell.verdict else { continue };
        if first_to_break.kind == ExpiringKind::Nothing {
            continue;
        }
        let empty = || Breaks { expiry: first_to_break.clone(), pairs: Vec::new(), planes: Vec::new() };
        let breaks = endings.entry(first_to_break).or_insert_with(empty);
        // The planes of one pair follow each other.
        if breaks.pairs.last().is_none_or(|(row, column)| *row != cell.row || *column != cell.column) {
            breaks.pairs.push((cell.row.clone(), cell.column.clone()));
        }
        if !breaks.planes.contains(&cell.plane) {
            breaks.planes.push(cell.plane);
        }
    }
    endings.into_values().collect()
}
