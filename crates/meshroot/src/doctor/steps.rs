//! Changes in words, with the names of the clusters, and as commands.

use crate::spiffe::TrustDomain;
use crate::time::humanize;
use crate::x509::Certificate;

use super::mending::Change;
use super::places::Places;
use super::site::{Site, TrustFrom};
use super::{Mend, Reissue, Step};

/// How a case speaks of its two clusters.
pub(super) struct Wording<'a> {
    pub(super) sites: &'a [Site],
    pub(super) row: usize,
    pub(super) column: usize,
    pub(super) places: &'a Places,
}

impl Wording<'_> {
    pub(super) fn step(&self, change: &Change) -> Step {
        let (row, column) = (self.name(self.row), self.name(self.column));
        match change {
            Change::AddRoots(roots) => self.add_roots(roots, row, column),
            Change::AddToChain(certificates) => {
                let names: Vec<String> = certificates.iter().map(|certificate| self.named(certificate)).collect();
                let text = format!(
                    "put {} at the start of cert-chain.pem of {row}, the signing CA first and no root needed: it goes out with every certificate. istiod reloads it by itself; leaves follow when they are renewed",
                    names.join(", then ")
                );
                let mend = Mend::AddToChain { cluster: row.clone(), certificates: certificates.clone() };
                step(text, mend, reload(&row))
            }
            Change::FindIssuer(issuer) => {
                let text = format!(
                    "get the certificate of {issuer}, which is in none of the sources, and put it into cert-chain.pem of {row}; if it is a root, into root-cert.pem of {column}"
                );
                step(text, Mend::FindIssuer { cluster: row, issuer: issuer.clone() }, Vec::new())
            }
            Change::Renew(certificate) => self.renew(certificate, row),
            Change::Reissue(certificate, change) => {
                let text = format!("make {} of {row} again, {}, and load it", self.named(certificate), changed(*change));
                let commands = self.new_authority(&row);
                step(text, Mend::ReissueAuthority { cluster: row, certificate: certificate.clone(), change: *change }, commands)
            }
            Change::Replace(certificate) => {
                let text = format!(
                    "give {row} a new CA with a name and a key of its own instead of {}, which was revoked, and load it; append the new CA's CRL to ca-crl.pem wherever CRLs are checked",
                    self.named(certificate)
                );
                let commands = self.new_authority(&row);
                step(text, Mend::ReplaceAuthority { cluster: row, certificate: certificate.clone() }, commands)
            }
            Change::RenewLeaf(source) => {
                let text = format!(
                    "have the certificate that {source} shows issued anew: restart its pod, and see why it was not renewed at half its lifetime"
                );
                step(text, Mend::RenewLeaf { cluster: row, source: source.clone() }, Vec::new())
            }
            Change::AddCrls(crls) => {
                let issuers: Vec<String> = crls.iter().map(|crl| crl.issuer().to_string()).collect();
                let text = format!(
                    "append the CRL of {} to ca-crl.pem of {column}: Envoy wants one of every CA on the path, of the other clusters' too; other sources have it",
                    super::warning::listed(issuers)
                );
                let mend = Mend::AddCrls { cluster: column.clone(), crls: crls.iter().map(|crl| crl.der().to_vec()).collect() };
                step(text, mend, reload(&column))
            }
            Change::IssueCrl(issuer) => {
                let text =
                    format!("have {} make a new CRL, and put it into ca-crl.pem of {column} instead of any older one of it", self.named(issuer));
                step(text, Mend::IssueCrl { cluster: column.clone(), issuer: issuer.clone() }, reload(&column))
            }
            Change::RemoveCrls => {
                let text = format!(
                    "take ca-crl.pem out of {column} and restart istiod, which never lets go of CRLs it has loaded; empty the ConfigMap istio-ca-crl. Nothing is revoked there until it is back"
                );
                let context = shell(&column);
                let commands = vec![
                    format!(
                        "kubectl --context {context} -n istio-system patch secret cacerts --type=json -p '[{{\"op\":\"remove\",\"path\":\"/data/ca-crl.pem\"}}]'"
                    ),
                    format!("kubectl --context {context} delete configmap istio-ca-crl --ignore-not-found -n istio-system"),
                    restart(&column),
                ];
                step(text, Mend::RemoveCrls { cluster: column }, commands)
            }
            Change::WaitUntil(at) => step(
                format!("wait until {at}, or set the clock right: compare the clocks of {row} and {column}"),
                Mend::WaitUntil { at: *at },
                Vec::new(),
            ),
            Change::ByHand => {
                let text = format!(
                    "look at the certificates of {row} and the roots of {column} by hand: meshroot inspect SOURCE says all that is known of them"
                );
                step(text, Mend::ByHand, Vec::new())
            }
        }
    }

    fn add_roots(&self, roots: &[Certificate], row: String, column: String) -> Step {
        let names: Vec<String> = roots.iter().map(|root| self.named(root)).collect();
        let names = names.join(" and ");
        let site = self.sites.get(self.column);
        let domain = site.filter(|site| site.map.is_some()).and_then(|_| self.sites.get(self.row)?.domain().cloned());
        let mend = Mend::AddRoots { cluster: column.clone(), trust_domain: domain.clone(), roots: roots.to_vec() };
        if let Some(domain) = domain {
            let text = format!("add the root {names} to the bundle of {domain} in the bundle map of {column}; no other trust domain's");
            return step(text, mend, Vec::new());
        }
        // The row's own roots say whether the new root was announced where it is used.
        let rotating = self.sites.get(self.row).is_some_and(|from| roots.iter().any(|root| from.roots().contains(root)) && from.roots().len() > 1);
        let order = if rotating { ". A new root has to be published everywhere before anything is signed under it" } else { "" };
        if site.is_some_and(|site| matches!(site.trust_from, Some(TrustFrom::SelfSigned))) {
            let text = format!(
                "append the root {names} of {row} to what {column} trusts. It has a CA of its own making: better give all clusters CAs under one root (meshroot quickstart), and load those as cacerts"
            );
            let command = format!("meshroot quickstart {} {} --trust-domain NAME --out mesh", shell(&row), shell(&column));
            return step(text, mend, vec![command]);
        }
        let text = format!(
            "append the root {names} to root-cert.pem of {column}{order}. istiod takes it while it runs only with ISTIO_MULTIROOT_MESH=true, otherwise when it is restarted; ztunnel has it with its next certificate"
        );
        let mut commands = reload(&column);
        commands.push(restart(&column));
        step(text, mend, commands)
    }

    fn renew(&self, certificate: &Certificate, row: String) -> Step {
        let last = certificate.validity().not_after;
        let named = self.named(certificate);
        let mend = Mend::RenewAuthority { cluster: row.clone(), certificate: certificate.clone() };
        if certificate.is_self_issued() {
            let text = format!(
                "renew the root {named}, which expired at {last}: make it again with the same name and key and publish it everywhere, or rotate to a new root"
            );
            return step(text, mend, Vec::new());
        }
        let lived = humanize(last.since(certificate.validity().not_before));
        let text = format!(
            "renew {named} of {row}, which expired at {last} after {lived}: have its issuer sign it again, and load it with the chain. The key may stay"
        );
        let commands = self.new_authority(&row);
        step(text, mend, commands)
    }

    fn new_authority(&self, cluster: &str) -> Vec<String> {
        let cluster = shell(cluster);
        vec![format!("meshroot istio cacerts {cluster} --secret | kubectl --context {cluster} apply -f -")]
    }

    fn name(&self, site: usize) -> String {
        self.sites.get(site).map(|site| site.name.clone()).unwrap_or_default()
    }

    /// `CN=root,O=mesh (sha256 1a2b…)`: a subject alone may stand for several.
    fn named(&self, certificate: &Certificate) -> String {
        let digest: String = self.places.sha256(certificate).chars().take(16).collect();
        format!("{} (sha256 {digest}…)", certificate.subject())
    }
}

