//! Certificates and CRLs out of bytes that may hold anything; what cannot be read is a warning that says where.

use crate::lint::Severity;
use crate::pem;
use crate::x509::Certificate;

use super::super::Warning;

/// Broken blocks of one file that are told apart.
const TOLD: usize = 5;

/// The certificates of a PEM text, in order.
pub(in super::super) fn certificates(text: &[u8], source: &str, warnings: &mut Vec<Warning>) -> Vec<Certificate> {
    let blocks = match pem::parse(text) {
        Ok(blocks) => blocks,
        Err(e) => {
            warnings.push(
                Warning::new(Severity::Error, "doctor.damaged_pem", format!("the PEM is damaged: {e}"), "repair the file, or export it again")
                    .at(source),
            );
            return Vec::new();
        }
    };
    if blocks.is_empty() {
        let message = "no certificate in PEM is in it";
        warnings.push(Warning::new(Severity::Error, "doctor.no_pem", message, "put it in as -----BEGIN CERTIFICATE-----").at(source));
    }
    let mut certificates = Vec::with_capacity(blocks.len());
    let mut broken = Broken::new(source);
    for (number, block) in (1usize..).zip(&blocks) {
        let place = format!("block {number} (line {})", block.line);
        if block.label.ends_with("PRIVATE KEY") {
            warnings.push(
                Warning::new(
                    Severity::Error,
                    "doctor.key_published",
                    format!("{place} is a private key, in a file that is handed to everybody"),
                    "remove it, and replace the key if the file was ever published",
                )
                .at(source),
            );
        } else if block.label != "CERTIFICATE" {
            broken.add(format!("{place} is {} instead of CERTIFICATE", block.label.escape_default()), warnings);
        } else {
            match Certificate::from_der(&block.der) {
                Ok(certificate) => certificates.push(certificate),
                Err(e) => broken.add(format!("{place} holds no certificate that can be used: {e}"), warnings),
            }
        }
    }
    broken.finish(warnings);
    certificates
}

/// The certificates of a chain in DER, in order.
pub(in super::super) fn chain(ders: &[Vec<u8>], source: &str, warnings: &mut Vec<Warning>) -> Vec<Certificate> {
    let mut certificates = Vec::with_capacity(ders.len());
    let mut broken = Broken::new(source);
    for (number, der) in (1usize..).zip(ders) {
        match Certificate::from_der(der) {
            Ok(certificate) => certificates.push(certificate),
            Err(e) => broken.add(format!("certificate {number} cannot be used: {e}"), warnings),
        }
    }
    broken.finish(warnings);
    certificates
}

/// Tells the first few of many.
struct Broken<'a> {
    source: &'a str,
    count: usize,
}

impl<'a> Broken<'a> {
    fn new(source: &'a str) -> Self {
        Self { source, count: 0 }
    }

    fn add(&mut self, message: String, warnings: &mut Vec<Warning>) {
        self.count = self.count.saturating_add(1);
        if self.count <= TOLD {
            warnings.push(Warning::new(Severity::Error, "doctor.unreadable", message, "remove it, or export the certificate again").at(self.source));
        }
    }

    fn finish(self, warnings: &mut Vec<Warning>) {
        if self.count > TOLD {
            let message = format!("{} more cannot be used", self.count.saturating_sub(TOLD));
            warnings.push(Warning::new(Severity::Error, "doctor.unreadable", message, "export the file again").at(self.source));
        }
    }
}
