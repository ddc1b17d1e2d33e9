//! Does everybody trust everybody? Tried out, with the files as they lie on the disk.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use meshroot::bundle::{Bundle, BundleMap};
use meshroot::csr::ProvenRequest;
use meshroot::hierarchy::ClusterName;
use meshroot::issue::{Authorized, Issuer};
use meshroot::istio::{CA_KEY, CERT_CHAIN, ROOT_CERT};
use meshroot::key::{KeyAlgorithm, PrivateKey};
use meshroot::pem;
use meshroot::profile::Profile;
use meshroot::revocation::CrlSet;
use meshroot::spiffe::{SpiffeId, TrustDomain};
use meshroot::verify::{CaLinks, Validator};
use meshroot::x509::Certificate;
use zeroize::Zeroizing;

use crate::exit::{Failure, Result};
use crate::home::Home;
use crate::progress::Progress;
use crate::session::Session;

/// Nobody uses a sample, so it need not live longer than the validation takes.
const LIFETIME: Duration = Duration::from_secs(300);

/// A workload's certificate as it would be presented, made only to be validated: it never leaves the process.
type Sample = Vec<Vec<u8>>;

/// Whose workloads are trusted where.
#[derive(Debug)]
pub(crate) struct Matrix {
    pub(crate) clusters: Vec<ClusterName>,
    /// For each cluster, which of the distinct bundles it trusts.
    bundle_of: Vec<usize>,
    /// For each distinct bundle and each cluster's sample: why it is not trusted.
    refusals: Vec<Vec<Option<String>>>,
}

impl Matrix {
    /// Issues a sample with each cluster's cacerts, and validates it with the roots in every cluster's cacerts. The same
    /// roots are tried once.
    pub(crate) fn try_out(
        session: &Session<'_>,
        home: &Home,
        trust_domain: &TrustDomain,
        clusters: Vec<ClusterName>,
        progress: &Progress,
    ) -> Result<Self> {
        let id = SpiffeId::from_path(trust_domain.as_ref(), "/ns/default/sa/sample")?;
        let mut bundles: HashMap<Vec<u8>, usize> = HashMap::new();
        let mut validators = Vec::new();
        let mut bundle_of = Vec::with_capacity(clusters.len());
        let mut samples = Vec::with_capacity(clusters.len());
        for name in &clusters {
            let folder = home.cacerts(name);
            let roots = read(&folder.join(ROOT_CERT))?;
            let bundle = Bundle::from_pem(trust_domain.clone(), &roots).map_err(|e| Failure::from(e).at(folder.join(ROOT_CERT).display()))?;
            samples.push(sample(session, &folder, &bundle, &id)?);
            let number = *bundles.entry(roots).or_insert_with(|| {
                validators.push(Validator::new(&BundleMap::from(bundle), session.crypto.clone()));
                validators.len().saturating_sub(1)
            });
            bundle_of.push(number);
            progress.step();
        }
        let judged = |validator: &Validator| {
            let mut links = CaLinks::new();
            samples
                .iter()
                .map(|sample: &Sample| validator.validate_with(sample, &CrlSet::empty(), session.now, &mut links).err().map(|why| why.to_string()))
                .collect()
        };
        Ok(Self { clusters, bundle_of, refusals: validators.iter().map(judged).collect() })
    }

    /// How many different sets of roots there are.
    pub(crate) fn bundles(&self) -> usize {
        self.refusals.len()
    }

    /// Why a workload of the cluster at `from` is not trusted in the one at `to`; `None` when it is.
    pub(crate) fn refusal(&self, from: usize, to: usize) -> Option<&str> {
        self.refusals.get(*self.bundle_of.get(to)?)?.get(from)?.as_deref()
    }

    /// All pairs that do not trust each other.
    pub(crate) fn refusals(&self) -> impl Iterator<Item = (&ClusterName, &ClusterName, &str)> {
        let from = self.clusters.iter().enumerate();
        from.flat_map(move |(f, from)| {
            let to = self.clusters.iter().enumerate();
            to.filter_map(move |(t, to)| self.refusal(f, t).map(|why| (from, to, why)))
        })
    }

