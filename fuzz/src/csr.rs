use std::sync::LazyLock;

use meshroot::bundle::Bundle;
use meshroot::csr::{Csr, ProvenRequest};
use meshroot::hierarchy::{ClusterName, create_cluster_ca, create_root};
use meshroot::issue::{Authorized, Issuer};
use meshroot::key::{Crypto, KeyAlgorithm, PrivateKey};
use meshroot::lint::{Severity, check_certificate};
use meshroot::profile::Profile;
use meshroot::spiffe::{SpiffeId, TrustDomain};
use meshroot::time::Timestamp;
use meshroot::x509::Certificate;

use crate::credulous::Credulous;
use crate::{NOW, assert_code, contains};

/// The identity that several of the seeds ask for.
const GRANTED: &str = "spiffe://mesh.example/ns/shop/sa/cart";

/// A CA whose backend believes every signature, so that any request that can be read gets as far as it ever could.
static CA: LazyLock<(Issuer, Crypto)> = LazyLock::new(|| {
    let (crypto, now) = (Credulous::new().crypto(), Timestamp::from_unix(NOW));
    let key = || PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto).unwrap().signer(&crypto).unwrap();
    let trust_domain = TrustDomain::parse("mesh.example").unwrap();
    let root_key = key();
    let root = create_root(&trust_domain, &Profile::root_ca(), &*root_key, &crypto, now).unwrap().signing().unwrap().clone();
    let bundle = Bundle::new(trust_domain).with_x509_authorities([root.clone()]).unwrap();
    let ca_key = key();
    let request = ProvenRequest::from_signer(&*ca_key, &crypto).unwrap();
    let west = ClusterName::parse("west").unwrap();
    let path = create_cluster_ca(&(root, root_key), &bundle, &west, request, &Profile::cluster_ca(), &crypto, now).unwrap();
    (Issuer::new(path.certificates(), &bundle, ca_key, crypto.clone(), now).unwrap(), crypto)
});

/// A request is kept byte for byte, and its key stands in it; PEM changes nothing; only an honest request is proven; and
/// whatever it says, the certificate has its key, the granted identity, and nothing else of it.
pub fn csr(data: &[u8]) {
    let codes = ["csr", "pem", "key", "x509"];
    let request = match Csr::from_pem_or_der(data) {
        Ok(request) => request,
        Err(e) => return assert_code(e.code(), &codes),
    };
    let again = Csr::from_der(request.der()).unwrap();
    assert_eq!(again.public_key(), request.public_key());
    assert_eq!(Csr::from_pem_or_der(request.to_pem().as_bytes()).unwrap().der(), request.der());
    assert!(contains(request.der(), request.public_key().spki_der()));
    if matches!(data, [0x30, length, ..] if *length >= 0x80) {
        assert_eq!(request.der(), data);
    }
    if let Ok(proven) = again.prove(&Crypto::ring()) {
        assert_eq!(proven.public_key(), request.public_key());
        // A changed request is not proven any more, whichever byte of its last part, the signature, it is.
        let mut changed = request.der().to_vec();
        if let Some(last) = changed.last_mut() {
            *last ^= 1;
        }
        assert!(Csr::from_der(&changed).and_then(|csr| csr.prove(&Crypto::ring())).is_err());
    }
    issue(request);
}

fn issue(request: Csr) {
    let (issuer, crypto) = &*CA;
    let id = SpiffeId::parse(GRANTED).unwrap();
    let (key, uris, ca) = (request.public_key().clone(), request.uris().to_vec(), request.asks_for_ca());
    let Ok(proven) = request.prove(crypto) else { return };
    let grant = match Authorized::workload(proven, id) {
        Ok(grant) => grant,
        Err(denial) => {
            assert!(ca || uris != [GRANTED] && !uris.is_empty(), "denied without need: {denial}");
            return assert_code(denial.code(), &["denial"]);
        }
    };
    assert!(!ca && (uris.is_empty() || uris == [GRANTED]), "granted although it asks for {uris:?}, CA {ca}");
    let now = Timestamp::from_unix(NOW);
    let issued = issuer.issue(grant, &Profile::workload(), crypto.entropy(), now).expect("a granted request is served");
    let leaf = Certificate::from_der(issued.der()).unwrap();
    assert_eq!(leaf.public_key().spki_der(), key.spki_der());
    let names = leaf.alt_names().unwrap();
    assert_eq!(names.uris, [GRANTED]);
    assert_eq!(names.dns.len() + names.ips.len() + names.emails.len() + names.directory_names.len() + names.others, 0);
    assert!(!leaf.is_ca());
    assert_eq!(leaf.subject().as_der(), [0x30, 0]);
    let wrong: Vec<_> = check_certificate(issued.der()).unwrap().into_iter().filter(|finding| finding.severity == Severity::Error).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}
