//! PEM: chains, roots, CRLs.

use meshroot::doctor::EvidenceKind;
use meshroot::pem::{self, Block, PemError};
use meshroot::x509::{Certificate, CertificateError};

use super::Reader;
use crate::exit::{Exit, Failure, Result};

impl Reader<'_> {
    pub(super) fn pem(&mut self, bytes: &[u8], name: &str) -> Result<()> {
        let blocks = pem::parse(bytes)?;
        let mut chain = Vec::new();
        let mut all_are_roots = true;
        let (mut crls, mut keys) = (0usize, 0usize);
        for (number, block) in (1..).zip(&blocks) {
            match block.label.as_str() {
                "CERTIFICATE" => {
                    all_are_roots &= is_root(number, block)?;
                    chain.push(block.der.clone());
                }
                "X509 CRL" => crls = crls.saturating_add(1),
                label if label.ends_with("PRIVATE KEY") => keys = keys.saturating_add(1),
                label => return Err(PemError::NotCertificate { block: number, line: block.line, label: label.to_owned() }.into()),
            }
        }
        if chain.is_empty() && crls == 0 {
            let what = if keys > 0 { "a private key alone" } else { "no block at all" };
            return Err(Failure::new(Exit::BadInput, "doctor.no_evidence", format!("{what}: that says nothing about who trusts whom")));
        }
        if keys > 0 {
            self.remark(name, "holds a private key, which was not looked at");
        }
        let cluster = self.cluster();
        if crls > 0 {
            self.put(name, EvidenceKind::CrlConfigMap { cluster: cluster.clone(), pem: only(bytes, "X509 CRL") });
        }
        if !chain.is_empty() {
            if all_are_roots {
                self.put(name, EvidenceKind::RootConfigMap { cluster, pem: only(bytes, "CERTIFICATE") });
            } else {
                self.chain(name, chain);
            }
        }
        Ok(())
    }

    pub(super) fn chain(&mut self, name: &str, chain: Vec<Vec<u8>>) {
        let cluster = self.cluster();
        self.put(name, EvidenceKind::Chain { cluster, chain });
    }
}

/// Whether a certificate is a CA's that names itself as its issuer. What cannot be read at all is bad input.
fn is_root(number: usize, block: &Block) -> Result<bool> {
    match Certificate::from_der(&block.der) {
        Ok(certificate) => Ok(certificate.is_ca() && certificate.is_self_issued()),
        // A key that nobody should use is a matter of the diagnosis.
        Err(CertificateError::Key(_)) => Ok(false),
        Err(error) => Err(PemError::Certificate { block: number, line: block.line, error }.into()),
    }
}

/// The blocks of this label, line by line as they were. The text has been parsed: each BEGIN has its END.
fn only(bytes: &[u8], label: &str) -> Vec<u8> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let mut kept = Vec::new();
    let mut inside = false;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        inside |= line.trim_ascii() == begin.as_bytes();
        if inside {
            kept.extend_from_slice(line);
            if line.trim_ascii() == end.as_bytes() {
                inside = false;
                if !line.ends_with(b"\n") {
                    kept.push(b'\n');
                }
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_one_label_are_picked_out() {
        let text =
            b"x\n-----BEGIN A-----\r\nAA==\r\n-----END A-----\r\n-----BEGIN B-----\nBB==\n-----END B-----\n-----BEGIN A-----\nCC==\n-----END A-----";
        assert_eq!(only(text, "A"), b"-----BEGIN A-----\r\nAA==\r\n-----END A-----\r\n-----BEGIN A-----\nCC==\n-----END A-----\n");
        assert_eq!(only(text, "C"), b"");
    }
}