    /// How many pairs there are, each cluster with itself included.
    pub(crate) fn pairs(&self) -> usize {
        self.clusters.len().saturating_mul(self.clusters.len())
    }
}

/// Issues with the files that istiod would issue with, and presents what istiod would present.
fn sample(session: &Session<'_>, folder: &Path, bundle: &Bundle, id: &SpiffeId) -> Result<Sample> {
    let crypto = &session.crypto;
    let key = Zeroizing::new(read(&folder.join(CA_KEY))?);
    let signer = PrivateKey::from_pem(&key, None, crypto)
        .and_then(|key| key.signer(crypto))
        .map_err(|e| Failure::from(e).at(folder.join(CA_KEY).display()))?;
    let chain = pem::certificates(&read(&folder.join(CERT_CHAIN))?).map_err(|e| Failure::from(e).at(folder.join(CERT_CHAIN).display()))?;
    let issuer = Issuer::new(&chain, bundle, signer, crypto.clone(), session.now)?;
    let workload = PrivateKey::generate(KeyAlgorithm::EcdsaP256, crypto)?;
    let request = ProvenRequest::from_signer(&*workload.signer(crypto)?, crypto)?;
    let grant = Authorized::workload(request, id.clone()).map_err(meshroot::issue::IssueError::from)?;
    let issued = issuer.issue(grant, &Profile::workload().with_lifetime(LIFETIME), crypto.entropy(), session.now)?;
    Ok(std::iter::once(issued.der().to_vec()).chain(chain.iter().map(|ca: &Certificate| ca.der().to_vec())).collect())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|e| Failure::reading(path, &e))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::Cli;
    use crate::cmd;
    use crate::output::Out;

    fn quickstart(folder: &Path, names: &[&str]) {
        let out = folder.to_str().unwrap();
        let args = [&["meshroot", "quickstart", "--trust-domain", "mesh.example", "-q", "--out", out], names].concat();
        let cli = Cli::parse_from(args);
        cmd::run(&cli, &Out::new(false, true)).unwrap();
    }

    fn try_out(home: &Path, names: &[&str]) -> Matrix {
        let (cli, out) = (Cli::parse_from(["meshroot", "status"]), Out::new(false, true));
        let session = Session::new(&cli, &out);
        let names: Vec<_> = names.iter().map(|name| ClusterName::parse(name).unwrap()).collect();
        let progress = Progress::new(&out, "", 0);
        Matrix::try_out(&session, &Home::mesh(home), &TrustDomain::parse("mesh.example").unwrap(), names, &progress).unwrap()
    }

    #[test]
    fn clusters_of_another_root_are_seen_to_be_strangers() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, theirs) = (folder.path().join("ours"), folder.path().join("theirs"));
        quickstart(&ours, &["west", "east"]);
        quickstart(&theirs, &["north"]);
        let all_ours = try_out(&ours, &["west", "east"]);
        assert_eq!((all_ours.bundles(), all_ours.refusals().count()), (1, 0));

        // Their cluster comes to us as it is: files and all.
        fs::rename(theirs.join("clusters/north"), ours.join("clusters/north")).unwrap();
        let mixed = try_out(&ours, &["west", "east", "north"]);
        assert_eq!(mixed.bundles(), 2);
        let refused: Vec<_> = mixed.refusals().map(|(from, to, _)| format!("{from} in {to}")).collect();
        assert_eq!(refused, ["west in north", "east in north", "north in west", "north in east"]);

        // One that trusts both roots is trusted by nobody of the others for it.
        let both = [fs::read(ours.join("root-cert.pem")).unwrap(), fs::read(theirs.join("root-cert.pem")).unwrap()].concat();
        fs::write(ours.join("clusters/west/cacerts/root-cert.pem"), both).unwrap();
        let one_way = try_out(&ours, &["west", "north"]);
        assert!(one_way.refusal(1, 0).is_none() && one_way.refusal(0, 1).is_some());
    }
}
