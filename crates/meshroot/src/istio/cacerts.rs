use zeroize::Zeroizing;

use super::files::{CA_CERT, CA_KEY, CERT_CHAIN, ROOT_CERT};
use super::{CacertsFiles, Finding, Report, SECRET_NAME, Severity, check_for, write};
use crate::key::{Crypto, PrivateKey};
use crate::pem;
use crate::spiffe::TrustDomainRef;
use crate::time::Timestamp;
use crate::x509::Certificate;

/// One cluster's plug-in CA, ready to be written: it exists only if [`check`](super::check) found nothing that istiod
/// or the mesh would stumble over.
#[derive(Clone)]
pub struct Cacerts {
    ca_cert: String,
    ca_key: Zeroizing<String>,
    cert_chain: String,
    root_cert: String,
    report: Report,
}

/// Why a set is not written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CacertsError {
    /// No cluster CA was given.
    #[error("there is no cluster CA to write: the chain is empty")]
    NoClusterCa,
    /// istiod would refuse the set, or the mesh would break or lose something by it.
    #[error("{}", refusal(.0))]
    Refused(Vec<Finding>),
    /// The namespace is no name that Kubernetes takes.
    #[error("'{0}' is no Kubernetes namespace: 1 to 63 lower case letters, digits and hyphens, no hyphen at either end")]
    Namespace(String),
}

impl CacertsError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoClusterCa => "istio.no_cluster_ca",
            Self::Refused(_) => "istio.refused",
            Self::Namespace(_) => "istio.namespace",
        }
    }

    /// What stands against the set.
    pub fn findings(&self) -> &[Finding] {
        match self {
            Self::Refused(findings) => findings,
            _ => &[],
        }
    }
}

fn refusal(findings: &[Finding]) -> String {
    let said: Vec<_> = findings.iter().map(|finding| format!("\n  {finding}")).collect();
    format!("these cacerts would disappoint and are not written:{}", said.concat())
}

impl Cacerts {
    /// Puts a set together from the cluster CA and its issuers upwards (`chain`), the cluster CA's key, and all the
    /// roots that the mesh trusts, and checks the very bytes that will be written.
    ///
    /// It is stricter than [`Report::is_good`]: of what only hurts later, just faults of roots that exist already, an
    /// Ed25519 key, and limits on URIs that their owner asked for, are let through.
    ///
    /// # Errors
    /// [`CacertsError::Refused`] with every finding.
    pub fn new(chain: &[Certificate], key: &PrivateKey, roots: &[Certificate], crypto: &Crypto, now: Timestamp) -> Result<Self, CacertsError> {
        Self::build(chain, key, roots, None, crypto, now)
    }

    /// As [`new`](Self::new), for a mesh whose trust domain is known: name constraints are held against it, as in
    /// [`check_for`].
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn new_for(
        trust_domain: TrustDomainRef<'_>,
        chain: &[Certificate],
        key: &PrivateKey,
        roots: &[Certificate],
        crypto: &Crypto,
        now: Timestamp,
    ) -> Result<Self, CacertsError> {
        Self::build(chain, key, roots, Some(trust_domain), crypto, now)
    }

    fn build(
        chain: &[Certificate],
        key: &PrivateKey,
        roots: &[Certificate],
        trust_domain: Option<TrustDomainRef<'_>>,
        crypto: &Crypto,
        now: Timestamp,
    ) -> Result<Self, CacertsError> {
        let ca = chain.first().ok_or(CacertsError::NoClusterCa)?;
        // The root stays out of cert-chain.pem, although Istio's own Makefile puts it in. Every peer has it already, so
        // in the chain it only makes each handshake longer; istiod's answer to a CSR would contain it twice; and for
        // each certificate of the chain istiod demands a CRL at load, and otherwise drops new keys along with the CRLs,
        // so an offline root that is late with its CRL would stop the rotation of the cluster CA. A CA that is itself
        // the root has to be in it, since an empty chain is what a damaged set looks like.
        let above = chain.iter().skip(1).filter(|cert| !roots.contains(cert));
        let ca_key = key.to_pkcs8_pem();
        let mut set = Self {
            ca_cert: ca.to_pem(),
            ca_key,
            cert_chain: pem::encode_certificates(core::iter::once(ca).chain(above)),
            root_cert: pem::encode_certificates(roots),
            report: Report::default(),
        };
        let mut files = CacertsFiles::default();
        for (name, bytes) in set.files() {
            files.set(name, bytes);
        }
        set.report = check_for(&files, trust_domain, crypto, now);
        let against: Vec<_> = set.report.findings().iter().filter(|finding| !is_let_through(finding)).cloned().collect();
        if against.is_empty() { Ok(set) } else { Err(CacertsError::Refused(against)) }
    }

