//! Every test changes one thing of a set that passes, and expects exactly the findings that follow from it.

mod breaks;
mod constraints;
mod crl;
mod good;
mod hostile;
mod hurts;
mod refused;
mod tls_layout;

use super::super::testing::{Ca, below, codes, root, set};
use super::CacertsFiles;

/// A root, a cluster CA, and its set.
struct Mesh {
    root: Ca,
    west: Ca,
}

fn mesh() -> Mesh {
    let root = root("root");
    let west = below(&root, "west");
    Mesh { root, west }
}

impl Mesh {
    fn files(&self) -> CacertsFiles {
        set(&[&self.west], &[&self.root])
    }
}

/// The codes for the set of a cluster CA that was changed, and its root.
fn codes_for(ca: &Ca, root: &Ca) -> Vec<String> {
    codes(&set(&[ca], &[root]))
}
