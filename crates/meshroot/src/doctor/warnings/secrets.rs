//! Private keys that were in the evidence. Nothing of them is looked at, and nothing is kept.

use crate::lint::Severity;

use super::{Mesh, Warning};

pub(super) fn warn(mesh: &Mesh<'_>, warnings: &mut Vec<Warning>) {
    for site in mesh.sites {
        let is_root = site.signing.as_ref().is_some_and(|signing| signing.is_self_issued());
        for (source, manifest) in &site.keys {
            if is_root {
                let message = "the private key of a root is in it: whoever reads it is every workload of every cluster that trusts this root";
                let remedy = "keep roots' keys offline, and give the cluster a CA under the root";
                warnings.push(Warning::new(Severity::Warning, "doctor.root_key", message, remedy).at(source.clone()).of([&site.name]));
            }
            if *manifest {
                let message = "the CA's private key can be read in the manifest: base64 is no protection";
                let remedy = "delete the file, keep manifests with keys out of repositories and tickets, and show others the certificates alone";
                warnings.push(Warning::new(Severity::Warning, "doctor.key_in_manifest", message, remedy).at(source.clone()).of([&site.name]));
            }
        }
    }
}
