use super::Finding;
use crate::istio::files::{File, Reading};
use crate::pem;
use crate::x509::{Certificate, CertificateError};

/// Certificates of a chain that are looked at. BoringSSL refuses a handshake message over 100 kB, webpki a path over six CAs.
const MAX_CHAIN: usize = 100;

/// What can be read of the set.
pub(super) struct Certificates {
    /// What stands in the file of the signing certificate; istiod takes the first.
    pub(super) signing: Vec<Certificate>,
    pub(super) chain: Vec<Certificate>,
    pub(super) roots: Vec<Certificate>,
    /// Some certificate was left out for its key, which istiod would read: do not guess about what it connects.
    pub(super) incomplete: bool,
}

/// Who reads a file decides how bad a broken block in it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Signing,
    Chain,
    Roots,
}

pub(super) fn read(reading: &Reading<'_>, findings: &mut Vec<Finding>) -> Certificates {
    let mut reader = Reader { findings, incomplete: false };
    let signing = reader.file(Role::Signing, reading.cert);
    let roots = reader.file(Role::Roots, reading.root);
    let chain = if reading.kubernetes_tls {
        signing.iter().chain(&roots).cloned().collect()
    } else {
        if let [_, _, ..] = signing.as_slice() {
            reader.findings.push(Finding::hurts(
                "istio.several_signing_certificates",
                reading.cert.name,
                format!("{} certificates stand in it: istiod signs with the first and ignores the others", signing.len()),
                "leave only the signing certificate in it; what is above it belongs into cert-chain.pem",
            ));
        }
        reader.file(Role::Chain, reading.chain)
    };
    Certificates { signing, chain, roots, incomplete: reader.incomplete }
}

struct Reader<'f> {
    findings: &'f mut Vec<Finding>,
    incomplete: bool,
}

impl Reader<'_> {
    fn file(&mut self, role: Role, file: File<'_>) -> Vec<Certificate> {
        let Some(bytes) = file.bytes else { return Vec::new() };
        let blocks = match pem::parse(bytes) {
            Ok(blocks) => blocks,
            Err(e) => {
                // istiod steps over a damaged block without a word, so what it makes of the rest is anybody's guess.
                self.incomplete = true;
                self.findings.push(damaged(role, file.name, &e.to_string()));
                return Vec::new();
            }
        };
        if blocks.is_empty() && role != Role::Chain {
            let text = if role == Role::Signing { "failed to parse cert PEM: invalid PEM encoded certificate".into() } else { unknown_authority() };
            let message = "no certificate in PEM is in it";
            self.findings
                .push(Finding::refused("istio.no_pem", file.name, message, "put the certificate in as PEM: -----BEGIN CERTIFICATE-----").says(text));
        }
        if role == Role::Chain && blocks.len() > MAX_CHAIN {
            self.incomplete = true;
            let message = format!("{} certificates are in it, and all of them go out in every TLS handshake: verifiers give up", blocks.len());
            self.findings.push(Finding::breaks("istio.chain_too_long", file.name, message, "leave only the signing CA and its issuers in it"));
        }
        let most = if role == Role::Chain { MAX_CHAIN } else { blocks.len() };
        let mut certificates = Vec::with_capacity(most.min(blocks.len()));
        for (number, block) in (1usize..).zip(&blocks).take(most) {
            let place = format!("block {number} (line {})", block.line);
            if block.label != "CERTIFICATE" {
                self.findings.push(foreign_block(role, file.name, &place, &block.label, number));
                continue;
            }
            match Certificate::from_der(&block.der) {
                Ok(certificate) => certificates.push(certificate),
                Err(CertificateError::Key(e)) => {
                    self.incomplete = true;
                    let message = format!("the certificate in {place} has a key that the mesh's TLS libraries refuse: {e}");
                    self.findings.push(Finding::breaks(
                        "istio.weak_key",
                        file.name,
                        message,
                        "make the CA again with ECDSA P-256, or RSA of at least 2048 bits",
                    ));
                }
                Err(e) => self.findings.push(garbage(role, file.name, &place, &e)),
            }
            // Only the first one counts there: a broken first must not be followed by a second that looks fine.
            if role == Role::Signing && certificates.is_empty() {
                break;
            }
        }
        certificates
    }
}

fn unknown_authority() -> String {
    format!("{}certificate signed by unknown authority", super::CANNOT_VERIFY)
}

fn damaged(role: Role, file: &'static str, error: &str) -> Finding {
    let remedy = "repair the file, or export the certificates again";
    let message = format!("the PEM is damaged: {error}");
    match role {
        Role::Signing => Finding::refused("istio.damaged_pem", file, message, remedy).says("failed to parse cert PEM: …"),
        Role::Chain | Role::Roots => {
            Finding::breaks("istio.damaged_pem", file, format!("{message}; istiod steps over damaged blocks without a word"), remedy)
        }
    }
}

fn foreign_block(role: Role, file: &'static str, place: &str, label: &str, number: usize) -> Finding {
    if label.ends_with("PRIVATE KEY") && role != Role::Signing {
        let message = format!("{place} is a private key, and istiod hands this file to every workload");
        return Finding::breaks("istio.key_published", file, message, "remove it, and replace the key if the file was ever deployed");
    }
    let message = format!("{place} is {} instead of CERTIFICATE", label.escape_default());
    let remedy = "leave only certificates in it";
    match role {
        Role::Signing if number == 1 => {
            Finding::refused("istio.foreign_block", file, message, remedy).says("failed to parse cert PEM: failed to parse X.509 certificate")
        }
        Role::Signing => Finding::hurts("istio.foreign_block", file, message, remedy),
        Role::Chain => Finding::breaks("istio.foreign_block", file, format!("{message}; workloads get it with their certificate"), remedy),
        Role::Roots => Finding::refused("istio.foreign_block", file, message, remedy)
            .says("add root CAs into peerCertVerifier failed: parse certificate from rootPEM got error: …"),
    }
}

fn garbage(role: Role, file: &'static str, place: &str, error: &CertificateError) -> Finding {
    let message = format!("{place} holds no certificate: {error}");
    let remedy = "remove the block, or export the certificate again";
    match role {
        Role::Signing => Finding::refused("istio.garbage", file, message, remedy).says("failed to parse cert PEM: failed to parse X.509 certificate"),
        Role::Chain => Finding::breaks("istio.garbage", file, format!("{message}; workloads get it with their certificate and refuse both"), remedy),
        Role::Roots => Finding::refused("istio.garbage", file, message, remedy)
            .says("add root CAs into peerCertVerifier failed: parse certificate from rootPEM got error: …"),
    }
}
