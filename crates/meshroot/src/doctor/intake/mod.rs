//! From evidence as it was found to what it says: certificates, CRLs, bundles, each with the place it is from.

pub(super) mod pem;

use crate::bundle::{Bundle, BundleMap};
use crate::istio::{self, CacertsFiles};
use crate::key::Crypto;
use crate::lint::Severity;
use crate::revocation::Crl;
use crate::spiffe::{SpiffeId, SpiffeIdRef, TrustDomain};
use crate::time::Timestamp;
use crate::x509::Certificate;

use super::{Evidence, EvidenceKind, Settings, Warning};

/// What one piece of evidence says.
#[derive(Debug)]
pub(super) struct Piece {
    /// Its number in the evidence.
    pub(super) order: usize,
    pub(super) source: String,
    /// The cluster's name, if a person gave one.
    pub(super) given: Option<String>,
    pub(super) content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    Authority(Box<Authority>),
    Roots {
        roots: Vec<Certificate>,
        readable: bool,
    },
    Crls {
        crls: Vec<Crl>,
        readable: bool,
    },
    Bundle(Bundle),
    Map(BundleMap),
    Sent(Sent),
    /// Nothing in it can be used; the warning is written.
    Nothing,
}

/// Whence a CA is known; the later ones are nearer to what runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    Chain,
    Store,
    SelfSigned,
    Cacerts,
}

/// A CA that signs for a cluster, with what goes along.
#[derive(Debug)]
pub(super) struct Authority {
    pub(super) origin: Origin,
    pub(super) signing: Option<Certificate>,
    pub(super) chain: Vec<Certificate>,
    /// None when it says nothing of roots.
    pub(super) roots: Option<Vec<Certificate>>,
    pub(super) crls: Option<Vec<Crl>>,
    /// Why something that should be there cannot be used.
    pub(super) broken: Vec<String>,
    /// A private key is in it.
    pub(super) has_key: bool,
    pub(super) manifest: bool,
    /// What `istio::check` found.
    pub(super) findings: Vec<istio::Finding>,
    pub(super) trust_domain: Option<TrustDomain>,
}

/// What a peer sent: a leaf and its chain.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) source: String,
    /// As sent, in DER.
    pub(super) ders: Vec<Vec<u8>>,
    pub(super) certificates: Vec<Certificate>,
    pub(super) id: Option<SpiffeId>,
    /// A server that was asked, with what was negotiated.
    pub(super) address: Option<String>,
}

/// Reads everything; what cannot be read is a warning.
pub(super) fn read(evidence: Vec<Evidence>, settings: &Settings, crypto: &Crypto, now: Timestamp, warnings: &mut Vec<Warning>) -> Vec<Piece> {
    let mut pieces = Vec::with_capacity(evidence.len());
    for (order, Evidence { source, kind }) in evidence.into_iter().enumerate() {
        let source = super::naming::clean_source(&source);
        let (given, content) = match kind {
            EvidenceKind::Cacerts { cluster, files, manifest } => (cluster, cacerts(&files, manifest, &source, settings, crypto, now, warnings)),
            EvidenceKind::SelfSignedCa { cluster, files, manifest } => (cluster, self_signed(&files, manifest, &source, warnings)),
            EvidenceKind::RootConfigMap { cluster, pem } => (cluster, roots(&pem, &source, warnings)),
            EvidenceKind::CrlConfigMap { cluster, pem } => (cluster, crls(&pem, &source, warnings)),
            EvidenceKind::Bundle { cluster, bundle } => (cluster, Content::Bundle(bundle)),
            EvidenceKind::BundleMap { cluster, map } => (cluster, Content::Map(map)),
            EvidenceKind::Chain { cluster, chain } => (cluster, sent(chain, &source, None, warnings)),
            EvidenceKind::Endpoint { cluster, address, chain, negotiated: _ } => (cluster, sent(chain, &source, Some(address), warnings)),
            EvidenceKind::Store { trust_domain, clusters, bundle } => {
                for cluster in clusters {
                    let authority = stored(cluster.chain, &trust_domain, &bundle);
                    let content = Content::Authority(Box::new(authority));
                    pieces.push(Piece { order, source: source.clone(), given: Some(cluster.name), content });
                }
                continue;
            }
        };
        pieces.push(Piece { order, source, given: given.map(|name| super::naming::clean(&name)), content });
    }
    pieces
}