pub(super) fn change_trust_domain(row: &str, column: &str, domain: &TrustDomain) -> Step {
    let text = format!(
        "give {row} the trust domain {domain} of {column} (meshConfig.trustDomain, the old one in trustDomainAliases) and restart its workloads: ztunnel knows no aliases"
    );
    step(text, Mend::ChangeTrustDomain { cluster: row.to_owned(), trust_domain: domain.clone() }, Vec::new())
}

pub(super) fn let_in(row: &str, column: &str, domain: &TrustDomain) -> Step {
    let text = format!(
        "let {domain}, the trust domain of {row}, into the sidecars of {column}: list it in meshConfig.caCertificates[].trustDomains there, or in trustDomainAliases, which takes its identities for one's own. Roots alone do not let anybody in (ssl.fail_verify_san)"
    );
    step(text, Mend::LetIn { cluster: column.to_owned(), trust_domain: domain.clone() }, Vec::new())
}

fn step(text: String, mend: Mend, commands: Vec<String>) -> Step {
    Step { text, mend, commands }
}

/// Puts the files of a folder into the Secret that istiod watches.
fn reload(cluster: &str) -> Vec<String> {
    let cluster = shell(cluster);
    vec![format!(
        "kubectl --context {cluster} -n istio-system create secret generic cacerts --from-file=CACERTS_FOLDER --dry-run=client -o yaml | kubectl --context {cluster} apply -f -"
    )]
}

/// A name may come from anybody's certificate, and commands are pasted into shells.
fn shell(name: &str) -> &str {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@');
    if name.chars().all(plain) && !name.is_empty() && !name.starts_with('-') { name } else { "CLUSTER" }
}

fn restart(cluster: &str) -> String {
    let cluster = shell(cluster);
    format!("kubectl --context {cluster} -n istio-system rollout restart deployment istiod")
}

fn changed(change: Reissue) -> &'static str {
    match change {
        Reissue::KeyUsage => "with the keyUsage keyCertSign and cRLSign",
        Reissue::BasicConstraints => "with basicConstraints CA:TRUE",
        Reissue::PathLength => "with a larger pathLenConstraint, or sign what is below it with a CA further up",
        Reissue::NameConstraints => "without name constraints, or with the trust domain among what they permit",
        Reissue::ExtendedKeyUsage => "without extKeyUsage, or with both serverAuth and clientAuth",
        Reissue::Algorithm => "with ECDSA P-256 or RSA of 2048 bits, signed with SHA-256",
        Reissue::Profile => "as RFC 5280 wants a CA certificate",
    }
}
