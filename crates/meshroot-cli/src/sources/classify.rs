//! What bytes are, and who reads them.

use meshroot::doctor::EvidenceKind;
use meshroot::inspect::inspect;
use meshroot::revocation::Crl;
use meshroot::x509::{Certificate, CertificateError};

use super::Reader;
use crate::exit::{Exit, Failure, Result};

impl Reader<'_> {
    /// Reads a document of any kind.
    pub(super) fn document(&mut self, bytes: &[u8], name: &str) -> Result<()> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let at_margin = |prefix: &[u8]| bytes.split(|byte| *byte == b'\n').any(|line| line.starts_with(prefix));
        match bytes.trim_ascii_start() {
            [b'{', ..] => self.json(bytes, name),
            // The long form of a length: text in which 0 is followed by such a byte is no ASCII.
            [0x30, 0x80..=0xff, ..] => self.der(bytes, name),
            _ if at_margin(b"-----BEGIN ") => self.pem(bytes, name),
            // A manifest may hold PEM too, but indented.
            _ if at_margin(b"apiVersion:") || at_margin(b"kind:") || at_margin(b"\"kind\":") => self.manifest(bytes, name),
            _ if memchr(bytes, b"-----BEGIN") || memchr(bytes, b"-----END") => self.pem(bytes, name),
            _ => Err(self.unknown(bytes)),
        }
    }

    fn der(&mut self, bytes: &[u8], name: &str) -> Result<()> {
        match Certificate::from_der(bytes) {
            // A key that nobody should use is a matter of the diagnosis.
            Ok(_) | Err(CertificateError::Key(_)) => {
                self.chain(name, vec![bytes.to_vec()]);
                Ok(())
            }
            Err(e) => match Crl::from_der(bytes) {
                Ok(crl) => {
                    let cluster = self.cluster();
                    self.put(name, EvidenceKind::CrlConfigMap { cluster, pem: crl.to_pem().into_bytes() });
                    Ok(())
                }
                Err(_) => Err(e.into()),
            },
        }
    }

    fn unknown(&self, bytes: &[u8]) -> Failure {
        match inspect(bytes, "", &self.session.crypto, self.session.now) {
            Err(e) => Failure::new(Exit::BadInput, e.code(), e.to_string().trim_start_matches(": ")),
            Ok(items) => {
                let title = items.first().map_or_else(|| "nothing".to_owned(), |item| item.title.clone());
                let message = format!("{title}: that says nothing about who trusts whom");
                Failure::new(Exit::BadInput, "doctor.no_evidence", message)
            }
        }
    }
}

fn memchr(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}
