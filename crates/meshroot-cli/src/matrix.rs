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
    pub(crate) fn try_out(session: &Session<'_>, home: &Home, trust_domain: &TrustDomain, clusters: Vec<ClusterName>, progress: &Progress) -> Result<Self> {
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
            samples.iter().map(|sample: &Sample| validator.validate_with(sample, session.now, &mut links).err().map(|why| why.to_string())).collect()
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
    let signer = PrivateKey::from_pem(&key, None, crypto).and_then(|key| key.signer(crypto)).map_err(|e| Failure::from(e).at(folder.join(CA_KEY).display()))?;
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