    /// The four files in Istio's layout: name, and bytes. `ca-key.pem` is a secret, the others are public.
    pub fn files(&self) -> [(&'static str, &[u8]); 4] {
        [
            (CA_CERT, self.ca_cert.as_bytes()),
            (CA_KEY, self.ca_key.as_bytes()),
            (CERT_CHAIN, self.cert_chain.as_bytes()),
            (ROOT_CERT, self.root_cert.as_bytes()),
        ]
    }

    /// What the check said about the set, for showing it and for [`check_together`](super::check_together).
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// The set as the manifest of the Secret `cacerts`, in YAML; for [`DEFAULT_NAMESPACE`](super::DEFAULT_NAMESPACE)
    /// unless istiod was installed elsewhere. It holds the private key.
    ///
    /// # Errors
    /// [`CacertsError::Namespace`].
    pub fn secret_manifest(&self, namespace: &str) -> Result<Zeroizing<String>, CacertsError> {
        write::secret(SECRET_NAME, namespace, "Opaque", &self.files())
    }
}

/// What a set may have that is about to be written.
fn is_let_through(finding: &Finding) -> bool {
    finding.severity == Severity::Hurts && (finding.file == ROOT_CERT || matches!(finding.code, "istio.ed25519_ca" | "istio.uri_name_constraint"))
}

/// Whose it is; not what is in it.
impl core::fmt::Debug for Cacerts {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Cacerts").field("signing_ca", &self.report.signing_ca()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Ca, NOW, below, below_with, codes, root, root_with};
    use super::super::{DEFAULT_NAMESPACE, manifest};
    use super::*;

    fn made(chain: &[&Ca], roots: &[&Ca]) -> Result<Cacerts, CacertsError> {
        let certs = |cas: &[&Ca]| cas.iter().map(|ca| ca.cert.clone()).collect::<Vec<_>>();
        Cacerts::new(&certs(chain), &chain[0].private_key(), &certs(roots), &Crypto::ring(), NOW)
    }

    fn refused(chain: &[&Ca], roots: &[&Ca]) -> Vec<&'static str> {
        made(chain, roots).unwrap_err().findings().iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn what_is_written_passes_the_check() {
        let root = root("root");
        let west = below(&root, "west");
        let cacerts = made(&[&west], &[&root]).unwrap();
        let mut files = CacertsFiles::default();
        for (name, bytes) in cacerts.files() {
            assert!(files.set(name, bytes));
        }
        assert!(codes(&files).is_empty());
        assert_eq!(cacerts.report().path().len(), 2);
    }

    #[test]
    fn the_chain_is_the_cluster_ca_and_its_issuers_without_the_root() {
        let root = root("root");
        let region = below(&root, "region");
        let west = below_with(&region, "west", |p| p.not_after -= time::Duration::DAY);
        let cacerts = made(&[&west, &region, &root], &[&root]).unwrap();
        assert_eq!(cacerts.cert_chain, format!("{}{}", west.pem(), region.pem()));
        let alone = made(&[&root], &[&root]).unwrap();
        assert_eq!(alone.cert_chain, root.pem());
    }

    #[test]
    fn nothing_that_disappoints_is_written() {
        let root = root("root");
        let west = below_with(&root, "west", |p| p.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign]);
        assert_eq!(refused(&[&west], &[&root]), ["istio.no_crl_sign"]);
        let west = below_with(&root, "west", |p| p.not_after += time::Duration::days(2));
        assert_eq!(refused(&[&west], &[&root]), ["istio.outlives_issuer"]);
        let west = below(&root, "west");
        assert_eq!(refused(&[&west], &[&super::super::testing::root("other")]), ["istio.no_path"]);
        assert_eq!(refused(&[&west, &below(&root, "east")], &[&root]), ["istio.chain_stranger"]);
        assert_eq!(refused(&[&west], &[]), ["istio.no_pem", "istio.no_path"]);
        assert!(matches!(Cacerts::new(&[], &west.private_key(), &[], &Crypto::ring(), NOW), Err(CacertsError::NoClusterCa)));
    }