fn cacerts(
    files: &CacertsFiles,
    manifest: bool,
    source: &str,
    settings: &Settings,
    crypto: &Crypto,
    now: Timestamp,
    warnings: &mut Vec<Warning>,
) -> Content {
    let report = istio::check_for(files, settings.trust_domain.as_ref().map(TrustDomain::as_ref), crypto, now);
    let reading = files.as_istiod_reads_them();
    let mut broken = Vec::new();
    let why = |file: &str| match report.findings().iter().find(|finding| finding.file == file) {
        Some(finding) => format!("{file} ({})", finding.message),
        None => file.to_owned(),
    };
    if report.signing_ca().is_none() {
        broken.push(format!("no signing certificate can be read in {}", why(reading.cert.name)));
    }
    if report.roots().is_empty() {
        broken.push(format!("no root can be read in {}", why(reading.root.name)));
    }
    let crls = reading.crl.and_then(|text| match Crl::from_pem(text) {
        Ok(crls) => Some(crls),
        Err(e) => {
            broken.push(format!("{}: {e}", istio::CA_CRL));
            let message = format!("the CRLs cannot be read: {e}");
            warnings.push(unreadable(message).at(format!("{source}: {}", istio::CA_CRL)));
            None
        }
    });
    let has_key = files.ca_key.is_some() || files.tls_key.is_some();
    // Whoever leaves the key out before showing the files to anybody did right.
    let only_the_key_is_missing = !has_key && [reading.cert.bytes, reading.chain.bytes, reading.root.bytes].iter().all(Option::is_some);
    let findings = report.findings().iter().filter(|finding| !(only_the_key_is_missing && finding.code == "istio.incomplete")).cloned().collect();
    Content::Authority(Box::new(Authority {
        origin: Origin::Cacerts,
        signing: report.signing_ca().cloned(),
        chain: report.chain().to_vec(),
        roots: reading.root.bytes.is_some().then(|| report.roots().to_vec()),
        crls,
        broken,
        has_key,
        manifest,
        findings,
        trust_domain: report.path().iter().chain(report.signing_ca()).find_map(named_trust_domain),
    }))
}

/// The Secret that istiod keeps its own CA in: the CA is the root, and the files of the chain are empty.
fn self_signed(files: &CacertsFiles, manifest: bool, source: &str, warnings: &mut Vec<Warning>) -> Content {
    let mut part = |bytes: &Option<Vec<u8>>, name: &str| match bytes.as_deref().filter(|bytes| !bytes.is_empty()) {
        Some(bytes) => pem::certificates(bytes, &format!("{source}: {name}"), warnings),
        None => Vec::new(),
    };
    let signing = part(&files.ca_cert, istio::CA_CERT).into_iter().next();
    let chain = part(&files.cert_chain, istio::CERT_CHAIN);
    let mut roots = part(&files.root_cert, istio::ROOT_CERT);
    if roots.is_empty() {
        roots.extend(signing.clone());
    }
    let broken = if signing.is_none() { vec![format!("no certificate can be read in {}", istio::CA_CERT)] } else { Vec::new() };
    Content::Authority(Box::new(Authority {
        origin: Origin::SelfSigned,
        trust_domain: signing.as_ref().and_then(named_trust_domain),
        signing,
        chain,
        roots: Some(roots),
        crls: None,
        broken,
        has_key: files.ca_key.is_some(),
        manifest,
        findings: Vec::new(),
    }))
}