    #[test]
    fn another_key_is_not_written() {
        let root = root("root");
        let west = below(&root, "west");
        let error = Cacerts::new(&[west.cert], &root.private_key(), &[root.cert], &Crypto::ring(), NOW).unwrap_err();
        assert_eq!(error.findings()[0].code, "istio.key_mismatch");
        assert!(error.to_string().contains("ca-key.pem"), "{error}");
    }

    #[test]
    fn an_old_root_without_crl_sign_stops_nobody() {
        let (root, old) = (root("root"), root_with("old", |p| p.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign]));
        assert!(made(&[&below(&root, "west")], &[&root, &old]).is_ok());
        assert!(made(&[&below(&old, "west")], &[&root, &old]).is_ok());
    }

    #[test]
    fn the_trust_domain_is_held_against_name_constraints() {
        let root = root("root");
        let west = below_with(&root, "west", |p| {
            // SEQUENCE { [0] { SEQUENCE { [6] "a.b" } } }
            let mut limit =
                rcgen::CustomExtension::from_oid_content(&[2, 5, 29, 30], [&[0x30, 9, 0xa0, 7, 0x30, 5, 0x86, 3], b"a.b".as_slice()].concat());
            limit.set_criticality(true);
            p.custom_extensions.push(limit);
        });
        let (certs, key, roots) = ([west.cert.clone()], west.private_key(), [root.cert.clone()]);
        let build = |domain| Cacerts::new_for(TrustDomainRef::parse(domain).unwrap(), &certs, &key, &roots, &Crypto::ring(), NOW);
        assert!(build("a.b").is_ok());
        assert_eq!(build("c.d").unwrap_err().findings()[0].code, "istio.foreign_name_constraint");
    }

    #[test]
    fn the_manifest_reads_back_as_the_same_files() {
        let root = root("root");
        let cacerts = made(&[&below(&root, "west")], &[&root]).unwrap();
        let text = cacerts.secret_manifest(DEFAULT_NAMESPACE).unwrap();
        let secrets = manifest::secrets(text.as_bytes()).unwrap();
        assert_eq!(secrets.len(), 1);
        let secret = &secrets[0];
        assert_eq!(
            (secret.name.as_str(), secret.namespace.as_deref(), secret.secret_type.as_deref()),
            ("cacerts", Some("istio-system"), Some("Opaque"))
        );
        assert!(secret.other_keys.is_empty());
        let mut files = CacertsFiles::default();
        for (name, bytes) in cacerts.files() {
            files.set(name, bytes);
        }
        assert_eq!(secret.files, files);
    }

    #[test]
    fn a_manifest_is_made_only_for_a_namespace() {
        let root = root("root");
        let cacerts = made(&[&below(&root, "west")], &[&root]).unwrap();
        for name in ["istio-system", "1e3", "a"] {
            let text = cacerts.secret_manifest(name).unwrap();
            assert!(text.contains(&format!("  namespace: \"{name}\"\n")), "quoted, since 1e3 is a number as well");
            assert_eq!(manifest::secrets(text.as_bytes()).unwrap()[0].namespace.as_deref(), Some(name));
        }
        for name in ["", "-a", "a-", "A", "a.b", "a\nb", "a\"", &"a".repeat(64)] {
            assert_eq!(cacerts.secret_manifest(name).unwrap_err().code(), "istio.namespace", "{name}");
        }
    }

    #[test]
    fn no_key_is_printed() {
        let root = root("root");
        let west = below(&root, "west");
        let cacerts = made(&[&west], &[&root]).unwrap();
        assert_eq!(format!("{cacerts:?}").matches("CN=west").count(), 1);
        assert!(!format!("{cacerts:?}").contains("PRIVATE"));
    }
}