fn roots(text: &[u8], source: &str, warnings: &mut Vec<Warning>) -> Content {
    let roots = pem::certificates(text, source, warnings);
    Content::Roots { readable: !roots.is_empty(), roots }
}

fn crls(text: &[u8], source: &str, warnings: &mut Vec<Warning>) -> Content {
    // An empty one is how istiod says that there are none.
    if text.trim_ascii().is_empty() {
        return Content::Nothing;
    }
    match Crl::from_pem(text) {
        Ok(crls) => Content::Crls { crls, readable: true },
        Err(e) => {
            warnings.push(unreadable(format!("the CRLs cannot be read: {e}")).at(source));
            Content::Crls { crls: Vec::new(), readable: false }
        }
    }
}

fn unreadable(message: String) -> Warning {
    Warning::new(Severity::Error, "doctor.unreadable", message, "export the file again")
}

/// A chain: of a leaf, of a CA, or no chain at all but roots.
fn sent(mut ders: Vec<Vec<u8>>, source: &str, address: Option<String>, warnings: &mut Vec<Warning>) -> Content {
    let mut certificates = pem::chain(&ders, source, warnings);
    // The leaf has to come first (RFC 8446 §4.4.2); what stands in the wrong order is judged as it was meant.
    let leaf = certificates.iter().position(|certificate| !certificate.is_ca());
    if let Some(at @ 1..) = leaf
        && certificates.first().is_some_and(Certificate::is_ca)
        && let Some(leaf) = certificates.get(at).cloned()
    {
        let message = format!(
            "the certificates are in the wrong order: the leaf is number {}, behind its CAs, and no server or proxy loads that",
            at.saturating_add(1)
        );
        let remedy = "order them: the leaf first, then its issuer, and so on upwards";
        warnings.push(Warning::new(Severity::Error, "doctor.chain_order", message, remedy).at(source));
        certificates.swap(0, at);
        ders.retain(|der| der.as_slice() != leaf.der());
        ders.insert(0, leaf.der().to_vec());
    }
    let Some(first) = certificates.first() else {
        if ders.is_empty() {
            warnings.push(unreadable("no certificate is in it".into()).at(source));
        }
        return Content::Nothing;
    };
    if address.is_none() && certificates.iter().all(|certificate| certificate.is_ca() && certificate.is_self_issued()) {
        return Content::Roots { roots: certificates, readable: true };
    }
    if address.is_none() && first.is_ca() {
        return Content::Authority(Box::new(Authority {
            origin: Origin::Chain,
            signing: Some(first.clone()),
            trust_domain: certificates.iter().find_map(named_trust_domain),
            chain: certificates,
            roots: None,
            crls: None,
            broken: Vec::new(),
            has_key: false,
            manifest: false,
            findings: Vec::new(),
        }));
    }
    let id = first.alt_names().and_then(|names| names.spiffe_id()).map(SpiffeIdRef::to_owned);
    Content::Sent(Sent { source: source.to_owned(), ders, certificates, id, address })
}

fn stored(chain: Vec<Certificate>, trust_domain: &TrustDomain, bundle: &Bundle) -> Authority {
    Authority {
        origin: Origin::Store,
        signing: chain.first().cloned(),
        broken: if chain.is_empty() { vec!["the store has no active CA for it".into()] } else { Vec::new() },
        chain,
        roots: Some(bundle.x509_authorities().to_vec()),
        crls: None,
        has_key: false,
        manifest: false,
        findings: Vec::new(),
        trust_domain: Some(trust_domain.clone()),
    }
}

/// The trust domain that a CA certificate names (X509-SVID §4.1: an ID without a path).
fn named_trust_domain(certificate: &Certificate) -> Option<TrustDomain> {
    Some(certificate.alt_names()?.spiffe_id()?.trust_domain().to_owned())
}
